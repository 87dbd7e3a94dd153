"""Figures that are a sum divided by a sum: scores of rows in, estimates and differences with 95 % intervals out.

    RATIOS = {"length_ratio": (("pred_length",), ("ref_length",))}
    estimate_ratio([{"pred_length": 2, "ref_length": 4}, {"pred_length": 4, "ref_length": 4}], …, ["a", "b"], seed=42)
    → Estimate(n=2, undefined=0, mean=0.75, …)

A metric's RATIOS name the figures that are added up above and below the line (one may be named twice: 2 tp above
2 tp + fp + fn). A mean of the rows' own ratios would let a row of one word weigh as much as one of a hundred. Groups
are resampled, and swapped between base and tuned, as in eval/statistics/estimates.py. Where the sum below
the line is 0 there is no ratio. An `exponential` figure is e to the power of its ratio, as perplexity is of nats a
token.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eval.statistics.estimates import Difference, Estimate
from eval.statistics.resampling import (
    ROUNDING,
    bootstrap,
    bound_constant,
    bound_difference,
    divide_sums,
    find_detectable,
    find_mid_p,
    raise_sums,
    sum_groups,
)

Ratio = tuple[tuple[str, ...], tuple[str, ...]]
Rows = Sequence[Mapping[str, float | None]]

TEST = "paired permutation test"
# e to the power of more is more than a float can hold.
MOST_NATS = 700


def estimate_ratio(
    scores: Rows, ratio: Ratio, groups: Sequence[str], *, exponential: bool = False, seed: int
) -> Estimate:
    """Ratio and interval; rows without a part of it are undefined."""
    sums, n = _sum_defined(add_parts(scores, ratio), groups)
    top, bottom = sums
    if not bottom.sum():
        return Estimate(n=0, undefined=len(scores), mean=None, low=None, high=None)
    mean = float(divide_sums(*sums))
    if np.allclose(top, mean * bottom):
        is_share = not exponential and bool((top <= bottom).all())
        low, high = bound_constant(mean, int((bottom > 0).sum()), (0.0, 1.0)) if is_share else (None, None)
    else:
        low, high = bootstrap(sums, seed)
    if exponential:
        # e to the power of the ends are the ends for e to the power of the ratio, since the function only grows.
        raised = [None if value is None else _raise(value) for value in (mean, low, high)]
        return Estimate(n=n, undefined=len(scores) - n, mean=raised[0], low=raised[1], high=raised[2])
    return Estimate(n=n, undefined=len(scores) - n, mean=mean, low=low, high=high)


def compare_ratio(
    base: Rows, tuned: Rows, ratio: Ratio, groups: Sequence[str], *, exponential: bool = False, seed: int
) -> Difference:
    """Ratio of tuned - ratio of base, over the rows where both have all parts."""
    sums, n = _sum_defined(np.concatenate([add_parts(tuned, ratio), add_parts(base, ratio)]), groups)
    if not (sums[1].sum() and sums[3].sum()):
        return Difference(n=0, groups=0, mean=None, low=None, high=None, test=TEST, p=None, detectable=None)
    statistic = raise_sums if exponential else divide_sums
    mean = float(statistic(*sums))
    low, high = bound_difference(sums, seed, statistic=statistic)
    return Difference(
        n=n,
        groups=sums.shape[1],
        mean=mean if math.isfinite(mean) else None,
        low=low,
        high=high,
        test=TEST,
        p=_test_swaps(sums, seed),
        detectable=None if exponential else find_detectable(sums),
    )


def add_parts(scores: Rows, ratio: Ratio) -> Any:
    """Numerator and denominator, row by row; nan where it is not defined."""
    values = [[[row[figure] for row in scores] for figure in figures] for figures in ratio]
    return np.array([np.array(part, dtype=float).sum(axis=0) for part in values])


def _raise(value: float) -> float | None:
    return math.exp(value) if value < MOST_NATS else None


def _sum_defined(parts: Any, groups: Sequence[str]) -> tuple[Any, int]:
    """Sums by group over the rows where every part is defined, and the number of these rows."""
    defined = ~np.isnan(parts).any(axis=0)
    kept = [group for group, one in zip(groups, defined, strict=True) if one]
    return sum_groups(parts[:, defined], kept), len(kept)


def _test_swaps(sums: Any, seed: int) -> float:
    """Swap whole groups at random: if the models were alike, each one's answers could as well be the other's."""
    observed = abs(float(divide_sums(*sums)))
    tuned, base = sums[:2], sums[2:]
    moved = (tuned - base)[:, (tuned != base).any(axis=0)]
    if not moved.size:
        return 1.0

    def measure(rng: np.random.Generator, draws: int) -> Any:
        swapped = rng.integers(0, 2, size=(draws, moved.shape[1])) @ moved.T
        totals = [*(tuned.sum(axis=1) - swapped).T, *(base.sum(axis=1) + swapped).T]
        return abs(divide_sums(*(total[:, None] for total in totals))) - observed

    return find_mid_p(measure, moved.shape[1], ROUNDING * max(observed, 1.0), seed)
