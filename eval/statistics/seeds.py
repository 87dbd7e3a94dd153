"""Several trainings of one recipe on the same rows, as one system: sums by seed and group in; its spread out.

    measure_seeds([sums of tuned: 2 lines x 5 seeds x 577 groups, sums of base: 2 lines x 1 x 577])
    → SeedSpread(middle=0.834, seeds=(0.00012,), freedoms=(4,), rows=0.00023, …)

The statistic is the mean over the seeds of each training's own figure. Seeds and groups of rows are both drawn at
random, and cross: every training answers every row. The variance has the parts of Cornfield and Tukey ("Average values
of mean squares in factorials", Annals of Mathematical Statistics 27, 1956): that of the seeds' own figures, in which
what seeds and rows have together is contained, and that of the rows (by the jackknife) less what is contained already.

Five seeds say little of their own variance. Each part has a freedom of its own, and the limit of t is the mean of the
two, weighed by the parts (Cochran, "Approximate significance levels of the Behrens-Fisher test", Biometrics 20, 1964).
Satterthwaite's freedom rejected 9 and 6 of 100 equal models with 2 and 3 seeds; this rejects 5 at most:
`python -m benchmarks.seeds`.

A system of one training has no seeds to vary: what is said of it is said of its weights.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from eval.statistics.intervals import LEVEL, POWER, Bounds
from eval.statistics.sums import ROUNDING, Statistic, divide_sums, find_gaps

# Halvings of the range of the logarithm of a p-value, after which nine digits of it are known.
HALVINGS = 40
SMALLEST = -300.0


class SeedSpread(NamedTuple):
    """A figure over seeds and rows, or the difference of two, with the parts of its variance.

    `seeds` has the variance that each system's seeds bring, and `freedoms` one less than the number of each's seeds.
    `differing` counts the groups in which two systems differ; of one system it is all.
    """

    middle: Any
    seeds: tuple[Any, ...]
    freedoms: tuple[int, ...]
    rows: Any
    worth: Any
    skew: Any
    groups: int
    differing: Any

    @property
    def error(self) -> Any:
        """The standard error."""
        error = np.sqrt(sum(self.seeds) + self.rows)
        return np.where(error <= ROUNDING * np.maximum(1.0, abs(self.middle)), 0.0, error)


def measure_seeds(systems: Sequence[Any], statistic: Statistic = divide_sums) -> SeedSpread:
    """The figure of one system, or that of the first less that of the second, and how far it may be off.

    A system is an array of two lines by seed by group: numerators and denominators. Axes before the seeds are test sets
    of their own, as in simulations.
    """
    middles, gaps, seeds, freedoms, shared = [], [], [], [], []
    for each in systems:
        system = np.asarray(each, dtype=float)
        figures, own = statistic(*system), find_gaps(system, statistic)
        count, groups = system.shape[-2:]
        middles.append(figures.mean(axis=-1))
        gaps.append(own.mean(axis=-2))
        if count > 1:
            seeds.append(figures.var(axis=-1, ddof=1) / count)
            freedoms.append(count - 1)
            apart = own - own.mean(axis=-2, keepdims=True)
            shared.append((groups - 1) / groups * (apart**2).sum(axis=(-1, -2)) / (count * (count - 1)))
    gap = gaps[0] - gaps[1] if len(gaps) > 1 else gaps[0]
    first = np.asarray(systems[0], dtype=float)
    groups = first.shape[-1]
    squares = (gap**2).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        skew = np.where(squares > 0, (gap**3).sum(axis=-1) / squares**1.5, 0.0)
        sizes = first[1].mean(axis=-2)
        worth = sizes.sum(axis=-1) ** 2 / (sizes**2).sum(axis=-1)
    return SeedSpread(
        middle=middles[0] - middles[1] if len(middles) > 1 else middles[0],
        seeds=tuple(seeds),
        freedoms=tuple(freedoms),
        rows=np.maximum((groups - 1) / groups * squares - sum(shared), 0.0),
        worth=worth,
        skew=skew,
        groups=groups,
        differing=_count_differing(systems, groups),
    )


def bound_seeds(spread: SeedSpread, level: float = LEVEL) -> Bounds:
    """The interval of the figure, or of the difference."""
    half = _find_limit(spread, level) * spread.error
    return spread.middle - half, spread.middle + half


def find_seeds_p(spread: SeedSpread) -> Any:
    """The probability of a difference as large if the two systems were alike; as `bound_seeds` judges it.

    As in a comparison of two runs, it is never below that of the most extreme of all ways to swap the two in groups.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = np.where(spread.error > 0, abs(spread.middle) / spread.error, np.where(spread.middle == 0, 0, np.inf))
    low, high = np.full(np.shape(wanted), SMALLEST), np.zeros(np.shape(wanted))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        beyond = _find_limit(spread, 10**middle) > wanted
        low, high = np.where(beyond, middle, low), np.where(beyond, high, middle)
    p = np.where(wanted == 0, 1.0, 10**high)
    return np.maximum(p, np.minimum(1.0, 2.0 ** (1 - spread.differing)))


def find_seeds_detectable(spread: SeedSpread, level: float = LEVEL) -> Any:
    """The smallest true difference that so many seeds and rows find with 80 % power; nan without any spread."""
    reach = _find_limit(spread, level) + _find_limit(spread, 2 * (1 - POWER))
    return np.where(spread.error > 0, reach * spread.error, np.nan)


def _find_limit(spread: SeedSpread, level: Any) -> Any:
    """How many standard errors an interval reaches, and a test rejects."""
    parts = [(spread.rows, np.maximum(1.0, spread.worth - 1)), *zip(spread.seeds, spread.freedoms, strict=True)]
    total = sum(part for part, _ in parts)
    with np.errstate(divide="ignore", invalid="ignore"):
        # At levels near 0 the limits are endless, and a part of 0 has none of it.
        limits = [(part, -special.stdtrit(freedom, np.asarray(level) / 2)) for part, freedom in parts]
        weighed = sum(np.where(part > 0, part * limit, 0.0) for part, limit in limits)
        return np.where(total > 0, weighed / total, 0.0)


def _count_differing(systems: Sequence[Any], groups: int) -> Any:
    if len(systems) == 1:
        return np.full(np.shape(systems[0])[1:-2], groups)
    first, second = (np.asarray(each, dtype=float).mean(axis=-2) for each in systems)
    return (abs(first - second) > ROUNDING * np.maximum(1.0, abs(first))).any(axis=0).sum(axis=-1)
