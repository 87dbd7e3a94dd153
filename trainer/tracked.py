"""Records under which names W&B, MLflow and trackio know a training, so that its evaluations can be added there.

Their callbacks are in front of ours and have begun their runs when ours are called. A tracker that this training does
not use is not imported for it.
"""

import sys
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from recipebook.run.secret_values import LOGIN
from recipebook.run.tracked import MlflowRun, Trackers, TrackioRun, WandbRun, write_trackers


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
