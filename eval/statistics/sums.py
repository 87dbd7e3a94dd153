"""What means and ratios share: sums by group in; intervals, p-values and detectable differences out.

    sum_groups([[1.0, 0.0, 1.0], [1.0, 1.0, 1.0]], ["a", "a", "b"]) → [[1, 1], [2, 1]]: 2/3, which is 1/2 in a, 1/1 in b
    bootstrap([[1, 1], [2, 1]], seed=42) → (0.5, 1.0)

A column is a group. The first row is divided by the second, over all columns; for a mean the second counts values. Two
more rows are another such ratio, which is subtracted from the first. Whole groups are drawn, since values of a group
are not independent.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

CONFIDENCE = 0.95
POWER = 0.8
BOOTSTRAPS = 2_000
# Fewer are too few to resample: 95 % intervals held the true difference of 5 or 10 dialogues 92 or 93 times in 100.
FEW_GROUPS = 20
SIGN_FLIPS = 9_999
# Numbers drawn at once: bounds the memory for large test sets, and spares small ones the many small steps.
CELLS = 200_000
# Sums that are equal but for rounding are equal.
ROUNDING = 1e-9

Interval = tuple[float | None, float | None]


def sum_groups(parts: Any, groups: Sequence[str]) -> Any:
    """Add up each row of `parts`, which has a column a value, over the values of each group."""
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    index = np.array([numbers[group] for group in groups], dtype=int)
    return np.array([np.bincount(index, weights=part, minlength=len(numbers)) for part in parts])


def divide_sums(*sums: Any, axis: int = -1) -> Any:
    """The ratio of two rows of sums, the difference of two ratios of four; not finite where a denominator is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        first, *second = [
            top.sum(axis=axis) / bottom.sum(axis=axis) for top, bottom in zip(sums[::2], sums[1::2], strict=True)
        ]
        return first - second[0] if second else first


def raise_sums(*sums: Any, axis: int = -1) -> Any:
    """`divide_sums` with e to the power of each ratio; not finite where that is more than a float holds."""
    with np.errstate(over="ignore", invalid="ignore"):
        first, *second = [np.exp(divide_sums(*sums[at : at + 2], axis=axis)) for at in range(0, len(sums), 2)]
        return first - second[0] if second else first


def bootstrap(
    sums: Any,
    seed: int,
    method: Literal["BCa", "percentile"] = "percentile",
    statistic: Callable[..., Any] = divide_sums,
) -> Interval:
    """Interval of `statistic` by drawing groups; None for one group, and for an end that a denominator of 0 reaches."""
    groups = sums.shape[1]
    if groups < 2:
        return None, None
    # The error of few groups is larger than resampling shows, as Student's t is wider than the normal.
    widened = stats.t.ppf((1 + CONFIDENCE) / 2, groups - 1) * math.sqrt(groups / (groups - 1))
    with warnings.catch_warnings():
        # A resample may have a denominator of 0; an end of the interval that it reaches is left out.
        warnings.simplefilter("ignore")
        result = stats.bootstrap(
            tuple(sums),
            statistic,
            paired=True,
            vectorized=True,
            n_resamples=BOOTSTRAPS,
            batch=max(1, CELLS // groups),
            confidence_level=2 * stats.norm.cdf(widened) - 1,
            method=method,
            rng=np.random.default_rng(seed),
        )
    low, high = (float(end) for end in result.confidence_interval)
    return low if math.isfinite(low) else None, high if math.isfinite(high) else None


def bound_difference(
    sums: Any,
    seed: int,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    statistic: Callable[..., Any] = divide_sums,
) -> Interval:
    """Interval of a difference: percentiles of the bootstrap, and for few groups Student's t, within the bounds."""
    groups = sums.shape[1]
    if groups >= FEW_GROUPS:
        return bootstrap(sums, seed, statistic=statistic)
    error = find_error(sums, statistic)
    if error is None:
        return None, None
    mean, half = float(statistic(*sums)), float(stats.t.ppf((1 + CONFIDENCE) / 2, _count_freedom(sums))) * error
    return max(bounds[0], mean - half), min(bounds[1], mean + half)


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Interval of a share."""
    interval = stats.binomtest(successes, n).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def bound_constant(value: float, n: int, bounds: tuple[float, float]) -> Interval:
    """Interval of a mean when n values were all the same: the share of unseen others is what Wilson leaves open."""
    lowest, highest = bounds
    if not lowest <= value <= highest:
        return None, None
    unseen = wilson(0, n)[1]
    return value - unseen * (value - lowest), value + unseen * (highest - value)


def find_mid_p(measure: Callable[[np.random.Generator, int], Any], width: int, close: float, seed: int) -> float:
    """Mid-p of what was observed: the share of random draws that are larger, and half of those that are as large.

    `measure(rng, draws)` returns drawn minus observed statistic for each draw; one draw needs `width` numbers.
    """
    rng = np.random.default_rng(seed)
    batch = max(1, CELLS // width)
    larger, equal = 0, 0
    for start in range(0, SIGN_FLIPS, batch):
        surplus = measure(rng, min(batch, SIGN_FLIPS - start))
        alike = abs(surplus) <= close
        equal += int(alike.sum())
        # Written so that draws with a denominator of 0 count as larger.
        larger += int((~alike & ~(surplus < 0)).sum())
    return (larger + equal / 2 + 1) / (SIGN_FLIPS + 1)


def find_detectable(sums: Any) -> float | None:
    """The smallest true difference that a test set of this size and spread finds with 80 % power."""
    error, freedom = find_error(sums), _count_freedom(sums)
    if not error:
        return None
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom) + stats.t.ppf(POWER, freedom)) * error


def find_error(sums: Any, statistic: Callable[..., Any] = divide_sums) -> float | None:
    """Standard error of `statistic`, from its values without each of the groups (the jackknife)."""
    groups = sums.shape[1]
    without = statistic(*((row.sum() - row)[:, None] for row in sums))
    if groups < 2 or not np.isfinite(without).all():
        return None
    error = math.sqrt((groups - 1) / groups * float(((without - without.mean()) ** 2).sum()))
    return error if error > ROUNDING else 0.0


def _count_freedom(sums: Any) -> float:
    """Kish's effective number of groups, minus one, at least 1: unequal groups carry less than as many equal ones."""
    return max(1.0, float(sums[1].sum() ** 2 / (sums[1] ** 2).sum()) - 1)
