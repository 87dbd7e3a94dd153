"""Fleets over training seeds in worlds in which the truth is known: false verdicts, coverage and power, by simulation.

    python -m benchmarks.seeds --sets 10000

A row's score is the sum of what all models find in it, of the training's own luck, and of the luck of both together;
or a right answer with that chance: 7 in 10, or 2 in 100. A luck of 1.0 is as large as the error of the rows. A second
system has trainings of its own, or is a base model with the very expectation of the recipe.

Prints of 100 sets how many times two that are alike are said to differ, and how often the interval of the mean holds
it. `power` is how often a difference is found that is as large as such reports say to be found with 80 % power: it is
the true one of a world whose middle report says the same. `-` stands where a share of right answers has no room
for that below 1. Ends with status 1 where the lower end of a share's 99 % interval is above 5.5 %, coverage is clearly
below 92 %, or power is clearly below 77 %.
"""

import argparse
import json
import math
import sys
from typing import Any, NamedTuple

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from benchmarks.calibration import LEAST_COVERAGE, MOST_REJECTS, find_high, find_low
from benchmarks.verdicts import LEAST_POWER
from eval.statistics.intervals import bound_share
from eval.statistics.seeds import bound_seeds_mean, find_seeds_p, measure_seeds
from eval.statistics.seeds_power import find_seeds_detectable

Rng = np.random.Generator

SEEDS = (2, 3, 5, 10)
ROWS = (30, 100, 577)
# The luck of a training, in errors of the rows.
LUCK = (0.0, 0.5, 2.0)
OWN = 0.5
# Of right-or-wrong answers: the share that is right.
RARE = "rarely right"
RIGHT = {"right or wrong": 0.7, RARE: 0.02}
# Deviations of the luck of a training that have to have room between the better model's share and 1.
ROOM = 2
BATCH = 500
# Reports of which the middle one says what can be found, and how often a world is drawn in which that is true.
REPORTS, STEPS = 400, 4


class SeedShares(NamedTuple):
    """How often, of so many sets: equal systems are said to differ, a mean is held, a difference is found."""

    kind: str
    seeds: int
    rows: int
    luck: float
    sets: int
    against_base: float
    against_fleet: float
    mean_held: float
    power: float


def main() -> None:
    """Print a line for each world, and all as JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=10_000, help="test sets of each kind")
    sets = parser.parse_args().sets
    print(f"{'kind':15} seeds rows luck  base said to differ, fleet, mean held, power")
    found = []
    for kind in ("scores", *RIGHT):
        for seeds in SEEDS:
            for rows in ROWS:
                # Beside a share of 0.02 a luck of training would have no room below it.
                for luck in LUCK if kind != RARE else LUCK[:1]:
                    one = measure(kind, seeds, rows, luck, sets)
                    found.append(one)
                    shares = (one.against_base, one.against_fleet, one.mean_held, one.power)
                    text = "  ".join("    -" if math.isnan(share) else f"{100 * share:5.1f}" for share in shares)
                    print(f"{kind:15} {seeds:5} {rows:4} {luck:4}  {text}", flush=True)
    print(json.dumps([one._asdict() for one in found]))
    sys.exit(any(is_broken(one) for one in found))


def is_broken(one: SeedShares) -> bool:
    """Whether a promise is broken, beyond what so few test sets may show by chance."""
    said = max(one.against_base, one.against_fleet)
    return (
        find_low(said, one.sets) > MOST_REJECTS
        or find_high(one.mean_held, one.sets) < LEAST_COVERAGE
        or (not math.isnan(one.power) and find_high(one.power, one.sets) < LEAST_POWER)
    )


def measure(kind: str, seeds: int, rows: int, luck: float, sets: int) -> SeedShares:
    """Simulate one world."""
    rng = np.random.default_rng([seeds, rows, int(10 * luck), len(kind)])
    gain = _find_gain(kind, seeds, rows, luck, rng)
    counts = [0, 0, 0, 0]
    for start in range(0, sets, BATCH):
        count = min(BATCH, sets - start)
        ease = rng.normal(0, 1, (count, 1, rows))
        tuned, others, better = (_draw(ease, luck, seeds, kind, rng, one) for one in (0.0, 0.0, gain))
        alone = _draw(ease, 0.0, 1, kind, rng)
        low, high = _bound(tuned, kind)
        held = (low <= RIGHT.get(kind, 0.0)) & (RIGHT.get(kind, 0.0) <= high)
        said = [find_seeds_p(measure_seeds(pair)) < 0.05 for pair in ((tuned, alone), (tuned, others), (better, alone))]
        counts = [known + int(one.sum()) for known, one in zip(counts, (said[0], said[1], held, said[2]), strict=True)]
    base, fleet, mean, power = (one / sets for one in counts)
    return SeedShares(kind, seeds, rows, luck, sets, base, fleet, mean, math.nan if math.isnan(gain) else power)


def _find_gain(kind: str, seeds: int, rows: int, luck: float, rng: Rng) -> float:
    """The true difference that the middle report of its own world says to be found; nan where it would be too large."""
    gain = 0.0
    for _ in range(STEPS if kind in RIGHT else 1):
        ease = rng.normal(0, 1, (REPORTS, 1, rows))
        pair = [_draw(ease, luck, seeds, kind, rng, gain), _draw(ease, 0.0, 1, kind, rng)]
        gain = float(np.nanmedian(find_seeds_detectable(measure_seeds(pair))))
        if kind in RIGHT and not RIGHT[kind] + gain + ROOM * _find_luck(kind, rows, luck) <= 1:
            return math.nan
    return gain


def _find_luck(kind: str, rows: int, luck: float) -> float:
    """The deviation of trainings' shares of right answers."""
    return luck * math.sqrt(RIGHT[kind] * (1 - RIGHT[kind]) / rows)


def _bound(tuned: Any, kind: str) -> tuple[Any, Any]:
    """The interval of the mean, as reports have it (`estimate_system` in eval/comparing/seeds.py)."""
    spread = measure_seeds([tuned])
    low, high = bound_seeds_mean(spread)
    if kind not in RIGHT:
        return low, high
    ends = np.array([bound_share(round(mean * spread.groups), spread.groups) for mean in spread.middle.tolist()])
    return np.minimum(low, ends[:, 0]), np.maximum(high, ends[:, 1])


def _draw(ease: Any, luck: float, seeds: int, kind: str, rng: Rng, gain: float = 0.0) -> Any:
    """Scores and ones, by set, seed and row."""
    count, _, rows = ease.shape
    trainings = rng.normal(0, 1, (count, seeds, 1))
    if kind == "scores":
        drawn = ease + luck / math.sqrt(rows) * trainings + rng.normal(0, OWN, (count, seeds, rows)) + gain
    else:
        # Ease decides three of four rows for all models alike.
        chance = (RIGHT[kind] + _find_luck(kind, rows, luck) * trainings + gain).clip(0, 1)
        place = special.ndtr(ease)
        again = rng.random((count, seeds, rows)) < 0.25
        drawn = (np.where(again, rng.random((count, seeds, rows)), place) < chance).astype(float)
    return np.stack([drawn, np.ones_like(drawn)])


if __name__ == "__main__":
    main()
