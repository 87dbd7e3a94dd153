"""How each training of a run went, ready for its page: a run's folder in, loss curves and verdicts out.

    [TrainingReport(name="", charts=(CurveChart(title="loss", train="0.82,64.2 …", …), …),
                    diagnosis=Diagnosis(verdict="good", …))]

A run has one training; a run with stages has one for each stage that trained, named after the stage.
"""

import json
from pathlib import Path
from typing import NamedTuple

from eval.report.training_charts import CurveChart, plot_training
from recipebook.run.diagnosis import Diagnosis, diagnose_folder
from recipebook.run.progress_file import read_metrics
from recipebook.run.resolved import read_settings


class TrainingReport(NamedTuple):
    """One training's curves and its diagnosis."""

    name: str
    charts: tuple[CurveChart, ...]
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
    saved_best = bool(read_settings(folder).get("load_best_model_at_end"))
    charts = plot_training(read_metrics(folder / "metrics.jsonl"), saved_best=saved_best)
    return TrainingReport(name, tuple(charts), diagnose_folder(folder))
