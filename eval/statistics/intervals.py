"""How sure a mean, a ratio or a difference is: sums by group in; intervals, p-values and detectable differences out.

    bound_mean([[1, 0, 1, 1], [1, 1, 1, 1]], share=True) → (0.104, 1.0)
    find_change_p([[1, 1, 1], [1, 1, 1], [0, 0, 0], [1, 1, 1]]) → 0.25

An interval is Student's t with Kish's freedom, or the same corrected for the skew that the groups show, whichever
reaches further to a side: the first is too short on the side of a long tail, the second where a group outweighs the
others. The correction is Hall's ("On the removal of skewness by transformation", Journal of the Royal Statistical
Society B 54, 1992). The end of a difference's interval that is nearer to 0 is Student's alone: if the two models were
alike, differences would have no skew. So the p-value of the paired t-test and the interval say the same. A p-value is
never below 2 / 2^k where k groups differ: that share of all ways to swap base and tuned in them is as extreme.

All functions take sums as eval/statistics/sums.py has them, for one test set or for many at once; nan means none.
`python -m benchmarks.calibration` measures how often intervals hold the truth.
"""

import math
from typing import Any

import numpy as np

from eval.statistics import special
from eval.statistics.sums import Spread, Statistic, divide_sums, measure_spread

LEVEL = 0.05
POWER = 0.8
# Fewer right or wrong answers: Wilson's interval held the truth 84 times in 100 for a few in 1,000 wrong; so it is 92.
FEW_EITHER = 5

Bounds = tuple[Any, Any]


def bound_mean(sums: Any, *, share: bool) -> Bounds:
    """Interval of a mean or of a ratio; a share stays between 0 and 1."""
    spread = measure_spread(sums)
    low, high = _bound(spread, LEVEL)
    return _keep_within(spread, low, high, (0.0, 1.0) if share else None, LEVEL)


def bound_change(sums: Any, *, share: bool, level: float = LEVEL, statistic: Statistic = divide_sums) -> Bounds:
    """Interval of a difference; one of shares stays between -1 and 1."""
    spread = measure_spread(sums, statistic)
    low, high = _bound(spread, level)
    near = special.stdtrit(spread.freedom, 1 - level / 2) * spread.error
    low = np.where(spread.middle > 0, spread.middle - near, low)
    high = np.where(spread.middle < 0, spread.middle + near, high)
    return _keep_within(spread, low, high, (-1.0, 1.0) if share else None, level)


def find_change_p(sums: Any, statistic: Statistic = divide_sums) -> Any:
    """The probability of a difference as large if the two were alike, by a paired t-test over groups."""
    spread = measure_spread(sums, statistic)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * special.stdtr(spread.freedom, -abs(spread.middle / spread.error))
    p = np.where(spread.error > 0, p, np.where(spread.error == 0, 0.0, 1.0))
    return np.maximum(p, np.minimum(1.0, 2.0 ** (1 - spread.differing)))


def find_detectable(sums: Any, *, level: float = LEVEL, statistic: Statistic = divide_sums) -> Any:
    """The smallest true difference that a test set of this size and spread finds with 80 % power.

    It is the t-test's, but so large at least that with the same power enough groups differ for a p-value below the
    level. With fewer groups than that, no difference can be found.

    Where groups have a long tail to the side of the difference, a low mean comes with a small error and is found more
    readily; a tail to the other side hides it. So what must be added for power is that much shorter or longer: without
    it, 30 rows of which a few lose much would find the difference 64 times in 100. As few rows seldom show the whole of
    a tail, it shortens by half of that: with the whole, 30 rows with lognormal gains found the difference 63 times.

    The spread itself is mostly seen smaller than it is, and the more so the longer the tails are.
    """
    spread = measure_spread(sums, statistic)
    limit = special.stdtrit(spread.freedom, 1 - level / 2)
    tail = np.sign(spread.middle) * spread.skew
    longer = 1 - limit * np.where(tail > 0, tail / 2, tail) / 2
    of_t = limit + special.stdtrit(spread.freedom, POWER) * np.maximum(0.0, longer)
    needed = count_needed(level)
    if needed > spread.groups:
        return np.full_like(spread.error, np.nan)
    # The share of differing groups with which as many as needed are among all groups with that power.
    of_groups = special.betaincinv(needed, spread.groups - needed + 1, POWER) * spread.groups * spread.size
    of_t *= spread.error / np.sqrt(_find_middle(find_certainty(spread)))
    return np.where(spread.error > 0, np.fmax(of_t, of_groups), np.nan)


def find_certainty(spread: Spread) -> Any:
    """The degrees of freedom with which the squared error is known: fewer than the groups' where these have long tails.

    The variance of a variance is that of the normal distribution's and a part for the excess kurtosis.
    """
    return 2 / (2 / spread.freedom + np.maximum(0.0, spread.tails) / spread.groups)


def _find_middle(freedom: Any) -> Any:
    """The median of a chi-squared number over its freedom, by Wilson and Hilferty."""
    return (1 - 2 / (9 * freedom)) ** 3


def count_needed(level: float) -> int:
    """The number of groups that must differ at least for a p-value below the level."""
    return math.floor(1 - math.log2(level)) + 1


def bound_share(successes: int, n: int) -> tuple[float, float]:
    """Interval of a share of right answers: Wilson's, or Clopper and Pearson's where it reaches further and few are
    right, or wrong."""
    square, share = float(special.ndtri(1 - LEVEL / 2)) ** 2, successes / n
    middle = (share + square / (2 * n)) / (1 + square / n)
    reach = math.sqrt(square * (share * (1 - share) + square / (4 * n)) / n) / (1 + square / n)
    # At 0 and at 1 rounding would leave a rest.
    low = 0.0 if successes == 0 else middle - reach
    high = 1.0 if successes == n else middle + reach
    if min(successes, n - successes) >= FEW_EITHER:
        return low, high
    lowest = special.betaincinv(successes, n - successes + 1, LEVEL / 2) if successes else 0.0
    highest = special.betaincinv(successes + 1, n - successes, 1 - LEVEL / 2) if successes < n else 1.0
    return min(low, float(lowest)), max(high, float(highest))


def reach(half: Any, skew: Any) -> Any:
    """How many standard errors an interval reaches down: Student's `half`, or further by Hall's correction for skew.

    Up it reaches as far as it would down by the skew's negative.
    """
    # Dividing by less than this, rounding would outweigh the correction.
    skew = np.where(abs(skew) < 1e-8, 1e-8, skew)
    return np.maximum(half, 3 / skew * (np.cbrt(1 + skew * (half - skew / 6)) - 1))


def bound_constant(value: Any, n: Any, bounds: tuple[float, float], level: float = LEVEL) -> Bounds:
    """Interval of a mean when n values were all the same: the share of unseen others is what Wilson leaves open."""
    square = special.ndtri(1 - level / 2) ** 2
    unseen = square / (n + square)
    return value - unseen * (value - bounds[0]), value + unseen * (bounds[1] - value)


def _bound(spread: Spread, level: float) -> Bounds:
    half = special.stdtrit(spread.freedom, 1 - level / 2)
    low = spread.middle - spread.error * reach(half, spread.skew)
    return low, spread.middle + spread.error * reach(half, -spread.skew)


def _keep_within(spread: Spread, low: Any, high: Any, bounds: tuple[float, float] | None, level: float) -> Bounds:
    # Without any spread there is nothing to measure; only what has bounds could be elsewhere.
    constant = spread.error == 0
    if bounds is None:
        return np.where(constant, np.nan, low), np.where(constant, np.nan, high)
    lowest, highest = bound_constant(spread.middle, spread.groups, bounds, level)
    return (
        np.where(constant, lowest, np.maximum(bounds[0], low)),
        np.where(constant, highest, np.minimum(bounds[1], high)),
    )
