"""What the best of several owes to luck, against worlds in which that is known."""

from collections.abc import Sequence

import numpy as np
import pytest

from eval.comparing.selection import estimate_optimism
from eval.scoring.figures import Result
from eval.statistics.estimates import Estimate

NONE = Estimate(n=0, undefined=0, mean=None, low=None, high=None)
EXACT = Result(figure="exact", explanation="", binary=True, tuned=NONE, base=None, difference=None, p_adjusted=None)


def simulate(chances: Sequence[float], count: int, rng: np.random.Generator) -> float:
    """What is found of runs that are right in so many rows by these chances."""
    right = (rng.random((len(chances), count)) < np.array(chances)[:, None]).astype(float)
    found = estimate_optimism(
        [[{"exact": value} for value in run] for run in right], EXACT, [str(at) for at in range(count)], seed=1
    )
    assert found is not None
    return found


# The largest of 2 normal numbers lies 0.564 standard deviations above their mean, of 10 it is 1.539 (order statistics).
@pytest.mark.parametrize(("count", "deviations"), [(2, 0.564), (10, 1.539)])
def test_of_equal_runs_it_is_what_luck_gives_the_best(count: int, deviations: float) -> None:
    rng = np.random.default_rng(7)
    found = np.mean([simulate([0.7] * count, 100, rng) for _ in range(150)])
    assert found == pytest.approx(deviations * (0.7 * 0.3 / 100) ** 0.5, rel=0.1)


def test_of_a_run_that_is_clearly_the_best_it_is_next_to_nothing() -> None:
    rng = np.random.default_rng(7)
    assert abs(np.mean([simulate([0.9, 0.5, 0.5, 0.5], 200, rng) for _ in range(20)])) < 0.003
