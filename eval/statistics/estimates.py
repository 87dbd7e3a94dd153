"""How sure a figure is: values (None where undefined) in, estimates with 95 % intervals and p-values out.

    estimate([1.0, 1.0, 0.0, None], ["a", "b", "c", "d"], binary=True, seed=42)
    → Estimate(n=3, undefined=1, mean=0.667, low=0.208, high=0.939)

Values that share a group (turns of a dialogue) are not independent: then groups are resampled, not values, and their
signs are flipped together. What was chosen, by simulation (`python -m benchmarks.calibration` prints the figures):
- Intervals of 0/1 figures are Wilson's. Other means take the BCa bootstrap, as scores are skewed; differences take the
  percentile bootstrap, as they are hardly skewed and BCa stumbles over the many zeros of 0/1 differences. Both are
  widened as Student's t is for few groups (Hesterberg, "What Teachers Should Know About the Bootstrap", The American
  Statistician 69, 2015): otherwise intervals of 10 dialogues would hold the truth 90 times in 100. Differences of less
  than 20 groups take Student's t itself with the jackknife's error.
- Paired tests are McNemar's for 0/1 figures, by the chi-squared distribution, and random sign flips of whole groups
  with mid-p for others: exact tests of such steps reject 1 to 3 times in 100 where 5 are promised (Fagerland, Lydersen
  and Laake, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are better than exact conditional",
  BMC Medical Research Methodology 13, 2013). McNemar's with mid-p still rejects 2.5 times of 50 pairs of which 1 in 10
  differ; by chi-squared it is 4.7 times, and never more than 5.4 times from 50 pairs on.
Where all values are equal there is nothing to resample, and the interval shows how many unseen other values there
could be.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

from eval.statistics.resampling import (
    ROUNDING,
    Interval,
    bootstrap,
    bound_constant,
    bound_difference,
    divide_sums,
    find_detectable,
    find_mid_p,
    sum_groups,
    wilson,
)
from recipebook.frozen import Frozen

SIGNIFICANT = 0.05
# Fewer values are too few for BCa to estimate the skew; more take time that grows with the square, to no effect.
BCA_GROUPS = range(10, 2_001)

Values = Sequence[float | None]


class Estimate(Frozen):
    """A mean over the defined values; without any, it is None, and so is an interval that cannot be computed."""

    n: int
    undefined: int
    mean: float | None
    low: float | None
    high: float | None


class Difference(Frozen):
    """Tuned less base, over the rows where both are defined."""

    n: int
    groups: int
    mean: float | None
    low: float | None
    high: float | None
    test: str
    p: float | None
    detectable: float | None


def estimate(values: Values, groups: Sequence[str], *, binary: bool, seed: int) -> Estimate:
    """Mean and interval of one figure."""
    kept = [(value, group) for value, group in zip(values, groups, strict=True) if value is not None]
    undefined = len(values) - len(kept)
    if not kept:
        return Estimate(n=0, undefined=undefined, mean=None, low=None, high=None)
    sums = _sum_values(kept)
    single = sums.shape[1] == len(kept)
    low, high = wilson(round(sums[0].sum()), len(kept)) if binary and single else _bound_mean(sums, seed)
    return Estimate(n=len(kept), undefined=undefined, mean=float(divide_sums(*sums)), low=low, high=high)


def compare(base: Values, tuned: Values, groups: Sequence[str], *, binary: bool, seed: int) -> Difference:
    """Mean of tuned - base, its interval, and the probability of a difference as large if the two were alike."""
    kept = [
        (before, after, group)
        for before, after, group in zip(base, tuned, groups, strict=True)
        if before is not None and after is not None
    ]
    single = binary and len({group for *_, group in kept}) == len(kept)
    test = "McNemar's test" if single else "paired permutation test"
    if not kept:
        return Difference(n=0, groups=0, mean=None, low=None, high=None, test=test, p=None, detectable=None)
    sums = _sum_values([(after - before, group) for before, after, group in kept])
    are_shares = all(0 <= value <= 1 for before, after, _ in kept for value in (before, after))
    low, high = _bound_change(sums, seed, (-1.0, 1.0) if are_shares else (-math.inf, math.inf))
    return Difference(
        n=len(kept),
        groups=sums.shape[1],
        mean=float(divide_sums(*sums)),
        low=low,
        high=high,
        test=test,
        p=_test_mcnemar(sums[0]) if single else _test_flips(sums[0], seed),
        detectable=find_detectable(sums),
    )


def adjust_holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's correction for looking at several p-values at once; None stays None and is not counted."""
    order = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, index) in enumerate(order):
        highest = max(highest, min(1.0, p * (len(order) - rank)))
        adjusted[index] = highest
    return adjusted


def _sum_values(kept: Sequence[tuple[float, str]]) -> Any:
    """Sums by group above counts by group."""
    values, groups = zip(*kept, strict=True)
    return sum_groups([values, [1.0] * len(values)], groups)


def _bound_mean(sums: Any, seed: int) -> Interval:
    means = sums[0] / sums[1]
    if np.ptp(means) == 0:
        return bound_constant(float(means[0]), len(means), (0.0, 1.0))
    return bootstrap(sums, seed, "BCa" if len(means) in BCA_GROUPS else "percentile")


def _bound_change(sums: Any, seed: int, bounds: tuple[float, float]) -> Interval:
    means = sums[0] / sums[1]
    if np.ptp(means) == 0:
        return bound_constant(float(means[0]), len(means), (-1.0, 1.0))
    return bound_difference(sums, seed, bounds)


def _test_mcnemar(differences: Any) -> float:
    better, worse = int((differences > 0).sum()), int((differences < 0).sum())
    return float(stats.chisquare([better, worse]).pvalue) if better + worse else 1.0


def _test_flips(sums: Any, seed: int) -> float:
    """Flip signs at random: if the models were alike, each group's answers could as well be the other's.

    By hand, since scipy's permutation_test took 14 s over the figures of 400 rows where this takes 2.
    """
    moved = sums[sums != 0]
    if not len(moved):
        return 1.0
    total = moved.sum()

    def measure(rng: np.random.Generator, draws: int) -> Any:
        octets = rng.integers(0, 256, size=(draws, len(moved) // 8 + 1), dtype=np.uint8)
        flipped = np.unpackbits(octets, axis=1, count=len(moved)) @ moved
        return abs(total - 2 * flipped) - abs(total)

    return find_mid_p(measure, len(moved), ROUNDING * abs(moved).sum(), seed)
