"""How sure a figure is: values (None where undefined) in, estimates with 95 % intervals and p-values out.

    estimate([1.0, 1.0, 0.0, None], ["a", "b", "c", "d"], binary=True)
    → Estimate(n=3, undefined=1, mean=0.667, low=0.094, high=0.992)

Values that share a group (turns of a dialogue) are not independent: then intervals and tests go by groups. Right or
wrong answers that are independent have the interval of a share and McNemar's test (eval/statistics/pairs.py), all other
figures Student's t (eval/statistics/intervals.py). A difference counts where its test rejects and its interval leaves
out 0: should the two disagree, as an exact test and an interval may, the interval reaches to 0. `caution` says why an
interval may hold the truth less than 95 times in 100, by what is seen of the data.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from eval.statistics.intervals import (
    LEVEL,
    bound_change,
    bound_mean,
    bound_share,
    find_certainty,
    find_change_p,
    find_detectable,
)
from eval.statistics.pairs import bound_pairs, find_pairs_detectable, find_pairs_lost, find_pairs_p
from eval.statistics.seeds import SeedSpread
from eval.statistics.sums import Groups, Spread, Statistic, divide_sums, measure_spread, number_groups, sum_groups
from recipebook.frozen import Frozen

SIGNIFICANT = LEVEL
MCNEMAR, STUDENT = "McNemar's test", "paired t-test"
# Beyond these, by simulation (`python -m benchmarks.calibration`), intervals hold the truth 92 times in 100 or more.
EVEN = 0.25
MANY = 30
SKEWED = 0.2
DIFFERING = 5
# Beyond these, by simulation (`python -m benchmarks.verdicts`), a difference that is promised to be found 80 times in
# 100 is found 77 times or more: with more groups, and a spread that is known as well as that of so many normal ones.
FEW = 50
CERTAIN = 100

# None, or nan in an array, where a value is not defined.
Values = Sequence[float | None] | Any


class Estimate(Frozen):
    """A mean over the defined values; without any, it is None, and so is an interval that cannot be computed."""

    n: int
    undefined: int
    mean: float | None
    low: float | None
    high: float | None
    caution: str = ""


class Difference(Frozen):
    """Tuned less base, over the rows where both are defined; `doubt` says why `detectable` may be too small."""

    n: int
    groups: int
    mean: float | None
    low: float | None
    high: float | None
    test: str
    p: float | None
    detectable: float | None
    caution: str = ""
    doubt: str = ""


def estimate(values: Values, groups: Groups, *, binary: bool, share: bool | None = None) -> Estimate:
    """Mean and interval of one figure; `share`: its values are between 0 and 1, by default where all of these are."""
    known, index = _read(values, groups)
    defined = ~np.isnan(known)
    kept = known[defined]
    n, undefined = len(kept), len(known) - len(kept)
    if not n:
        return Estimate(n=0, undefined=undefined, mean=None, low=None, high=None)
    sums = _sum_values(kept, index[defined])
    if binary and sums.shape[1] == n:
        low, high = bound_share(round(sums[0].sum()), n)
        mean = float(divide_sums(*sums))
        return Estimate(n=n, undefined=undefined, mean=mean, low=low, high=high)
    return estimate_sums(sums, n, undefined, share=are_shares(kept) if share is None else share)


def compare(
    base: Values,
    tuned: Values,
    groups: Groups,
    *,
    binary: bool,
    share: bool | None = None,
    level: float = LEVEL,
) -> Difference:
    """Mean of tuned - base, its interval, and the probability of a difference as large if the two were alike.

    A difference is judged at `level`, and its interval has the confidence of 1 - level.
    """
    (before, index), (after, _) = _read(base, groups), _read(tuned, groups)
    defined = ~(np.isnan(before) | np.isnan(after))
    before, after, index = before[defined], after[defined], index[defined]
    if not len(before):
        return make_empty(MCNEMAR if binary else STUDENT)
    sums = np.concatenate([_sum_values(after, index), _sum_values(before, index)])
    bounded = are_shares(before) and are_shares(after) if share is None else share
    single = sums.shape[1] == len(before)
    step = _find_step(before, after, binary=binary) if single and (binary or bounded) else None
    if step is None:
        found = compare_sums(sums, len(before), share=bounded, level=level)
    else:
        found = _compare_pairs(sums, step, level)
    # Both have as many values, so that the difference needs no rounding of two means.
    return found.model_copy(update={"mean": float((sums[0] - sums[2]).sum() / len(before))})


def estimate_sums(sums: Any, n: int, undefined: int, *, share: bool) -> Estimate:
    """Estimate a mean or a ratio by its sums."""
    low, high = (_drop_endless(end) for end in bound_mean(sums, share=share))
    caution = "; ".join(list_cautions(measure_spread(sums), share=share)) if low is not None else ""
    mean = float(divide_sums(*sums))
    return Estimate(n=n, undefined=undefined, mean=mean, low=low, high=high, caution=caution)


def compare_sums(
    sums: Any, n: int, *, share: bool, level: float = LEVEL, statistic: Statistic = divide_sums
) -> Difference:
    """Compare two means or ratios by the sums of tuned and base."""
    spread = measure_spread(sums, statistic)
    low, high = (_drop_endless(end) for end in bound_change(sums, share=share, level=level, statistic=statistic))
    cautions, mean = list_cautions(spread, share=share, compared=True), _drop_endless(spread.middle)
    low, high, p = agree(low, high, float(find_change_p(sums, statistic)), level)
    detectable = _drop_endless(find_detectable(sums, level=level, statistic=statistic))
    return Difference(
        n=n,
        groups=spread.groups,
        mean=mean,
        low=low,
        high=high,
        test=STUDENT,
        p=None if mean is None else p,
        detectable=detectable,
        caution="; ".join(cautions) if low is not None else "",
        doubt="" if detectable is None else find_doubt(spread, n),
    )


def keep_above(found: Estimate, least: float | None) -> Estimate:
    """The estimate of a figure that is nowhere below `least`: neither is its interval."""
    if least is None or found.low is None or found.low >= least:
        return found
    return found.model_copy(update={"low": least})


def make_empty(test: str) -> Difference:
    """The difference where no row has both defined."""
    return Difference(n=0, groups=0, mean=None, low=None, high=None, test=test, p=None, detectable=None)


def list_cautions(spread: Spread | SeedSpread, *, share: bool, compared: bool = False) -> list[str]:
    """Why an interval of such groups may be too short; `compared`: it is of a difference."""
    cautions = []
    if compared and 0 < spread.differing < DIFFERING:
        cautions.append(f"only {spread.differing} of {spread.groups} differ")
    if spread.worth < EVEN * spread.groups:
        cautions.append(f"{spread.groups} groups of very unequal size count as {spread.worth:.0f}")
    if not share and spread.groups < MANY:
        cautions.append(f"{spread.groups} values without bounds are few: a rare large one may be missing")
    elif not share and abs(spread.skew) > SKEWED:
        cautions.append("a few large values decide it")
    return cautions


def find_doubt(spread: Spread, n: int) -> str:
    """Why the promised power is not sure: rows that differ much may be rarer than such a test set shows."""
    if spread.groups <= FEW:
        return f"{spread.groups} {'rows' if spread.groups == n else 'groups'} are few"
    return "a few differ much" if find_certainty(spread) < min(CERTAIN, spread.groups / 2) else ""


def agree(low: float | None, high: float | None, p: float, level: float) -> tuple[float | None, float | None, float]:
    """Interval and p-value of one difference as they are shown: either both say that it is not 0, or neither does."""
    if low is None or high is None:
        return low, high, p
    if low > 0 or high < 0:
        return (low, high, p) if p < level else (min(low, 0.0), max(high, 0.0), p)
    return low, high, max(p, level)


def agree_adjusted(difference: Difference, p: float | None) -> Difference:
    """One of several differences, whose interval holds together with theirs, as its adjusted p-value judges it.

    Holm's correction rejects what an interval of the family's level may still hold; then the interval ends at 0, as
    Strassburger and Bretz have it ("Compatible simultaneous lower confidence bounds for the Holm procedure and other
    Bonferroni-based closed tests", Statistics in Medicine 27, 2008).
    """
    low, high, mean = difference.low, difference.high, difference.mean
    if p is None or low is None or high is None or mean is None or p >= SIGNIFICANT:
        return difference
    ends = {"low": max(low, 0.0)} if mean > 0 else {"high": min(high, 0.0)}
    return difference.model_copy(update=ends)


def are_shares(values: Any) -> bool:
    """Whether all values could be shares."""
    return bool(((values >= 0) & (values <= 1)).all())


def _read(values: Values, groups: Groups) -> tuple[Any, Any]:
    """The values, nan where there is none, and the numbers of their groups."""
    known, index = np.asarray(values, dtype=float), number_groups(groups)
    if len(known) != len(index):
        raise ValueError(f"{len(known)} values are of {len(index)} groups")
    return known, index


def _sum_values(values: Any, index: Any) -> Any:
    """Sums by group above counts by group."""
    return sum_groups([values, np.ones_like(values)], index)


def _find_step(before: Any, after: Any, *, binary: bool) -> float | None:
    """The size of all differences where answers are right, wrong or, as a reward of 0, half; None if sizes differ."""
    if not binary and not np.isin(np.concatenate([before, after]), (0.0, 0.5, 1.0)).all():
        return None
    sizes = np.setdiff1d(abs(after - before), [0.0])
    return (float(sizes[0]) if len(sizes) else 1.0) if len(sizes) < 2 else None


def _compare_pairs(sums: Any, step: float, level: float) -> Difference:
    gains = sums[0] - sums[2]
    better, worse, n = int((gains > 0).sum()), int((gains < 0).sum()), len(gains)
    low, high = (step * float(end) for end in bound_pairs(better, worse, n, level))
    shown_low, shown_high, p = agree(low, high, float(find_pairs_p(better, worse, n)), level)
    return Difference(
        n=n,
        groups=n,
        mean=float(divide_sums(*sums)),
        low=shown_low,
        high=shown_high,
        test=MCNEMAR,
        p=p,
        detectable=_drop_endless(step * find_pairs_detectable(find_pairs_lost(min(better, worse), n), n, level)),
    )


def _drop_endless(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
