"""How each training of a run went, ready for its page: a run's folder in, loss curves and verdicts out.

    [Training(name="", losses=LossChart(train="0.82,64.2 …", …), diagnosis=Diagnosis(verdict="good", …))]

A run has one training, a run of stages one for each that trained, named by it.
"""

from pathlib import Path
from typing import NamedTuple

from eval.charts import LossChart, plot_losses
from recipebook.diagnosis import Diagnosis, diagnose_folder, read_metrics


class Training(NamedTuple):
    """One curve, and what it tells."""

    name: str
    losses: LossChart | None
    diagnosis: Diagnosis


def read_trainings(folder: Path) -> list[Training]:
    """All trainings of a run, in the order in which they ended."""
    ended = sorted(folder.glob("stages/*/metrics.jsonl"), key=lambda path: path.stat().st_mtime)
    # The last stage's file also shows in the run's own folder.
    return [_read_training(path.parent, path.parent.name) for path in ended] or [_read_training(folder, "")]


def _read_training(folder: Path, name: str) -> Training:
    return Training(name, plot_losses(read_metrics(folder / "metrics.jsonl")), diagnose_folder(folder))
