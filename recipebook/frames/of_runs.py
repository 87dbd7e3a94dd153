"""The folder of runs in; a frame of all runs, or of one run's losses, out."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from eval.comparing.evaluations import list_evaluations, read_summary
from recipebook.errors import UserError
from recipebook.frames.choosing import ChosenRun, choose_runs, get_folder
from recipebook.frames.columns import build_frame
from recipebook.frames.schemas import LOSSES, RUNS
from recipebook.project import shown
from recipebook.run import rundir
from recipebook.run.advice import Verdict
from recipebook.run.manifest import Manifest
from recipebook.run.progress_file import read_metrics, read_progress
from recipebook.run.rundir import Run
from recipebook.run.table import UNREADABLE, find_status

Row = dict[str, Any]


def runs(folder: Path | None = None) -> pd.DataFrame:
    """All runs, newest first, a row each, whatever state they are in; `folder` is `runs/` if not given.

    Members of fleets and votes are among them. The columns and their dtypes are `frames.RUNS`.

        >>> frames.runs()[["run", "status", "verdict", "figure", "tuned", "base_mean"]]
                                    run   status    verdict figure     tuned  base_mean
        0  robot-lora-20261121-053004  trained  excellent  exact  0.834000        0.0
        1  robot-lora-20261121-040752   failed        NaN   <NA>      <NA>       <NA>
    """
    return build_frame(RUNS, [_describe(run) for run in rundir.list_runs(get_folder(folder))])


def losses(run: str, folder: Path | None = None) -> pd.DataFrame:
    """What the trainer logged of a run, a row for each step at which it did; no rows where it logged nothing.

    `run` is a run's name, also of one that is not finished; a recipe's, for its newest trained run; or a fleet's, for
    its members' trained runs. Of a step that was trained again after a resume, the last report counts. The columns and
    their dtypes are `frames.LOSSES`.

        >>> frames.losses("robot-lora")[["step", "epoch", "loss", "eval_loss"]].head(3)
           step  epoch    loss  eval_loss
        0    10   0.13  2.8412       <NA>
        1    20   0.26  1.1273       <NA>
        2    30   0.39  0.5120     0.4871
    """
    chosen = choose_runs(run, get_folder(folder))
    return build_frame(LOSSES, [row for one in chosen for row in _list_losses(one)])


def _describe(run: Run) -> Row:
    row: Row = {column.name: None for column in RUNS.columns}
    row |= {"run": run.name, "fleet": run.fleet, "attempts": 0}
    try:
        row |= _describe_training(run, run.read())
    except UserError as error:
        return {**row, "status": UNREADABLE, "reason": str(error)}
    try:
        return {**row, **_describe_evaluation(run)}
    except UserError as error:
        return {**row, "reason": str(error)}


def _describe_training(run: Run, manifest: Manifest) -> Row:
    progress = read_progress(run.folder)
    verdict = (manifest.diagnosis or "").partition(":")[0]
    ended = [attempt.seconds for attempt in manifest.attempts if attempt.seconds is not None]
    return {
        "recipe": manifest.recipe,
        "member": manifest.member,
        "profile": manifest.profile,
        "status": find_status(run, manifest),
        "reason": manifest.reason,
        "created": _read_time(manifest.created, run),
        "base": manifest.base,
        "identity": manifest.identity,
        "commit": manifest.git.get("commit"),
        "dirty": manifest.git.get("dirty"),
        **{f"{part}_rows": manifest.rows.get(part) for part in ("train", "validation", "test")},
        "attempts": len(manifest.attempts),
        "seconds": sum(ended) if ended else None,
        "step": progress.get("step"),
        "steps": progress.get("steps"),
        "final_loss": manifest.final_loss,
        # An earlier version may have had other words; they are in the diagnosis.
        "verdict": verdict if verdict in get_args(Verdict) else None,
        "diagnosis": manifest.diagnosis,
        "memory_gib": manifest.memory_gib,
    }


def _describe_evaluation(run: Run) -> Row:
    """The main figure of the run's own evaluation; nothing where there is none."""
    if "" not in list_evaluations(run):
        return {}
    summary = read_summary(run)
    result = summary.headline
    return {
        "figure": result.figure,
        "rows": summary.rows,
        "tuned": result.tuned.mean,
        "tuned_low": result.tuned.low,
        "tuned_high": result.tuned.high,
        "base_mean": result.base.mean if result.base else None,
        "difference": result.difference.mean if result.difference else None,
        "p_adjusted": result.p_adjusted,
    }


def _read_time(text: str, run: Run) -> datetime | None:
    """A manifest's time; one without an offset is taken to be UTC."""
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise UserError(f"{shown(run.folder / 'manifest.json')}: created: '{text}' is no time") from None


def _list_losses(chosen: ChosenRun) -> Iterator[Row]:
    folder = chosen.run.folder
    # The last stage's files also show in the run's own folder.
    stages: list[tuple[str | None, Path]] = [
        (entry.name, folder / "stages" / entry.name) for entry in chosen.manifest.pipeline
    ]
    for stage, place in stages or [(None, folder)]:
        steps: dict[int, Row] = {}
        for line in read_metrics(place / "metrics.jsonl"):
            values = {key: _read_number(value) for key, value in line.items()}
            steps.setdefault(int(line["step"]), {}).update(values)
        for step in sorted(steps):
            missing = {column.name: None for column in LOSSES.columns}
            yield {**missing, **chosen.identification, "stage": stage, **steps[step], "step": step}


def _read_number(value: Any) -> Any:
    """Whole numbers as the others are; whatever is no number as it is."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
