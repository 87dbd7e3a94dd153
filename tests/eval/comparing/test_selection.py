"""What the best of several owes to luck, against worlds in which that is known."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from eval.comparing.selection import estimate_optimism
from eval.scoring.summary import Result
from eval.statistics.estimates import Estimate

NONE = Estimate(n=0, undefined=0, mean=None, low=None, high=None)
EXACT = Result(figure="exact", explanation="", binary=True, tuned=NONE, base=None, difference=None, p_adjusted=None)


def rows(*values: float | None) -> list[dict[str, float | None]]:
    return [{"exact": value} for value in values]


def simulate(chances: Sequence[float], count: int, rng: np.random.Generator) -> float:
    """What is found of runs that are right in so many rows by these chances."""
    right = (rng.random((len(chances), count)) < np.array(chances)[:, None]).astype(float)
    found = estimate_optimism([rows(*run) for run in right], EXACT, [str(at) for at in range(count)], seed=1)
    assert found is not None
    return found


def test_two_rows_by_hand() -> None:
    # Drawn twice, either row chooses the run that is right in it and leaves the other, in which that run is wrong.
    assert estimate_optimism([rows(1, 0), rows(0, 1)], EXACT, ["a", "b"], seed=42) == 0.5


def test_where_less_is_better_the_least_is_chosen() -> None:
    less = EXACT.model_copy(update={"less_is_better": True})
    assert estimate_optimism([rows(3, 8), rows(8, 3)], less, ["a", "b"], seed=42) == 8 - 5.5


def test_a_ratio_is_of_sums_and_rows_without_a_value_count_for_nothing() -> None:
    ratio = EXACT.model_copy(update={"figure": "share", "ratio": (("top",), ("bottom",))})

    def run(*parts: tuple[float | None, float | None]) -> list[dict[str, Any]]:
        return [{"share": None, "top": top, "bottom": bottom} for top, bottom in parts]

    one, other = run((2, 2), (None, 5), (0, 2)), run((0, 2), (5, None), (2, 2))
    assert estimate_optimism([one, other], ratio, ["a", "a", "b"], seed=42) == 0.5


@pytest.mark.parametrize(
    ("runs", "groups"),
    [([rows(1, 0)], ["a", "b"]), ([rows(1, 0), rows(0, 1)], ["a", "a"]), ([rows(1, 0), rows(None, None)], ["a", "b"])],
)
def test_what_cannot_be_told_is_none(runs: list[list[dict[str, float | None]]], groups: list[str]) -> None:
    assert estimate_optimism(runs, EXACT, groups, seed=42) is None


# The largest of 2 normal numbers lies 0.564 standard deviations above their mean, of 10 it is 1.539 (order statistics).
@pytest.mark.parametrize(("count", "deviations"), [(2, 0.564), (10, 1.539)])
def test_of_equal_runs_it_is_what_luck_gives_the_best(count: int, deviations: float) -> None:
    rng = np.random.default_rng(7)
    found = np.mean([simulate([0.7] * count, 100, rng) for _ in range(150)])
    assert found == pytest.approx(deviations * (0.7 * 0.3 / 100) ** 0.5, rel=0.1)


def test_of_a_run_that_is_clearly_the_best_it_is_next_to_nothing() -> None:
    rng = np.random.default_rng(7)
    assert abs(np.mean([simulate([0.9, 0.5, 0.5, 0.5], 200, rng) for _ in range(20)])) < 0.003
