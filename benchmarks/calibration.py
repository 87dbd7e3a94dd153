"""Whether the statistics keep their word: simulated evaluations in, shares of rejections and coverage out.

    python -m benchmarks.calibration --sets 2000

Each test set (benchmarks/situations.py) is drawn for two models that are equally good, and for a worse one. They go
through the functions of eval/statistics that reports use, many at once. Of 100 comparisons of equal models 5 may be
rejected, and of 100 intervals 95 should hold the truth: `mean` of one model's mean, `none` of a difference of 0,
`gain` of a true difference. `warned` is the share of reports that say that the interval may be too short; where
coverage is below 92 %, nine of ten reports must. The last line is one JSON list:

    [{"situation": "right or wrong", "n": 50, "rejects": 0.046, "mean": 0.951, "none": 0.953, …}, …]

It ends with status 1 where a promise is broken: `find_broken` says which.
"""

import argparse
import json
import sys
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

from benchmarks.situations import SITUATIONS, DrawnSets, Situation
from eval.statistics.estimates import DIFFERING, EVEN, MANY, SIGNIFICANT, SKEWED
from eval.statistics.intervals import bound_change, bound_mean, bound_share, find_change_p
from eval.statistics.pairs import bound_pairs, find_pairs_p
from eval.statistics.sums import measure_spread

SIZES = (3, 5, 8, 12, 20, 33, 50, 100, 200, 600)
# Test sets at once: larger ones take more memory.
CELLS = 1_000_000
LEAST_COVERAGE = 0.92
MOST_REJECTS = 0.055
NEARLY_ALL = 0.9


class Calibration(NamedTuple):
    """Shares of the test sets."""

    sets: int
    rejects: float
    mean: float
    mean_warned: float
    none: float
    gain: float
    gain_warned: float


def main() -> None:
    """Measure every situation at every size, print a table, and the figures as JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=2_000, help="test sets of each size")
    sets = parser.parse_args().sets
    print(f"{'situation':27} {'n':>4} {'rejects':>7} {'mean':>6} {'warned':>7} {'none':>6} {'gain':>6} {'warned':>7}")
    found: list[dict[str, Any]] = []
    broken: list[str] = []
    for situation in SITUATIONS:
        for n in SIZES:
            one = calibrate(situation, n, sets)
            found.append({"situation": situation.name, "n": n, **one._asdict()})
            cells = [f"{100 * share:{width}.1f}" for share, width in zip(one[1:], (7, 6, 7, 6, 6, 7), strict=True)]
            print(f"{situation.name:27} {n:4} {' '.join(cells)}", flush=True)
            broken += [f"{situation.name}, n = {n}: {promise}" for promise in find_broken(one)]
    print("\n".join(["", *(f"broken: {promise}" for promise in broken)]))
    print(json.dumps(found))
    sys.exit(1 if broken else 0)


def calibrate(situation: Situation, n: int, sets: int, seed: int = 1) -> Calibration:
    """Draw test sets and count; n is the number of groups."""
    rng, parts, done = np.random.default_rng([seed, n]), [], 0
    while done < sets:
        drawn = min(sets - done, max(1, CELLS // n))
        parts.append((drawn, _count(situation, situation.draw(n, drawn, rng))))
        done += drawn
    shares = np.sum([count * np.array(found) for count, found in parts], axis=0) / sets
    return Calibration(sets, *shares.tolist())


def find_broken(one: Calibration) -> list[str]:
    """The promises that a cell breaks, beyond what so few test sets may show by chance."""
    broken = []
    if (low := find_low(one.rejects, one.sets)) > MOST_REJECTS:
        broken.append(f"equal models are rejected {100 * low:.1f} times in 100 or more")
    for name, held, warned in (("mean", one.mean, one.mean_warned), ("gain", one.gain, one.gain_warned)):
        if find_high(held, one.sets) < LEAST_COVERAGE and warned < NEARLY_ALL:
            broken.append(f"{name} is held {100 * held:.1f} times in 100, and warned of {100 * warned:.1f}")
    return broken


def find_low(share: float, n: int) -> float:
    """The lower end of the share's 99 % interval."""
    return float(stats.binomtest(round(share * n), n).proportion_ci(0.99, "exact").low)


def find_high(share: float, n: int) -> float:
    """The upper end of the share's 99 % interval."""
    return float(stats.binomtest(round(share * n), n).proportion_ci(0.99, "exact").high)


def _count(situation: Situation, drawn: DrawnSets) -> tuple[float, ...]:
    sums = np.stack([drawn.tuned, drawn.sizes])
    low, high = _bound_shares(sums) if situation.single else bound_mean(sums, share=situation.share)
    same, better = (np.stack([*sums, other, drawn.sizes]) for other in (drawn.like, drawn.worse))
    none, gain = compare(same, situation), compare(better, situation)
    return (
        float((none[2] < SIGNIFICANT).mean()),
        _find_held(low, high, drawn.mean),
        float(_warn(sums, situation).mean()),
        _find_held(none[0], none[1], 0.0),
        _find_held(gain[0], gain[1], drawn.gain),
        # A report says of a figure, and not of one of its three intervals, that they may be too short.
        float((_warn(better, situation) | _warn(sums, situation) | _warn(better[2:], situation)).mean()),
    )


def compare(sums: Any, situation: Situation, level: float = SIGNIFICANT) -> tuple[Any, Any, Any]:
    """Interval and p-value of each difference, as eval/statistics/estimates.py shows them."""
    if situation.single:
        gains = sums[0] - sums[2]
        counts = (gains > 0).sum(axis=-1), (gains < 0).sum(axis=-1), gains.shape[-1]
        low, high, p = *bound_pairs(*counts, level), find_pairs_p(*counts)
    else:
        low, high, p = *bound_change(sums, share=situation.share, level=level), find_change_p(sums)
    apart = (low > 0) | (high < 0)
    shown = p < level
    low, high = np.where(apart & ~shown, np.minimum(low, 0), low), np.where(apart & ~shown, np.maximum(high, 0), high)
    return low, high, np.where(~apart & shown & ~np.isnan(low), level, p)


def _bound_shares(sums: Any) -> tuple[Any, Any]:
    n = sums.shape[-1]
    right = sums[0].sum(axis=-1).round().astype(int)
    ends = np.array([_bound_share(one, n) for one in right.tolist()])
    return ends[:, 0], ends[:, 1]


@cache
def _bound_share(right: int, n: int) -> tuple[float, float]:
    return bound_share(right, n)


def _find_held(low: Any, high: Any, truth: float) -> float:
    """The share of intervals that hold the truth, of those that there are."""
    there = ~np.isnan(low)
    # Ends and truth are the same number by different sums.
    held = (low <= truth + 1e-12) & (truth - 1e-12 <= high)
    return float(held[there].mean()) if there.any() else 1.0


def _warn(sums: Any, situation: Situation) -> Any:
    """Which reports say of an interval that it may be too short (`list_cautions` in eval/statistics/estimates.py)."""
    spread = measure_spread(sums)
    warned = spread.worth < EVEN * spread.groups
    if not situation.share:
        warned = warned | (abs(spread.skew) > SKEWED) | (spread.groups < MANY)
    if len(sums) == 4:
        warned = warned | ((spread.differing > 0) & (spread.differing < DIFFERING))
    # Those of right or wrong answers are exact enough without.
    return np.zeros_like(warned) if situation.single else warned


if __name__ == "__main__":
    main()
