"""Differences that a reader looks at together: ways to compare at a level in; differences and adjusted p-values out.

    judge_apart([compare_exact], [compare_valid, compare_f1])
    → [Judged(Difference(…), p=0.013), Judged(Difference(…), p=0.022), Judged(Difference(…), p=0.4)]

The main figure is named before anything is seen, so it has the level 0.05 for itself, and a side figure more costs it
nothing. All others share another 0.05. P-values of a family are adjusted by Holm, and its intervals hold together, 95
times in 100. So an interval leaves out 0, or ends at it, where its adjusted p-value is below 0.05, and nowhere else.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from eval.statistics.estimates import Difference, agree_adjusted
from eval.statistics.families import adjust_holm, share_level
from eval.statistics.intervals import LEVEL

# Compares two systems in one figure at a level; None where there is nothing to compare.
Compare = Callable[[float], Difference | None]


class Judged(NamedTuple):
    """A difference with its p-value, adjusted for the others of its family; None of both where there is none."""

    difference: Difference | None
    p: float | None


def judge_apart(main: Sequence[Compare], others: Sequence[Compare]) -> list[Judged]:
    """Judge the comparisons in the main figure as one family, and all others as another."""
    return [*judge_together(main), *judge_together(others)]


def judge_together(compares: Sequence[Compare]) -> list[Judged]:
    """Judge the comparisons of one family; those without a p-value are no part of it."""
    found = [compare(LEVEL) for compare in compares]
    tested = [one is not None and one.p is not None for one in found]
    if (count := sum(tested)) > 1:
        level = share_level(count)
        found = [compare(level) if known else one for compare, one, known in zip(compares, found, tested, strict=True)]
    adjusted = adjust_holm([one.p if one else None for one in found])
    return [Judged(agree_adjusted(one, p) if one else None, p) for one, p in zip(found, adjusted, strict=True)]
