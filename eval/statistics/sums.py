"""Scores by group in; what means, ratios and differences of them are, and how far they may be off, out.

    sum_groups([[1.0, 0.0, 1.0], [1.0, 1.0, 1.0]], ["a", "a", "b"]) → [[1, 1], [2, 1]]: 2/3, which is 1/2 in a, 1/1 in b
    measure_spread([[1, 1], [2, 1]]) → Spread(middle=0.667, error=0.25, skew=0.0, freedom=1.0, worth=1.8, …)

A column is a group: rows that are not independent of each other, as turns of a dialogue are. The first line of sums is
divided by the second, over all columns; for a mean the second counts values. Two more lines are another such ratio,
which is subtracted from the first. Further axes before the last one are test sets of their own, as in simulations.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

# Sums that are equal but for rounding are equal.
ROUNDING = 1e-9

Statistic = Callable[..., Any]
# The name of each value's group, or, where many figures have the same groups, their numbers as an array.
Groups = Any


class Spread(NamedTuple):
    """A statistic of all groups, its standard error and how skewed that is, by what it is without each of the groups.

    `skew` is the third standardised moment of the groups' influence, divided by the root of their number, and `tails`
    Fisher's excess kurtosis, 0 for normal ones. `worth` is Kish's effective number of groups, as unequal groups say
    less than as many equal ones; `freedom` is one less, and at least 1. `differing` counts the groups in which two
    ratios differ, and `size` is how far one of these moves their difference on average: by half of what swapping the
    two in this group does.
    The error is nan where it cannot be computed.
    """

    middle: Any
    error: Any
    skew: Any
    freedom: Any
    worth: Any
    groups: int
    differing: Any
    size: Any
    tails: Any


def number_groups(groups: Groups) -> Any:
    """The number of each value's group, from 0 and without gaps; numbers that have them already are made dense."""
    if not isinstance(groups, np.ndarray):
        numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
        return np.fromiter((numbers[group] for group in groups), dtype=int, count=len(groups))
    there = np.bincount(groups) > 0
    return groups if there.all() else (np.cumsum(there) - 1)[groups]


def sum_groups(parts: Any, groups: Groups) -> Any:
    """Add up each line of `parts`, which has a column for each value, over the values of each group."""
    index = number_groups(groups)
    return np.array([np.bincount(index, weights=part) for part in parts])


def divide_sums(*sums: Any, axis: int = -1) -> Any:
    """The ratio of two lines of sums, the difference of two ratios of four; not finite where a denominator is 0."""
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


def measure_spread(sums: Any, statistic: Statistic = divide_sums) -> Spread:
    """The spread of a statistic by the jackknife, whose squared error is that of cluster-robust errors (CR1) of a mean
    but for a factor near 1."""
    sums = np.asarray(sums, dtype=float)
    groups = sums.shape[-1]
    middle = statistic(*sums)
    gaps = find_gaps(sums, statistic)
    squares = (gaps**2).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt((groups - 1) / groups * squares) if groups > 1 else np.full_like(squares, np.nan)
        error = np.where(error <= ROUNDING * np.maximum(1.0, abs(middle)), 0.0, error)
        skew = np.where(error > 0, (gaps**3).sum(axis=-1) / squares**1.5, 0.0)
        worth = sums[1].sum(axis=-1) ** 2 / (sums[1] ** 2).sum(axis=-1)
    differing, size = _measure_swaps(sums, statistic, middle)
    freedom = np.maximum(1.0, worth - 1)
    return Spread(middle, error, skew, freedom, worth, groups, differing, size, _measure_tails(gaps, error))


def _measure_tails(gaps: Any, error: Any) -> Any:
    n = gaps.shape[-1]
    if n < 4:
        return np.zeros_like(error)
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = n * (gaps**4).sum(axis=-1) / (gaps**2).sum(axis=-1) ** 2 - 3
    return np.where(error > 0, (n - 1) * ((n + 1) * plain + 6) / ((n - 2) * (n - 3)), 0.0)


def find_gaps(sums: Any, statistic: Statistic) -> Any:
    """By how much each group moves the statistic; nan where it is not defined without some group."""
    without = statistic(*((line.sum(axis=-1, keepdims=True) - line)[..., None] for line in sums))
    with np.errstate(invalid="ignore"):
        return without.mean(axis=-1, keepdims=True) - without


def _measure_swaps(sums: Any, statistic: Statistic, middle: Any) -> tuple[Any, Any]:
    """How many groups differ between the two ratios of a difference, and how far each moves it; of one ratio none."""
    if len(sums) == 2:
        return np.zeros(np.shape(middle), dtype=int), np.zeros(np.shape(middle))
    apart = sums[:2] - sums[2:]
    moved = (abs(apart) > ROUNDING * np.maximum(1.0, abs(sums[:2]))).any(axis=0)
    totals = sums.sum(axis=-1, keepdims=True)
    swapped = statistic(*(line[..., None] for line in (*(totals[:2] - apart), *(totals[2:] + apart))))
    count = moved.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.where(moved, abs(np.expand_dims(middle, -1) - swapped), 0.0).sum(axis=-1)
        return count, far / (2 * count)
