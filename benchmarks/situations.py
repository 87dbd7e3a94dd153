"""Worlds in which the truth is known: a situation and a size in; scores by group of many test sets, and the truth, out.

    draw(Situation("scores", …), groups=50, sets=1_000, rng) → DrawnSets(sizes=…, tuned=…, mean=0.667, gain=0.333, …)

Each array has a line for each test set and a column for each group: sums of scores, and numbers of rows. `tuned` and
`like` are equally good, `worse` is worse by `gain` on average.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Rng = np.random.Generator

# A model's chance in a dialogue follows the dialogue's ease; 20 % of its spread is the model's own.
LIKENESS = 4.0
WORSE = 0.5
# A score is the share of right things among this number of things.
PARTS = 4
# How rare a change is where nearly all rows are the same for both models.
CHANGED = 0.05


class DrawnSets(NamedTuple):
    """Test sets of one situation."""

    sizes: Any
    tuned: Any
    like: Any
    worse: Any
    mean: float
    gain: float


class Situation(NamedTuple):
    """A kind of test set: what it measures, whether rows are right or wrong, and between 0 and 1."""

    name: str
    draw: Callable[[int, int, Rng], DrawnSets]
    single: bool = False
    share: bool = True


def draw_rows(mean: float, *, binary: bool, sizes: Callable[[tuple[int, int], Rng], Any]) -> Any:
    """Rows whose chance of a right answer is that of their group, which follows the group's ease."""

    def draw(groups: int, sets: int, rng: Rng) -> DrawnSets:
        counts = sizes((sets, groups), rng)
        ease = rng.beta(2 * mean, 2 * (1 - mean), size=counts.shape)
        tuned, like, worse = (_answer(each, counts, rng, binary=binary) for each in (ease, ease, ease * WORSE))
        return DrawnSets(counts.astype(float), tuned, like, worse, mean, mean * (1 - WORSE))

    return draw


def draw_values(make: Callable[[tuple[int, int], Rng], tuple[Any, Any, Any]], mean: float, gain: float) -> Any:
    """One value a group: `make` returns those of tuned, like and worse."""

    def draw(groups: int, sets: int, rng: Rng) -> DrawnSets:
        return DrawnSets(np.ones((sets, groups)), *make((sets, groups), rng), mean, gain)

    return draw


def alone(shape: tuple[int, int], rng: Rng) -> Any:
    """Each row is a group."""
    return np.ones(shape, dtype=int)


def turns(shape: tuple[int, int], rng: Rng) -> Any:
    """Dialogues of 2 to 8 turns."""
    return rng.integers(2, 9, size=shape)


def unequal(shape: tuple[int, int], rng: Rng) -> Any:
    """Sizes by a Pareto law: a few groups have most rows."""
    return np.minimum(500, 1 + (rng.pareto(1.2, size=shape) * 3).astype(int))


def one_large(shape: tuple[int, int], rng: Rng) -> Any:
    """One group of 100 rows, the others of 3."""
    sizes = np.full(shape, 3)
    sizes[:, 0] = 100
    return sizes


def _answer(ease: Any, sizes: Any, rng: Rng, *, binary: bool) -> Any:
    # A beta distribution has no parameter of 0.
    near = LIKENESS * ease.clip(1e-6, 1 - 1e-6)
    chance = rng.beta(near, LIKENESS - near)
    parts = 1 if binary else PARTS
    return rng.binomial(sizes * parts, chance) / parts


def _draw_scores(shape: tuple[int, int], rng: Rng) -> tuple[Any, Any, Any]:
    ease = rng.beta(2, 1, size=shape)
    near = [LIKENESS * each.clip(1e-6, 1 - 1e-6) for each in (ease, ease, ease * WORSE)]
    tuned, like, worse = (rng.beta(each, LIKENESS - each) for each in near)
    return tuned, like, worse


def _draw_ties(shape: tuple[int, int], rng: Rng) -> tuple[Any, Any, Any]:
    """Nearly all answers are the same; a worse model loses all of a row's score."""
    tuned = rng.beta(2, 1, size=shape)
    like = np.where(rng.random(shape) < CHANGED, rng.beta(2, 1, size=shape), tuned)
    return tuned, like, np.where(rng.random(shape) < CHANGED, 0.0, tuned)


def _draw_skewed_ties(shape: tuple[int, int], rng: Rng) -> tuple[Any, Any, Any]:
    """Nearly all answers score 0, and the others little."""
    tuned, like = (np.where(rng.random(shape) < CHANGED, rng.beta(1, 4, size=shape), 0.0) for _ in range(2))
    return tuned, like, np.zeros(shape)


def _draw_lognormal(spread: float) -> Callable[[tuple[int, int], Rng], tuple[Any, Any, Any]]:
    """Values such as perplexities: a few are far above the others."""

    def make(shape: tuple[int, int], rng: Rng) -> tuple[Any, Any, Any]:
        hard = rng.normal(0, 0.8 * spread, size=shape)
        tuned, like, worse = (np.exp(hard + rng.normal(0, 0.6 * spread, size=shape)) for _ in range(3))
        return tuned, like, WORSE * worse

    return make


def _draw_heavy(shape: tuple[int, int], rng: Rng) -> tuple[Any, Any, Any]:
    """Student's t with two degrees of freedom: far values to both sides."""
    hard = rng.standard_t(2, size=shape)
    tuned, like, worse = (hard + rng.standard_t(2, size=shape) for _ in range(3))
    return tuned, like, worse - 0.5


def _draw_perplexity(groups: int, sets: int, rng: Rng) -> DrawnSets:
    """Nats by tokens: answers of 5 to 60 tokens, of which some are hard."""
    tokens = rng.integers(5, 61, size=(sets, groups)).astype(float)
    hard = rng.lognormal(0, 0.4, size=tokens.shape)
    own = [rng.lognormal(-0.02, 0.2, size=tokens.shape) for _ in range(3)]
    mean = float(np.exp(0.4**2 / 2))
    tuned, like, worse = (tokens * hard * each for each in own)
    return DrawnSets(tokens, tuned, like, 0.8 * worse, mean, 0.2 * mean)


def _draw_micro(groups: int, sets: int, rng: Rng) -> DrawnSets:
    """Right settings by wanted ones: a row has one to six, and some rows are easy."""
    wanted = rng.integers(1, 7, size=(sets, groups))
    ease = rng.beta(4 / 3, 2 / 3, size=wanted.shape)
    tuned, like, worse = (_answer(each, wanted, rng, binary=True) for each in (ease, ease, ease * WORSE))
    return DrawnSets(wanted.astype(float), tuned, like, worse, 2 / 3, 1 / 3)


def _lognormal(spread: float) -> Situation:
    mean = float(np.exp(spread**2 / 2))
    drawn = draw_values(_draw_lognormal(spread), mean, (1 - WORSE) * mean)
    return Situation(f"lognormal, {spread:g}", drawn, share=False)


SITUATIONS = (
    Situation("right or wrong", draw_rows(2 / 3, binary=True, sizes=alone), single=True),
    *(
        Situation(f"right or wrong, mean {mean:g}", draw_rows(mean, binary=True, sizes=alone), single=True)
        for mean in (0.02, 0.05, 0.1, 0.98)
    ),
    Situation("scores", draw_values(_draw_scores, 2 / 3, 1 / 3)),
    Situation("scores of 4 parts", draw_rows(2 / 3, binary=False, sizes=alone)),
    Situation("scores of 4 parts, mean 0.1", draw_rows(0.1, binary=False, sizes=alone)),
    Situation("95 % ties", draw_values(_draw_ties, 2 / 3, CHANGED * 2 / 3)),
    Situation("95 % ties, skewed", draw_values(_draw_skewed_ties, CHANGED / 5, CHANGED / 5)),
    Situation("turns", draw_rows(2 / 3, binary=True, sizes=turns)),
    Situation("turns, mean 0.95", draw_rows(0.95, binary=True, sizes=turns)),
    Situation("turns, Pareto sizes", draw_rows(2 / 3, binary=True, sizes=unequal)),
    Situation("turns, one of 100", draw_rows(2 / 3, binary=True, sizes=one_large)),
    Situation("micro ratio", _draw_micro),
    Situation("corpus perplexity", _draw_perplexity, share=False),
    _lognormal(1.0),
    _lognormal(2.0),
    Situation("t with 2 degrees", draw_values(_draw_heavy, 0.0, 0.5), share=False),
)
