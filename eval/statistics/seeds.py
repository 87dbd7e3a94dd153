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

A system of one training has no seeds to vary: what is said of it is said of its weights. Beside one of several it is
taken to vary in its rows as much as one of these at least: a base that is right in 2 of 100 rows has none right 13
times in 100, and then shows no spread. Before, ten trainings as good as it were said to differ from it 9 times in 100.

The interval of a mean is Hall's where the rows have a long tail (eval/statistics/intervals.py).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from eval.statistics import special
from eval.statistics.intervals import LEVEL, Bounds, reach
from eval.statistics.sums import ROUNDING, Statistic, divide_sums, find_gaps

# Halvings of the range of the logarithm of a p-value, after which nine digits of it are known.
HALVINGS = 40
SMALLEST = -300.0


class SeedSpread(NamedTuple):
    """A figure over seeds and rows, or the difference of two, with the parts of its variance.

    `seeds` has the variance that each system's seeds bring, and `freedoms` one less than the number of each's seeds.
    `skew` is the third standardised moment of the part of the rows. `differing` counts the groups in which two systems
    differ; of one system it is all.
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

    @property
    def freedom_of_rows(self) -> Any:
        """One less than the number of equal groups that these are worth, and at least 1."""
        return np.maximum(1.0, self.worth - 1)

    @property
    def parts(self) -> list[tuple[Any, Any]]:
        """Each part of the variance with its freedom: that of the rows, and those of the seeds."""
        return [(self.rows, self.freedom_of_rows), *zip(self.seeds, self.freedoms, strict=True)]


def measure_seeds(systems: Sequence[Any], statistic: Statistic = divide_sums) -> SeedSpread:
    """The figure of one system, or that of the first less that of the second, and how far it may be off.

    A system is an array of two lines by seed by group: numerators and denominators. Axes before the seeds are test sets
    of their own, as in simulations.
    """
    trainings = [_measure_trainings(np.asarray(system, dtype=float), statistic) for system in systems]
    several = [one for one in trainings if one.number > 1]
    gap = trainings[0].gap - trainings[1].gap if len(trainings) > 1 else trainings[0].gap
    sizes = np.asarray(systems[0], dtype=float)[1].mean(axis=-2)
    groups = sizes.shape[-1]
    squares = (gap**2).sum(axis=-1)
    rows = (groups - 1) / groups * squares - sum(one.own for one in several)
    if len(several) < len(trainings):
        # The one training may by luck have answered as if nothing of it were its own.
        rows = np.maximum(rows, sum(one.own * one.number for one in several))
    middle = trainings[0].middle - trainings[1].middle if len(trainings) > 1 else trainings[0].middle
    with np.errstate(divide="ignore", invalid="ignore"):
        skew = np.where(squares > 0, (gap**3).sum(axis=-1) / squares**1.5, 0.0)
        worth = sizes.sum(axis=-1) ** 2 / (sizes**2).sum(axis=-1)
    return SeedSpread(
        middle=middle,
        seeds=tuple(one.variance for one in several),
        freedoms=tuple(one.number - 1 for one in several),
        rows=np.maximum(rows, 0.0),
        worth=worth,
        skew=skew,
        groups=groups,
        differing=_count_differing(systems, groups),
    )


class _Trainings(NamedTuple):
    """A system's mean figure, what each group makes of it, and the variance of that mean by its trainings.

    `own` is the part of the variance that is each training's own in each group.
    """

    number: int
    middle: Any
    gap: Any
    variance: Any
    own: Any


def _measure_trainings(system: Any, statistic: Statistic) -> _Trainings:
    count, groups = system.shape[-2:]
    figures, gaps = statistic(*system), find_gaps(system, statistic)
    gap = gaps.mean(axis=-2)
    apart = gaps - gap[..., None, :]
    pairs = count * max(1, count - 1)
    return _Trainings(
        number=count,
        middle=figures.mean(axis=-1),
        gap=gap,
        variance=((figures - figures.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1) / pairs,
        own=(groups - 1) / groups * (apart**2).sum(axis=(-1, -2)) / pairs,
    )


def bound_seeds_mean(spread: SeedSpread, level: float = LEVEL) -> Bounds:
    """The interval of one system's figure: on the side to which the rows have a long tail it reaches further."""
    return (
        spread.middle - find_limit(spread, level, spread.skew) * spread.error,
        spread.middle + find_limit(spread, level, -spread.skew) * spread.error,
    )


def bound_seeds_change(spread: SeedSpread, level: float = LEVEL) -> Bounds:
    """The interval of a difference, whose end nearer to 0 is Student's alone: equal systems would have no skew."""
    near = find_limit(spread, level) * spread.error
    low, high = bound_seeds_mean(spread, level)
    return (
        np.where(spread.middle > 0, spread.middle - near, low),
        np.where(spread.middle < 0, spread.middle + near, high),
    )


def find_seeds_p(spread: SeedSpread) -> Any:
    """The probability of a difference as large if the two systems were alike; as `bound_seeds_change` judges it.

    As in a comparison of two runs, it is never below that of the most extreme of all ways to swap the two in groups.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = np.where(spread.error > 0, abs(spread.middle) / spread.error, np.where(spread.middle == 0, 0, np.inf))
    low, high = np.full(np.shape(wanted), SMALLEST), np.zeros(np.shape(wanted))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        beyond = find_limit(spread, 10**middle) > wanted
        low, high = np.where(beyond, middle, low), np.where(beyond, high, middle)
    p = np.where(wanted == 0, 1.0, 10**high)
    return np.maximum(p, np.minimum(1.0, 2.0 ** (1 - spread.differing)))


def find_limit(spread: SeedSpread, level: Any, skew: Any = 0.0) -> Any:
    """How many standard errors off an interval ends, to the side of a tail if the rows have one, and a test rejects."""
    total = sum(part for part, _ in spread.parts)
    with np.errstate(divide="ignore", invalid="ignore"):
        # At levels near 0 the limits are endless, and a part of 0 has none of it.
        limits = [(part, -special.stdtrit(freedom, np.asarray(level) / 2)) for part, freedom in spread.parts]
        limits[0] = spread.rows, reach(limits[0][1], skew)
        weighed = sum(np.where(part > 0, part * limit, 0.0) for part, limit in limits)
        return np.where(total > 0, weighed / total, 0.0)


def _count_differing(systems: Sequence[Any], groups: int) -> Any:
    if len(systems) == 1:
        return np.full(np.shape(systems[0])[1:-2], groups)
    first, second = (np.asarray(each, dtype=float).mean(axis=-2) for each in systems)
    return (abs(first - second) > ROUNDING * np.maximum(1.0, abs(first))).any(axis=0).sum(axis=-1)
