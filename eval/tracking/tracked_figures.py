"""An evaluation in; its figures by the names that every tracker shows, out.

    {"evaluation/exact/tuned": 0.845, "evaluation/exact/base": 0.0, "evaluation/exact/difference": 0.845}

An evaluation beside the run's own has its place in the name: `evaluation/validation/checkpoint-500/exact/tuned`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from eval.scoring.summary import Summary
from recipebook.run.progress_file import read_progress

EVALUATION = "evaluation"


class TrackedFigures(NamedTuple):
    """The figures of one evaluation; `training` is the folder of the run or stage, `step` its last one."""

    training: Path
    place: str
    report: Path
    step: int
    values: Mapping[str, float]

    @property
    def above(self) -> str:
        """What all their names begin with: `evaluation/validation`."""
        return _join(self.place)


def read_figures(training: Path, evaluations: Path, evaluation: Path, summary: Summary) -> TrackedFigures:
    """The figures of the evaluation in a folder of `evaluations`, which is the run's `eval/`."""
    place = "" if evaluation == evaluations else evaluation.relative_to(evaluations).as_posix()
    above = _join(place)
    values = {
        f"{above}/{result.figure}/{name}": one.mean
        for result in summary.results
        for name, one in (("tuned", result.tuned), ("base", result.base), ("difference", result.difference))
        if one is not None and one.mean is not None
    }
    step = int(read_progress(training).get("step", 0))
    return TrackedFigures(training, place, evaluation / "report.html", step, values)


def _join(place: str) -> str:
    return f"{EVALUATION}/{place}" if place else EVALUATION
