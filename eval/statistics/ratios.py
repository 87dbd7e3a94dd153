"""Figures that are a sum divided by a sum: scores of rows in, estimates and differences with 95 % intervals out.

    RATIOS = {"length_ratio": (("pred_length",), ("ref_length",))}
    estimate_ratio([{"pred_length": 2, "ref_length": 4}, {"pred_length": 4, "ref_length": 4}], …, ["a", "b"])
    → Estimate(n=2, undefined=0, mean=0.75, …)

A metric's RATIOS name the figures that are added up above and below the line (one may be named twice: 2 tp above
2 tp + fp + fn). A mean of the rows' own ratios would let a row of one word weigh as much as one of a hundred. Intervals
and tests are those of means (eval/statistics/intervals.py). Where the sum below the line is 0 there is no ratio. An
`exponential` figure is e to the power of its ratio, as perplexity is of nats a token.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eval.statistics.estimates import (
    STUDENT,
    Difference,
    Estimate,
    compare_sums,
    estimate_sums,
    make_empty,
)
from eval.statistics.intervals import LEVEL
from eval.statistics.sums import Groups, divide_sums, number_groups, raise_sums, sum_groups

Ratio = tuple[tuple[str, ...], tuple[str, ...]]
# Scores of rows, or the same by figure: an array of the values of all rows.
Rows = Sequence[Mapping[str, float | None]] | dict[str, Any]

# e to the power of more is more than a float can hold.
MOST_NATS = 700


def estimate_ratio(
    scores: Rows, ratio: Ratio, groups: Groups, *, exponential: bool = False, share: bool | None = None
) -> Estimate:
    """Ratio and interval; rows without a part of it are undefined.

    `share`: it is between 0 and 1; None: where the parts of these rows are.
    """
    parts = add_parts(scores, ratio)
    sums, n = _sum_defined(parts, groups)
    count = parts.shape[1]
    if not sums[1].sum():
        return Estimate(n=0, undefined=count, mean=None, low=None, high=None)
    found = estimate_sums(sums, n, count - n, share=_is_share(sums, share, exponential=exponential))
    if not exponential:
        return found
    # e to the power of the ends are the ends for e to the power of the ratio, since the function only grows.
    mean, low, high = (_raise(value) for value in (found.mean, found.low, found.high))
    whole = None not in (mean, low, high)
    return found.model_copy(
        update={
            "mean": mean,
            "low": low if whole else None,
            "high": high if whole else None,
            "caution": found.caution if whole else "",
        }
    )


def compare_ratio(
    base: Rows,
    tuned: Rows,
    ratio: Ratio,
    groups: Groups,
    *,
    exponential: bool = False,
    share: bool | None = None,
    level: float = LEVEL,
) -> Difference:
    """Ratio of tuned - ratio of base, over the rows where both have all parts; judged at `level`."""
    sums, n = _sum_defined(np.concatenate([add_parts(tuned, ratio), add_parts(base, ratio)]), groups)
    if not (sums[1].sum() and sums[3].sum()):
        return make_empty(STUDENT)
    bounded, statistic = _is_share(sums, share, exponential=exponential), raise_sums if exponential else divide_sums
    return compare_sums(sums, n, share=bounded, level=level, statistic=statistic)


def add_parts(scores: Rows, ratio: Ratio) -> Any:
    """Numerator and denominator, row by row; nan where it is not defined."""
    return np.array([sum(read_column(scores, figure) for figure in figures) for figures in ratio])


def read_column(scores: Rows, figure: str) -> Any:
    """A figure's values, nan where there is none; of rows, or of columns that are read already."""
    return scores[figure] if isinstance(scores, dict) else np.array([row[figure] for row in scores], dtype=float)


def _is_share(sums: Any, share: bool | None, *, exponential: bool) -> bool:
    """Whether it is known to be a share; else, whether no numerator is larger than its denominator, or below 0."""
    if exponential or share is not None:
        return bool(share) and not exponential
    return bool((sums[::2] <= sums[1::2]).all() and (sums[::2] >= 0).all())


def _raise(value: float | None) -> float | None:
    return math.exp(value) if value is not None and value < MOST_NATS else None


def _sum_defined(parts: Any, groups: Groups) -> tuple[Any, int]:
    """Sums by group over the rows where every part is defined, and the number of these rows."""
    defined, index = ~np.isnan(parts).any(axis=0), number_groups(groups)
    if len(index) != len(defined):
        raise ValueError(f"{len(defined)} rows are of {len(index)} groups")
    return sum_groups(parts[:, defined], index[defined]), int(defined.sum())
