"""How far judgements depend on who was asked: judgements in; differences over people and conversations out.

    compare_people(judgements, gains, 0.05) → Difference(mean=0.31, low=-0.09, high=0.71, test="t-test over …", …)

Evaluators have tastes: of two equal systems one may please all five of them a little more. Taken as the only people
there are, they then find a difference in 60 of 100 studies. So evaluators and conversations are both drawn at random,
and cross, as training seeds and rows do (eval/statistics/seeds.py); two evaluators say little of other people. A single
one says nothing of them, and is compared over conversations alone.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from eval.human.returned import Judgement
from eval.statistics.estimates import Difference, agree, compare
from eval.statistics.intervals import bound_constant
from eval.statistics.seeds import SeedSpread, bound_seeds_change, find_seeds_p, measure_seeds
from eval.statistics.seeds_power import find_seeds_detectable

TEST = "t-test over evaluators and conversations"
# An evaluator who judged fewer conversations has no spread.
LEAST = 2


def compare_people(judgements: Sequence[Judgement], gains: Sequence[float | None], level: float) -> Difference:
    """The mean of gains from -1 to 1, one a judgement; None where a judgement has none."""
    kept = [(one, gain) for one, gain in zip(judgements, gains, strict=True) if gain is not None]
    counts = {one.evaluator: 0 for one, _ in kept}
    for one, _ in kept:
        counts[one.evaluator] += 1
    people = [evaluator for evaluator, count in counts.items() if count >= LEAST]
    if len(people) < LEAST:
        return _compare_conversations(kept, level)
    sums = _cross([pair for pair in kept if pair[0].evaluator in people], people)
    differing = int((sums[0].sum(axis=0) != 0).sum())
    spread = measure_seeds([sums])._replace(differing=differing)
    # Of all choices; evaluators who chose more often than others weigh more in it than in the middle of all people.
    mean = sum(gain for _, gain in kept) / len(kept)
    low, high = _bound(spread, mean, level)
    shown_low, shown_high, p = agree(low, high, float(find_seeds_p(spread)), level)
    detectable = float(find_seeds_detectable(spread, level))
    return Difference(
        n=len(kept),
        groups=spread.groups,
        mean=mean,
        low=shown_low,
        high=shown_high,
        test=TEST,
        p=p,
        detectable=detectable if detectable <= 1 else None,
    )


def find_range(judgements: Sequence[Judgement], gains: Sequence[float | None]) -> tuple[float, float] | None:
    """The least and the largest mean of the gains if one evaluator, whichever, had not been asked."""
    people = {one.evaluator for one in judgements}
    kept = [(one.evaluator, gain) for one, gain in zip(judgements, gains, strict=True) if gain is not None]
    means = []
    for left in people:
        rest = [gain for evaluator, gain in kept if evaluator != left]
        means += [sum(rest) / len(rest)] if rest else []
    return (min(means), max(means)) if len(people) > 1 and means else None


def _compare_conversations(kept: Sequence[tuple[Judgement, float]], level: float) -> Difference:
    """The same over conversations alone, by halves of the gain for each side."""
    groups = [one.conversation for one, _ in kept]
    after = [(1 + gain) / 2 for _, gain in kept]
    binary = all(gain in (-1.0, 1.0) for _, gain in kept)
    return compare([1 - one for one in after], after, groups, binary=binary, share=True, level=level)


def _cross(kept: Sequence[tuple[Judgement, float]], people: Sequence[int]) -> Any:
    """Sums of gains above counts, by evaluator and conversation."""
    places = {name: at for at, name in enumerate(dict.fromkeys(one.conversation for one, _ in kept))}
    sums = np.zeros((2, len(people), len(places)))
    for one, gain in kept:
        sums[:, people.index(one.evaluator), places[one.conversation]] += gain, 1.0
    return sums


def _bound(spread: SeedSpread, mean: float, level: float) -> tuple[float, float]:
    if spread.error == 0:
        low, high = bound_constant(mean, spread.groups, (-1.0, 1.0), level)
    else:
        low, high = (end - spread.middle + mean for end in bound_seeds_change(spread, level))
    return max(-1.0, float(low)), min(1.0, float(high))
