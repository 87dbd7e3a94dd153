"""How each training of a run went, ready for its page: a run's folder in, loss curves and verdicts out.

    [TrainingReport(name="", losses=LossChart(train="0.82,64.2 …", …), diagnosis=Diagnosis(verdict="good", …))]

A run has one training; a run with stages has one for each stage that trained, named after the stage.
"""

import json
from pathlib import Path
from typing import NamedTuple

from eval.report.charts import LossChart, plot_losses
from recipebook.run.diagnosis import Diagnosis, diagnose_folder
from recipebook.run.progress_file import read_metrics


class TrainingReport(NamedTuple):
    """One training's loss curve and its diagnosis."""

    name: str
    losses: LossChart | None
    diagnosis: Diagnosis


def read_trainings(folder: Path) -> list[TrainingReport]:
    """All trainings of a run, in the order of its stages; a vote has none."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    if manifest.get("voters"):
        return []
    trained = [stage["name"] for stage in manifest.get("pipeline", ()) if stage["status"] == "trained"]
    # The last stage's files also show in the run's own folder.
    return [_read_training(folder / "stages" / name, name) for name in trained] or [_read_training(folder, "")]


def _read_training(folder: Path, name: str) -> TrainingReport:
    return TrainingReport(name, plot_losses(read_metrics(folder / "metrics.jsonl")), diagnose_folder(folder))
