"""Whether the statistics keep their word: simulated evaluations in, shares of rejections and coverage out.

    python -m benchmarks.calibration --simulations 1000

Each simulation draws the scores of a test set twice from models that are equally good, and once from a worse one. They
go through `eval.statistics.estimates` itself, as in reports. Of 100 comparisons, 5 should reject where nothing
differs, and 95 intervals should hold the truth. The last line is one JSON list:

    [{"situation": "right or wrong", "n": 50, "rejects": 0.046, "mean": 0.951, "none": 0.953, "difference": 0.948}, …]

`mean` is the coverage of one model's mean, `none` that of a difference of 0, `difference` that of a true difference.
"""

import argparse
import json
from typing import Any, NamedTuple

import numpy as np

from eval.statistics.estimates import compare, estimate

SIZES = (50, 200, 600)
REJECTS_AT = 0.05
# A dialogue has 2 to 8 turns, 5 on average.
TURNS = (2, 9)
# A model's chance in a dialogue follows the dialogue's ease; 20 % of its spread is the model's own.
LIKENESS = 4.0
MEAN = 2 / 3
WORSE = 0.5
# A score is the share of right things among this number of things.
PARTS = 4


class Situation(NamedTuple):
    """A kind of test set: 0/1 scores or shares, and rows that are whole dialogues or their turns."""

    name: str
    binary: bool
    turns: bool
    # The lower, the more rows are easy for every model or hard for every model.
    evenness: float = 1.0


class Calibration(NamedTuple):
    """Shares of the simulations."""

    rejects: float
    mean: float
    none: float
    difference: float


SITUATIONS = (
    Situation("right or wrong", binary=True, turns=False),
    Situation("right or wrong, mostly alike", binary=True, turns=False, evenness=0.1),
    Situation("scores", binary=False, turns=False),
    Situation("right or wrong, turns", binary=True, turns=True),
    Situation("scores, turns", binary=False, turns=True),
)


def main() -> None:
    """Measure every situation at every size, print a table, and the figures as JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=1_000)
    simulations = parser.parse_args().simulations
    print(f"{'situation':30} {'n':>5} {'rejects':>8} {'mean':>7} {'none':>7} {'difference':>11}")
    found: list[dict[str, Any]] = []
    for situation in SITUATIONS:
        for n in SIZES:
            shares = calibrate(situation, n, simulations)
            found.append({"situation": situation.name, "n": n, **shares._asdict()})
            rejects, mean, none, difference = (f"{100 * share:.1f} %" for share in shares)
            print(f"{situation.name:30} {n:5} {rejects:>8} {mean:>7} {none:>7} {difference:>11}", flush=True)
    print(json.dumps(found))


def calibrate(situation: Situation, n: int, simulations: int) -> Calibration:
    """Compare two models that are equally good, and one with a worse one, in `simulations` simulations."""
    counts = np.zeros(len(Calibration._fields))
    for seed in range(simulations):
        rng = np.random.default_rng(seed)
        ease, groups = _draw_groups(situation, n, rng)
        tuned, like = (_answer(situation, ease, groups, rng) for _ in range(2))
        worse = _answer(situation, ease * WORSE, groups, rng)
        names = [str(group) for group in groups]
        alone = estimate(tuned, names, binary=situation.binary, seed=seed)
        same = compare(like, tuned, names, binary=situation.binary, seed=seed)
        better = compare(worse, tuned, names, binary=situation.binary, seed=seed)
        counts += (
            same.p is not None and same.p <= REJECTS_AT,
            _holds(alone.low, alone.high, MEAN),
            _holds(same.low, same.high, 0.0),
            _holds(better.low, better.high, MEAN * (1 - WORSE)),
        )
    return Calibration(*(counts / simulations).tolist())


def _draw_groups(situation: Situation, n: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """The chance of a right answer in each group, and the group of each row."""
    sizes = rng.integers(*TURNS, size=n // 5) if situation.turns else np.ones(n, dtype=int)
    ease = rng.beta(2 * situation.evenness, situation.evenness, size=len(sizes))
    return ease, np.repeat(np.arange(len(sizes)), sizes)


def _answer(situation: Situation, ease: Any, groups: Any, rng: np.random.Generator) -> list[float]:
    # A beta distribution has no parameter of 0.
    near = LIKENESS * ease.clip(1e-6, 1 - 1e-6)
    chance = rng.beta(near, LIKENESS - near)[groups]
    parts = 1 if situation.binary else PARTS
    shares: list[float] = (rng.binomial(parts, chance) / parts).tolist()
    return shares


def _holds(low: float | None, high: float | None, value: float) -> bool:
    return low is not None and high is not None and low <= value <= high


if __name__ == "__main__":
    main()
