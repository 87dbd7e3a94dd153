"""What seeds and rows can find: the parts of a variance in; the smallest difference found with 80 % power, out.

    find_seeds_detectable(SeedSpread(seeds=(0.25,), freedoms=(4,), rows=0.25, worth=100, …)) → 2.45

The test rejects where the difference passes a limit that is estimated with it. The difference is normal, each estimated
part is its true value by a chi-squared number over its freedom, and all are independent of each other, so the power is
the mean, over many such parts, of the chance that a normal number passes the limit that they make. For one part alone
it is that of the noncentral t. A sum of two quantiles of t, which suffices for many rows, promised 80 and was held 53
to 65 times in 100 with two and three seeds.

Of one evaluation the true parts are not known, and a part with few degrees of freedom is mostly seen smaller than it
is: with one degree the middle estimate is 0.45 of the truth. Each seen part is divided by that middle.
"""

from typing import Any

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from eval.statistics.intervals import LEVEL, POWER, count_needed
from eval.statistics.seeds import SeedSpread

# Points of a lattice by the roots of primes, which fills a square or a cube evenly (Richtmyer 1951): one root a part.
POINTS = 2_000
ROOTS = np.sqrt([2.0, 3.0, 5.0])
# Halvings of the range from 0 to beyond every limit that was drawn.
HALVINGS = 20


def find_seeds_detectable(seen: SeedSpread, level: float = LEVEL) -> Any:
    """The smallest true difference that these seeds and rows find with 80 % power, by a spread that was estimated."""
    rows = seen.rows / _find_middle(seen.freedom_of_rows)
    seeds = tuple(part / _find_middle(freedom) for part, freedom in zip(seen.seeds, seen.freedoms, strict=True))
    return find_known_detectable(seen._replace(rows=rows, seeds=seeds), level)


def find_known_detectable(spread: SeedSpread, level: float = LEVEL) -> Any:
    """The same by a spread that is the true one; nan without any, and where no such test can reject."""
    if count_needed(level) > spread.groups:
        return np.full(np.shape(spread.middle), np.nan)
    limits = _draw_limits(spread, level)
    low, high = np.zeros(limits.shape[:-1]), limits.max(axis=-1) + special.ndtri(POWER)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = special.ndtr(middle[..., None] - limits).mean(axis=-1) >= POWER
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(spread.error > 0, high * spread.error, np.nan)


def _draw_limits(spread: SeedSpread, level: float) -> Any:
    """Limits of the test, in true standard errors, by what the parts may be estimated as."""
    total = weighed = np.zeros(1)
    drawn = np.modf(np.outer(ROOTS, np.arange(POINTS) + 0.5))[0]
    for (part, freedom), chances in zip(spread.parts, drawn, strict=False):
        freedom = np.asarray(freedom, dtype=float)[..., None]
        seen = np.asarray(part)[..., None] * special.gammaincinv(freedom / 2, chances) * 2 / freedom
        total, weighed = total + seen, weighed - seen * special.stdtrit(freedom, level / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(weighed / np.sqrt(total) / np.asarray(spread.error)[..., None], posinf=0.0)


def _find_middle(freedom: Any) -> Any:
    """The median of a chi-squared number over its freedom."""
    return special.gammaincinv(np.asarray(freedom) / 2, 0.5) * 2 / freedom
