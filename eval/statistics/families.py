"""Several p-values that a reader looks at together: raw ones in, adjusted ones out.

    adjust_holm([0.04, None, 0.01, 0.03]) → [0.06, None, 0.03, 0.06]

The main figure is named before anything is seen, so it is tested alone at its own level, and a side figure more costs
it nothing. The others share one level by Holm's correction.
"""

from collections.abc import Sequence

from eval.statistics.intervals import LEVEL


def adjust_holm(p_values: Sequence[float | None], family: int = 0) -> list[float | None]:
    """Holm's correction for looking at several p-values at once; None stays None and is not counted.

    A `family` larger than the number of p-values has further tests, which were not computed as they matter to nobody;
    their p-values are taken to be larger.
    """
    order = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    count = max(family, len(order))
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, index) in enumerate(order):
        highest = max(highest, min(1.0, p * (count - rank)))
        adjusted[index] = highest
    return adjusted


def share_level(count: int) -> float:
    """The level for each of several tests or intervals, so that all of them together are right 95 times in 100."""
    return LEVEL / max(1, count)
