"""Whether verdicts keep their word: simulated evaluations of equal models in; how often they are said to differ, out.

    python -m benchmarks.verdicts --sets 2000

A verdict is false where equal models are said to differ: the main figure in a report, any of its other figures, any
slice, any run of a leaderboard that is said to be worse than the best, any choice of people. So is one that the content
was learned, where tuned is as good as its placebo. Each may be false 5 times in 100. `power` is how often a difference
is found that is as large as the report says can be found with 80 % power; `doubted` is the share of such reports that
say that this is not sure.
The last line is one JSON list:

    [{"what": "leaderboard of 20", "n": 577, "sets": 2000, "share": 0.031}, …]

It ends with status 1 where the lower end of a share's 99 % interval is above 5.5 %, or where power is clearly below
80 % and fewer than nine in ten reports doubt it.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.calibration import MOST_REJECTS, NEARLY_ALL, find_high, find_low
from eval.statistics.estimates import Difference, compare
from eval.statistics.families import adjust_holm, share_level
from eval.statistics.intervals import find_change_p
from eval.statistics.judging import judge_apart
from eval.statistics.pairs import bound_pairs, find_pairs_p
from eval.statistics.seeds import find_seeds_p, measure_seeds

Rng = np.random.Generator

LEVEL = 0.05
ROWS = 577
RUNS = (2, 5, 20, 50)
FIGURES = 12
SLICES, SLICE_ROWS = 12, 48
PLACEBO_ROWS = 100
# Evaluators of a study, and the deviation of their leanings, in points of a scale from 1 to 5.
PEOPLE, TASTE = (2, 3, 5), 0.3
CHOICES = (5, 6, 8, 11, 20, 50, 100)
POWER_ROWS = (30, 100, 577)
# The share of rows that a better model loses all the same.
LOST = 0.05
# Power is promised for the size of a test set, from one that is itself measured with an error.
LEAST_POWER = 0.77


class Verdicts(NamedTuple):
    """How often something was said to differ."""

    what: str
    n: int
    sets: int
    share: float
    doubted: float = 0.0


def main() -> None:
    """Measure everything, print a table, and the figures as JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=2_000, help="test sets of each kind")
    sets = parser.parse_args().sets
    measures: list[Callable[[int], list[Verdicts]]] = [
        measure_figures,
        measure_slices,
        *(lambda count, runs=runs: measure_leaderboard(runs, count) for runs in RUNS),
        measure_choices,
        measure_placebo,
        measure_people,
        measure_power,
    ]
    print(f"{'said to differ':46} {'n':>4} {'of 100':>7}  99 % interval")
    found: list[Verdicts] = []
    for measure in measures:
        for one in measure(sets):
            found.append(one)
            low, high = find_low(one.share, one.sets), find_high(one.share, one.sets)
            doubted = f"  doubted by {100 * one.doubted:.0f}" if one.doubted else ""
            interval = f"[{100 * low:.1f}, {100 * high:.1f}]"
            print(f"{one.what:46} {one.n:4} {100 * one.share:7.1f}  {interval}{doubted}", flush=True)
    print(json.dumps([one._asdict() for one in found]))
    sys.exit(any(is_broken(one) for one in found))


def is_broken(one: Verdicts) -> bool:
    """Whether a promise is broken, beyond what so few test sets may show by chance."""
    if one.what.startswith("power"):
        return find_high(one.share, one.sets) < LEAST_POWER and one.doubted < NEARLY_ALL
    return find_low(one.share, one.sets) > MOST_REJECTS


def measure_figures(sets: int) -> list[Verdicts]:
    """The main figure, which is right or wrong, and eleven others that are near copies of it, of equal models."""
    rng, main, rest = np.random.default_rng(1), 0, 0
    names = [str(row) for row in range(100)]
    for _ in range(sets):
        tuned, base = (_draw_figures(rng) for _ in range(2))
        compares = [
            partial(_compare, before, after, names, binary=not figure)
            for figure, (before, after) in enumerate(zip(base, tuned, strict=True))
        ]
        first, *others = [one.p is not None and one.p < LEVEL for one in judge_apart(compares[:1], compares[1:])]
        main += first
        rest += any(others)
    return [
        Verdicts("the main figure", 100, sets, main / sets),
        Verdicts(f"any of {FIGURES - 1} other figures", 100, sets, rest / sets),
    ]


def measure_slices(sets: int) -> list[Verdicts]:
    """Any of twelve slices of equal models, by its p-value and by its interval."""
    rng = np.random.default_rng(2)
    gains = _draw_pairs(rng, (sets, SLICES, SLICE_ROWS), 0.6)
    better, worse = _count(gains)
    level = share_level(SLICES)
    p = find_pairs_p(better, worse, SLICE_ROWS)
    low, high = bound_pairs(better, worse, SLICE_ROWS, level)
    said = np.array([min(one for one in adjust_holm(row) if one is not None) < LEVEL for row in p.tolist()])
    apart = (((low > 0) | (high < 0)) & (p < level)).any(axis=1)
    return [
        Verdicts(f"any of {SLICES} slices", SLICE_ROWS, sets, float(said.mean())),
        Verdicts("any of their intervals", SLICE_ROWS, sets, float(apart.mean())),
    ]


def measure_leaderboard(runs: int, sets: int) -> list[Verdicts]:
    """Any run of a board of equal runs that is said to be worse than the best of them."""
    rng, said = np.random.default_rng(runs), {"right or wrong": 0, "scores": 0}
    for _ in range(sets):
        ease = rng.beta(2, 1, size=ROWS)
        chance = rng.beta(4 * ease.clip(1e-6, 1 - 1e-6), 4 - 4 * ease.clip(1e-6, 1 - 1e-6), size=(runs, ROWS))
        for kind, parts in (("right or wrong", 1), ("scores", 4)):
            scores = rng.binomial(parts, chance) / parts
            said[kind] += _rank(scores, binary=parts == 1)
    return [Verdicts(f"leaderboard of {runs}, {kind}", ROWS, sets, count / sets) for kind, count in said.items()]


def measure_choices(sets: int) -> list[Verdicts]:
    """People who choose between two equal systems, each conversation one way or the other."""
    rng, found = np.random.default_rng(3), []
    for n in CHOICES:
        second = rng.binomial(n, 0.5, size=sets)
        said = find_pairs_p(second, n - second, n) < LEVEL
        found.append(Verdicts("choices of people", n, sets, float(said.mean())))
    return found


def measure_placebo(sets: int) -> list[Verdicts]:
    """Trainings on data without signal: tuned is as good as the same training on shuffled answers.

    Where both have learned the form of answers, the base never has it right; where neither has, all three are alike.
    """
    rng, found = np.random.default_rng(4), []
    for name, lost in (("form alone was learned", 1.0), ("nothing was learned", 0.0)):
        for kind, parts in (("right or wrong", 1), ("scores", 4)):
            said = _judge_content(rng, sets, lost, parts)
            found.append(Verdicts(f"content, {name}, {kind}", PLACEBO_ROWS, sets, float(said.mean())))
    return found


def measure_people(sets: int) -> list[Verdicts]:
    """Evaluators who like one of two equal systems a little more, each another one, and rate 100 conversations."""
    rng, found = np.random.default_rng(5), []
    for people in PEOPLE:
        shape = (sets, people, PLACEBO_ROWS)
        gains = TASTE * rng.normal(size=(sets, people, 1)) + rng.normal(size=(sets, 1, PLACEBO_ROWS))
        ratings = np.rint(gains + rng.normal(size=shape)).clip(-4, 4)
        said = find_seeds_p(measure_seeds([np.stack([ratings, np.ones(shape)])])) < LEVEL
        found.append(Verdicts(f"ratings of {people} evaluators", PLACEBO_ROWS, sets, float(said.mean())))
    return found


def measure_power(sets: int) -> list[Verdicts]:
    """Differences that are as large as reports of such test sets say that they can find."""
    found = []
    for n in POWER_ROWS:
        for name, draw in GAINS.items():
            binary = draw is _draw_gains
            rng, gain = np.random.default_rng(n), 0.1
            for _ in range(5):
                known = [_judge(gains, binary=binary).detectable for gains in draw(rng, n, 400, gain)]
                gain = min(0.9, float(np.median([one for one in known if one is not None])))
            judged = [_judge(gains, binary=binary) for gains in draw(rng, n, sets, gain)]
            shown = np.mean([one.p is not None and one.p < LEVEL for one in judged])
            doubted = np.mean([bool(one.doubt) for one in judged])
            found.append(Verdicts(f"power, {name}, {gain:.3f}", n, sets, float(shown), float(doubted)))
    return found


def _compare(base: Any, tuned: Any, names: list[str], level: float, *, binary: bool) -> Difference:
    return compare(base, tuned, names, binary=binary, share=True, level=level)


def _draw_figures(rng: Rng) -> Any:
    """Figures of 100 rows: all follow whether a row is right."""
    right = rng.random(100) < rng.beta(2, 1, size=100)
    near = right + rng.normal(0, 0.2, size=(FIGURES - 1, 100))
    return np.concatenate([right[None].astype(float), near.clip(0, 1)])


def _draw_pairs(rng: Rng, shape: tuple[int, ...], right: float) -> Any:
    ease = rng.beta(2 * right, 2 * (1 - right), size=shape)
    return (rng.random(shape) < ease).astype(float) - (rng.random(shape) < ease)


def _count(gains: Any) -> tuple[Any, Any]:
    return (gains > 0).sum(axis=-1), (gains < 0).sum(axis=-1)


def _rank(scores: Any, *, binary: bool) -> bool:
    """Whether some run is said to be worse than the best."""
    runs = len(scores)
    best = int(scores.mean(axis=1).argmax())
    others = np.delete(scores, best, axis=0)
    if binary:
        p = find_pairs_p(*_count(scores[best] - others), ROWS)
    else:
        first = np.broadcast_to(scores[best], others.shape)
        p = find_change_p(np.stack([first, np.ones_like(others), others, np.ones_like(others)]))
    adjusted = adjust_holm(p.tolist(), runs * (runs - 1) // 2)
    return min(one for one in adjusted if one is not None) < LEVEL


def _judge_content(rng: Rng, sets: int, lost: float, parts: int) -> Any:
    """The sets in which tuned is better than base and than placebo; `lost` is the share of its rows that base loses."""
    shape = (sets, PLACEBO_ROWS)
    ease = rng.beta(2, 1, size=shape)
    tuned, placebo, base = (rng.binomial(parts, ease) / parts for _ in range(3))
    return _is_better(tuned, base * (rng.random(shape) >= lost)) & _is_better(tuned, placebo)


def _is_better(tuned: Any, other: Any) -> Any:
    gains = tuned - other
    if set(np.unique(gains)) <= {-1.0, 0.0, 1.0}:
        p = find_pairs_p(*_count(gains), gains.shape[-1])
    else:
        p = find_change_p(np.stack([tuned, np.ones_like(tuned), other, np.ones_like(other)]))
    return (p < LEVEL) & (gains.mean(axis=-1) > 0)


def _draw_gains(rng: Rng, n: int, sets: int, gain: float) -> Any:
    """Right or wrong answers, of which 1 in 20 is lost and so many more are won."""
    thrown = rng.random((sets, n))
    return (thrown < LOST + gain).astype(float) - (thrown > 1 - LOST)


def _draw_scores(rng: Rng, n: int, sets: int, gain: float) -> Any:
    """Scores that gain so much on average, half of them nothing."""
    return np.where(rng.random((sets, n)) < 0.5, 0.0, rng.normal(2 * gain, 0.3, size=(sets, n)))


def _draw_student(freedom: int, rng: Rng, n: int, sets: int, gain: float) -> Any:
    """Scores with long tails on both sides."""
    return gain + 0.1 * rng.standard_t(freedom, size=(sets, n))


def _draw_lognormal(sign: int, rng: Rng, n: int, sets: int, gain: float) -> Any:
    """Scores of which a few gain much, or lose much."""
    return gain + sign * 0.1 * (rng.lognormal(0, 1, size=(sets, n)) - math.exp(0.5))


def _draw_rare(rng: Rng, n: int, sets: int, gain: float) -> Any:
    """Scores of which 1 in 10 loses half a point beside what all gain."""
    return gain + 0.05 + rng.normal(0, 0.1, size=(sets, n)) - 0.5 * (rng.random((sets, n)) < 0.1)


def _judge(gains: Any, *, binary: bool) -> Difference:
    """The comparison of a model that has these gains over another."""
    base, tuned = (gains.clip(max=0.0) * -1, gains.clip(min=0.0)) if binary else (np.zeros_like(gains), gains)
    names = [str(row) for row in range(len(gains))]
    return compare(base.tolist(), tuned.tolist(), names, binary=binary, share=binary)


GAINS: dict[str, Callable[[Rng, int, int, float], Any]] = {
    "right or wrong": _draw_gains,
    "scores": _draw_scores,
    "t with 3 degrees": partial(_draw_student, 3),
    "t with 2 degrees": partial(_draw_student, 2),
    "lognormal gains": partial(_draw_lognormal, 1),
    "lognormal losses": partial(_draw_lognormal, -1),
    "few losses": _draw_rare,
}


if __name__ == "__main__":
    main()
