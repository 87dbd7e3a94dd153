"""Predicted calls beside wanted ones: the partners, and what they share.

In: calls in normal form, predicted and wanted. Each predicted call is partnered with at most one wanted call of its
name, the pairs that share most arguments first:

    find_partners([Call("a", {"x": 1})], [Call("b", {}), Call("a", {"x": 1})]) → {1: 0}

Out: counts, and figures between 0 and 1 that are None where they divide 0 by 0, unless that is agreement: an answer and
a reference that both have nothing.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from itertools import product

from eval.reading.calls import Call

# Relative: 2.1 - 2 is 0.10000000000000009.
SLACK = 1e-9


def find_partners(predicted: Sequence[Call], wanted: Sequence[Call]) -> dict[int, int]:
    """Position of a wanted call → position of the predicted one."""
    pairs = [
        (-count_equal(predicted[p], wanted[w]), w, p)
        for w, p in product(range(len(wanted)), range(len(predicted)))
        if predicted[p].name == wanted[w].name
    ]
    partners: dict[int, int] = {}
    taken: set[int] = set()
    for _, w, p in sorted(pairs):
        if w not in partners and p not in taken:
            partners[w] = p
            taken.add(p)
    return partners


def compare_counts(name: str, shared: int, predicted: int, wanted: int) -> dict[str, float | None]:
    """Precision, recall and their harmonic mean, named after what was counted.

    Where nothing was predicted and nothing was wanted, the two agree: precision and the mean are 1. Were they None, an
    answer that rightly has nothing would leave the comparison, and with it the other model's invention.
    """
    agreed = 1.0 if not predicted and not wanted else None
    return {
        f"{name}_precision": agreed or divide(shared, predicted),
        f"{name}_recall": divide(shared, wanted),
        f"{name}_f1": agreed or divide(2 * shared, predicted + wanted),
    }


def divide(part: float, whole: int) -> float | None:
    """A share; None if `whole` is 0."""
    return part / whole if whole else None


def is_within(answer: float, wanted: float, tolerance: float) -> bool:
    """Whether two numbers are at most `tolerance` apart; what only rounding puts beyond it, as 2.1 and 2, is within."""
    return abs(answer - wanted) <= tolerance * (1 + SLACK)


def count_equal(one: Call, other: Call) -> int:
    """Arguments that two calls share: name, type and value."""
    return sum(other.arguments.get(name) == value for name, value in one.arguments.items())


def count_ordered(partners: dict[int, int]) -> int:
    """Pairs of wanted calls whose partners stand in the same order."""
    ordered, seen = 0, list[int]()
    for _, position in sorted(partners.items()):
        ordered += bisect_left(seen, position)
        insort(seen, position)
    return ordered
