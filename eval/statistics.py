"""How sure a figure is: values (None where undefined) in, estimates with 95 % intervals and p-values out.

    estimate([1.0, 1.0, 0.0, None], ["a", "b", "c", "d"], binary=True, seed=42)
    → Estimate(n=3, undefined=1, mean=0.667, low=0.208, high=0.939)

Values that share a group (turns of a dialogue) are not independent: groups, not values, are resampled then, and flip
their signs together. What was chosen, by simulation (`python -m benchmarks.calibration` prints the figures):
- Intervals of 0/1 figures are Wilson's. Other means take the BCa bootstrap, as scores are skewed; differences take the
  percentile bootstrap, as they are hardly skewed and BCa stumbles over the many zeros of 0/1 differences. Both are
  widened as Student's t is for few groups (Hesterberg, "What Teachers Should Know About the Bootstrap", The American
  Statistician 69, 2015): 10 dialogues would be covered 9 times in 10 else.
- Paired tests are McNemar's for 0/1 figures and random sign flips of whole groups for others, with mid-p: exact
  tests of such steps reject 1 to 3 times in 100 where 5 are promised (Fagerland, Lydersen and Laake, "The McNemar
  test for binary matched-pairs data", BMC Medical Research Methodology 13, 2013).
Where all values are equal there is nothing to resample, and the interval tells how many unseen other values there
could be.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy import stats  # type: ignore[import-untyped]

CONFIDENCE = 0.95
POWER = 0.8
SIGNIFICANT = 0.05
BOOTSTRAPS = 2_000
SIGN_FLIPS = 9_999
# Numbers drawn at once: bounds the memory for large test sets, and spares small ones the many small steps.
CELLS = 200_000
# Below, BCa has too little to judge the skew by; above, its work grows with the square and its effect is gone.
BCA_GROUPS = range(10, 2_001)
# Sums that are equal but for rounding are equal.
ROUNDING = 1e-9

Values = Sequence[float | None]


class Estimate(BaseModel):
    """A mean over the defined values; without any, it is None, and so is an interval that cannot be had."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int
    undefined: int
    mean: float | None
    low: float | None
    high: float | None


class Difference(BaseModel):
    """What tuned does better than base, over the rows where both are defined."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
    sums, counts = _sum_groups(kept)
    mean = float(sums.sum() / counts.sum())
    wilson = binary and len(counts) == len(kept)
    low, high = (
        _wilson(round(sums.sum()), len(kept)) if wilson else _bootstrap(sums, counts, (0.0, 1.0), seed, skewed=True)
    )
    return Estimate(n=len(kept), undefined=undefined, mean=mean, low=low, high=high)


def compare(base: Values, tuned: Values, groups: Sequence[str], *, binary: bool, seed: int) -> Difference:
    """Mean of tuned - base, its interval, and how likely as large a one is if the two were alike."""
    kept = [
        (after - before, group)
        for before, after, group in zip(base, tuned, groups, strict=True)
        if before is not None and after is not None
    ]
    single = binary and len({group for _, group in kept}) == len(kept)
    test = "McNemar's mid-p test" if single else "paired permutation test"
    if not kept:
        return Difference(n=0, groups=0, mean=None, low=None, high=None, test=test, p=None, detectable=None)
    sums, counts = _sum_groups(kept)
    low, high = _bootstrap(sums, counts, (-1.0, 1.0), seed, skewed=False)
    return Difference(
        n=len(kept),
        groups=len(counts),
        mean=float(sums.sum() / counts.sum()),
        low=low,
        high=high,
        test=test,
        p=_test_mcnemar(sums) if single else _test_permutations(sums, seed),
        detectable=_find_detectable(sums, counts),
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


def _sum_groups(kept: list[tuple[float, str]]) -> tuple[Any, Any]:
    numbers = {group: number for number, group in enumerate(dict.fromkeys(group for _, group in kept))}
    index = np.array([numbers[group] for _, group in kept])
    return np.bincount(index, weights=np.array([value for value, _ in kept])), np.bincount(index)


def _wilson(successes: int, n: int) -> tuple[float, float]:
    interval = stats.binomtest(successes, n).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def _bootstrap(
    sums: Any, counts: Any, bounds: tuple[float, float], seed: int, *, skewed: bool
) -> tuple[float | None, float | None]:
    means = sums / counts
    groups = len(means)
    if np.ptp(means) == 0:
        return _bound_constant(float(means[0]), groups, bounds)
    widened = stats.t.ppf((1 + CONFIDENCE) / 2, groups - 1) * math.sqrt(groups / (groups - 1))
    result = stats.bootstrap(
        (sums, counts),
        lambda drawn, sizes, axis: drawn.sum(axis=axis) / sizes.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=BOOTSTRAPS,
        batch=max(1, CELLS // groups),
        confidence_level=2 * stats.norm.cdf(widened) - 1,
        method="BCa" if skewed and groups in BCA_GROUPS else "percentile",
        rng=np.random.default_rng(seed),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def _bound_constant(value: float, n: int, bounds: tuple[float, float]) -> tuple[float | None, float | None]:
    """Interval of a mean when n values were all the same: the share of unseen others is what Wilson leaves open."""
    lowest, highest = bounds
    if not lowest <= value <= highest:
        return None, None
    unseen = _wilson(0, n)[1]
    return value - unseen * (value - lowest), value + unseen * (highest - value)


def _test_mcnemar(differences: Any) -> float:
    better, worse = int((differences > 0).sum()), int((differences < 0).sum())
    fewer, moved = min(better, worse), better + worse
    return float(2 * stats.binom.cdf(fewer - 1, moved, 0.5) + stats.binom.pmf(fewer, moved, 0.5))


def _test_permutations(sums: Any, seed: int) -> float:
    """Flip signs at random: if the models were alike, each group's answers could as well be the other's.

    By hand, since scipy's permutation_test took 14 s over the figures of 400 rows where this takes 2.
    """
    moved = sums[sums != 0]
    if not len(moved):
        return 1.0
    rng = np.random.default_rng(seed)
    total, close = moved.sum(), ROUNDING * abs(moved).sum()
    batch = max(1, CELLS // len(moved))
    larger, equal = 0, 0
    for start in range(0, SIGN_FLIPS, batch):
        octets = rng.integers(0, 256, size=(min(batch, SIGN_FLIPS - start), len(moved) // 8 + 1), dtype=np.uint8)
        flipped = np.unpackbits(octets, axis=1, count=len(moved)) @ moved
        surplus = abs(total - 2 * flipped) - abs(total)
        larger += int((surplus > close).sum())
        equal += int((abs(surplus) <= close).sum())
    return (larger + equal / 2 + 1) / (SIGN_FLIPS + 1)


def _find_detectable(sums: Any, counts: Any) -> float | None:
    """The smallest true difference that a test set of this size and spread finds four times in five."""
    groups = len(sums)
    if groups < 2:
        return None
    # What each group adds to the mean's error, however many values it has.
    residuals = sums - sums.sum() / counts.sum() * counts
    error = math.sqrt(groups / (groups - 1) * float((residuals**2).sum())) / float(counts.sum())
    quantiles = stats.t.ppf((1 + CONFIDENCE) / 2, groups - 1) + stats.t.ppf(POWER, groups - 1)
    return float(quantiles) * error if error else None
