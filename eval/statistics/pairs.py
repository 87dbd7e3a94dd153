"""Right and wrong answers of two models to the same rows: how many only one of them has right in; p and interval out.

    find_pairs_p(better=8, worse=2, n=20) → 0.058; bound_pairs(8, 2, 20) → (-0.011, 0.549)

The test is McNemar's by the chi-squared distribution, and the exact one where fewer than 10 rows differ or more than 4
in 5: by chi-squared four wins and no loss would be p = 0.046, and 6.5 of 100 comparisons of 11 rows that all differ
would be rejected. So the share is never above 5.4 of 100, for 5 to 200 rows of which any share differ (enumerated in
tests/eval/statistics/test_pairs.py). By mid-p, which Fagerland, Lydersen and Laake prefer ("The McNemar test for binary
matched-pairs data", BMC Medical Research Methodology 13, 2013), 5 rows that all differ would be rejected 6.25 times.

The interval is Tango's score interval ("Equivalence test and confidence interval for the difference in proportions for
the paired-sample design", Statistics in Medicine 17, 1998), which leaves out 0 where the chi-squared test rejects.
"""

import math
from typing import Any

import numpy as np

from eval.statistics import special
from eval.statistics.intervals import LEVEL, POWER, Bounds

FEW_DIFFER = 10
MOST_DIFFER = 0.8
# Halvings of the range from -1 to 1: beyond these a float has no digits left.
HALVINGS = 54
# Of so few rows, every outcome is weighed. Of more, where this number of rows differ or more, a t-test has McNemar's
# power: 82 and 80 times in 100 for 23 and 80 rows.
FEW_ROWS = 150
MANY_DIFFER = 25
# Where more rows differ on average, outcomes beyond those that are weighed, 50 wins or losses, are no longer rare.
WEIGHED_MEAN = 35
# Halvings after which a difference is known to a thousandth of a point.
PRECISE = 17


def find_pairs_p(better: Any, worse: Any, n: Any) -> Any:
    """McNemar's test: the probability of wins and losses as unequal, if each were as likely."""
    better, worse = np.asarray(better), np.asarray(worse)
    differing = better + worse
    exact = np.minimum(1.0, 2 * special.bdtr(np.minimum(better, worse), differing, 0.5))
    with np.errstate(invalid="ignore"):
        squared = special.chdtrc(1, (better - worse) ** 2 / differing)
    few = (differing < FEW_DIFFER) | (differing > MOST_DIFFER * n)
    return np.where(few, exact, squared)


def bound_pairs(better: Any, worse: Any, n: Any, level: float = LEVEL) -> Bounds:
    """Tango's interval of (better - worse) / n: the differences whose score test does not reject."""
    better, worse = np.asarray(better), np.asarray(worse)
    limit = special.ndtri(1 - level / 2)
    return _find_root(better, worse, n, -1.0, limit), _find_root(better, worse, n, 1.0, limit)


def find_pairs_lost(seen: int, n: int) -> float:
    """The share of rows that go the other way, where so many of n were seen to: it is as likely too high as too low.

    It is Clopper and Pearson's upper bound at one half. The seen share itself is mostly too low where rows are few, and
    what it promised to be found 80 times in 100 was found 74 times.
    """
    return float(special.betaincinv(seen + 1, n - seen, 0.5)) if seen < n else 1.0


def find_pairs_detectable(share: float, n: int, level: float = LEVEL) -> float:
    """The smallest true difference that the test finds with 80 % power, where this share of n rows goes the other way.

    Of many rows it is a t-test's; of few, every outcome is weighed. It is nan where not even the largest difference
    that so many lost rows leave is found.
    """
    if n < 2:
        return math.nan
    reach = special.stdtrit(n - 1, 1 - level / 2) + special.stdtrit(n - 1, POWER)
    of_t = solve_for_gain(share, float(reach) ** 2 / n)
    if n > FEW_ROWS and n * (2 * share + of_t) >= MANY_DIFFER:
        return of_t
    most = n if n <= FEW_ROWS else 2 * MANY_DIFFER
    wins, losses = (table.ravel() for table in np.meshgrid(*[np.arange(most + 1)] * 2))
    possible = wins + losses <= n
    wins, losses = wins[possible], losses[possible]
    found = (find_pairs_p(wins, losses, n) < level) & (wins > losses)
    counts = wins[found], losses[found], (n - wins - losses)[found]
    ways = special.gammaln(n + 1) - sum(special.gammaln(one + 1) for one in counts)

    def is_found(difference: float) -> bool:
        chances = (share + difference, share, max(0.0, 1 - 2 * share - difference))
        log = ways + sum(special.xlogy(count, one) for count, one in zip(counts, chances, strict=True))
        return bool(np.exp(log).sum() >= POWER)

    low, high = 0.0, 1 - 2 * share
    if n > FEW_ROWS:
        high = min(high, WEIGHED_MEAN / n - 2 * share)
    if high <= 0 or not is_found(high):
        return math.nan
    for _ in range(PRECISE):
        middle = (low + high) / 2
        low, high = (low, middle) if is_found(middle) else (middle, high)
    return high


def solve_for_gain(share: float, weight: float) -> float:
    """The gain d whose square is `weight` times the variance of a row: d² = weight (2 share + d - d²)."""
    return (weight + math.sqrt(weight**2 + 8 * share * weight * (1 + weight))) / (2 * (1 + weight))


def _find_root(better: Any, worse: Any, n: Any, outside: float, limit: float) -> Any:
    """Where the score is as large as the limit, between the seen difference, where it is 0, and one outside."""
    near = (better - worse) / n
    far = np.full_like(near, outside)
    for _ in range(HALVINGS):
        middle = (near + far) / 2
        beyond = abs(_score(better, worse, n, middle)) > limit
        near, far = np.where(beyond, near, middle), np.where(beyond, middle, far)
    return (near + far) / 2


def _score(better: Any, worse: Any, n: Any, difference: Any) -> Any:
    """How many standard errors the seen difference is off a supposed one, under which the error is taken."""
    linear = -better - worse + (2 * n - better + worse) * difference
    square = linear**2 + 8 * n * worse * difference * (1 - difference)
    likeliest = (np.sqrt(np.maximum(0.0, square)) - linear) / (4 * n)
    variance = n * (2 * likeliest + difference * (1 - difference))
    return (better - worse - n * difference) / np.sqrt(np.maximum(variance, 1e-300))
