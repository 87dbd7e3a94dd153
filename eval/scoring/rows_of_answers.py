"""Answers of which several belong to one row in; one for each row, with the mean of their scores, out.

    {"id": "a.json#12~1", "row": "a.json#12"} exact 1.0, {"id": "a.json#12~2", "row": "a.json#12"} exact 0.0
    → row a.json#12, exact 0.5

Samples of one prompt, and variants of its wording, say how a model answers a row, and not how it answers other rows. So
intervals and tests go over rows, as they do where each row has one answer (Miller, "Adding error bars to evals",
arXiv 2411.00640, section 3.1). A figure that some of a row's answers leave undefined is the mean of the others.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from eval.scoring.predictions import Prediction
from eval.statistics.ratios import read_column
from eval.statistics.sums import number_groups

Scores = dict[str, float | None]

# The fields of an answer's meta in which it differs from others to its row.
VARIANT, SAMPLE = "variant", "sample"


class ScoredRows(NamedTuple):
    """The scores of some rows by figure, as arrays; their groups by number."""

    groups: Any
    tuned: dict[str, Any]
    base: dict[str, Any] | None

    @classmethod
    def read(
        cls,
        predictions: Sequence[Prediction],
        tuned: Sequence[Scores],
        base: Sequence[Scores] | None,
        figures: Iterable[str],
        places: Sequence[int] | None = None,
    ) -> "ScoredRows":
        """The rows of all answers, or of those at some places."""
        if places is not None:
            predictions, tuned = [predictions[at] for at in places], [tuned[at] for at in places]
            base = None if base is None else [base[at] for at in places]
        own, before = average_rows(predictions, tuned), None if base is None else average_rows(predictions, base)
        return cls(
            groups=number_groups([item.group for item in take_rows(predictions)]),
            tuned={name: read_column(own, name) for name in figures},
            base=None if before is None else {name: read_column(before, name) for name in figures},
        )

    def take(self, rows: Any) -> "ScoredRows":
        """The scores of some of the rows."""
        tuned = {name: column[rows] for name, column in self.tuned.items()}
        base = None if self.base is None else {name: column[rows] for name, column in self.base.items()}
        return ScoredRows(self.groups[rows], tuned, base)


def has_several(predictions: Sequence[Prediction]) -> bool:
    """Whether answers name the row that they are among several answers to."""
    return any(one.row is not None for one in predictions)


def number_rows(predictions: Sequence[Prediction]) -> list[list[int]]:
    """The places of each row's answers, in the order of the rows."""
    found: dict[str, list[int]] = {}
    for at, one in enumerate(predictions):
        found.setdefault(one.row or one.id, []).append(at)
    return list(found.values())


def take_rows(predictions: Sequence[Prediction]) -> list[Prediction]:
    """The first answer of each row."""
    if not has_several(predictions):
        return [*predictions]
    return [predictions[places[0]] for places in number_rows(predictions)]


def average_rows(predictions: Sequence[Prediction], scores: Sequence[Scores]) -> list[Scores]:
    """The mean scores of each row."""
    if not has_several(predictions):
        return [*scores]
    return [_average([scores[at] for at in places]) for places in number_rows(predictions)]


def _average(answers: Sequence[Scores]) -> Scores:
    found: Scores = {}
    for figure in answers[0]:
        known = [value for one in answers if (value := one[figure]) is not None]
        found[figure] = sum(known) / len(known) if known else None
    return found
