"""Records under which names W&B, MLflow and trackio know a training, so that what follows can be added there.

What follows is a resumed training, which continues the same runs, and evaluations. The trackers' callbacks are in
front of ours and have begun their runs when ours are called. A tracker that this training does not use is not imported
for it.
"""

import os
import sys
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from recipebook.run.secret_values import LOGIN
from recipebook.run.tracked import MlflowRun, Trackers, TrackioRun, WandbRun, read_trackers, write_trackers


def continue_tracked_runs(folder: Path) -> Trackers:
    """Let W&B and MLflow continue the runs that an earlier attempt in this folder began; all that it began there.

    Both find theirs in the environment, and trackio is passed its name (trainer/trackio_start.py).
    """
    known = read_trackers(folder)
    if known.wandb:
        os.environ.update(WANDB_RUN_ID=known.wandb.id, WANDB_RESUME="allow")
    if known.mlflow and _has_run(known.mlflow):
        os.environ["MLFLOW_RUN_ID"] = known.mlflow.id
    return known


def _has_run(known: MlflowRun) -> bool:
    """Whether MLflow still has the run: it refuses to train into one that was deleted."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        run = MlflowClient(tracking_uri=known.uri).get_run(known.id)
    except MlflowException:
        return False
    return bool(run.info.lifecycle_stage == "active")


class RecordTrackers(TrainerCallback):
    """Writes trackers.json into the run's folder, from the first process only, if there is a tracker."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The trackers have begun their runs."""
        if not state.is_world_process_zero:
            return
        found = Trackers(wandb=_find_wandb(), mlflow=_find_mlflow(), trackio=_find_trackio())
        if found != Trackers():
            write_trackers(self.folder, found)


def send_what_was_logged() -> None:
    """Wait for trackio, which sends figures in a thread of its own, some time after they were logged."""
    if _find_trackio():
        sys.modules["trackio"].finish()


def _find_wandb() -> WandbRun | None:
    run = getattr(sys.modules.get("wandb"), "run", None)
    if run is None:
        return None
    return WandbRun(id=run.id, project=run.project, entity=run.entity or None, offline=bool(run.settings._offline))


def _find_mlflow() -> MlflowRun | None:
    mlflow: Any = sys.modules.get("mlflow")
    run = mlflow.active_run() if mlflow and hasattr(mlflow, "active_run") else None
    if run is None:
        return None
    uri = mlflow.get_tracking_uri()
    # A login in an address is a secret, and stays in the environment.
    return MlflowRun(id=run.info.run_id, uri=None if LOGIN.search(uri.encode()) else uri)


def _find_trackio() -> TrackioRun | None:
    context: Any = sys.modules.get("trackio.context_vars")
    run = context.current_run.get() if context else None
    if run is None:
        return None
    return TrackioRun(project=run.project, name=run.name, space=context.current_space_id.get())
