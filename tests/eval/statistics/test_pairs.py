"""McNemar's test and Tango's interval, against figures by hand, and against all outcomes that pairs can have."""

import math

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from eval.statistics.pairs import bound_pairs, find_pairs_detectable, find_pairs_p


def test_pairs_of_which_many_differ_are_tested_by_chi_squared() -> None:
    # (8 - 2)² / 10 with one degree of freedom
    assert find_pairs_p(8, 2, 20) == pytest.approx(math.erfc(math.sqrt(3.6 / 2)))
    assert find_pairs_p(2, 8, 20) == find_pairs_p(8, 2, 20)


def test_pairs_of_which_just_four_in_five_differ_are_tested_by_chi_squared() -> None:
    # (12 - 4)² / 16; the exact test would be 2 · (1 + 16 + 120 + 560 + 1820) / 2¹⁶ = 0.077.
    assert find_pairs_p(12, 4, 20) == pytest.approx(math.erfc(math.sqrt(4 / 2)))


def test_few_that_differ_are_tested_exactly() -> None:
    # 2 · (1 / 2)⁴; 2 · (1 + 9) / 2⁹ = 20 / 512
    assert find_pairs_p(4, 0, 50) == 0.125
    assert find_pairs_p(8, 1, 50) == pytest.approx(20 / 512)
    assert find_pairs_p(0, 0, 50) == 1.0
    assert find_pairs_p(3, 3, 50) == 1.0


def test_pairs_that_nearly_all_differ_are_tested_exactly() -> None:
    # Of 11 tosses 2 or fewer, or 9 or more, heads: 2 · (1 + 11 + 55) / 2¹¹; by chi-squared it would be 0.035.
    assert find_pairs_p(9, 2, 11) == pytest.approx(2 * 67 / 2048)
    assert find_pairs_p(9, 2, 14) == pytest.approx(math.erfc(math.sqrt(49 / 11 / 2)))


@pytest.mark.parametrize("n", [5, 6, 8, 11, 15, 30, 50, 67, 100, 200])
def test_equal_models_are_rejected_at_most_five_and_a_half_times_in_100(n: int) -> None:
    """Every outcome of n pairs, weighed by its probability where any share of them differs."""
    better, worse = (table.ravel() for table in np.meshgrid(np.arange(n + 1), np.arange(n + 1)))
    possible = better + worse <= n
    better, worse = better[possible], worse[possible]
    rejected = find_pairs_p(better, worse, n) < 0.05
    for share in (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 0.9, 0.95, 1.0):
        chances = [share / 2, share / 2, 1 - share]
        outcomes = np.stack([better, worse, n - better - worse], axis=-1)
        assert stats.multinomial.pmf(outcomes, n, chances)[rejected].sum() <= 0.0542


def test_an_interval_holds_the_differences_that_a_score_test_does_not_reject() -> None:
    # Without any pair that differs: z² / (n + z²) to either side, z² being 3.841459.
    low, high = bound_pairs(0, 0, 20)
    assert (low, high) == pytest.approx((-3.841459 / 23.841459, 3.841459 / 23.841459), abs=1e-6)
    assert bound_pairs(0, 0, 2) == pytest.approx((-3.841459 / 5.841459, 3.841459 / 5.841459), abs=1e-6)
    for better, worse, n in ((1, 9, 44), (7, 0, 44), (10, 8, 44), (15, 0, 30)):
        assert bound_pairs(better, worse, n) == pytest.approx(_search(better, worse, n), abs=2e-4)


def test_an_interval_leaves_out_0_where_chi_squared_rejects() -> None:
    for better in range(31):
        for worse in range(31 - better):
            low, high = bound_pairs(better, worse, 30)
            rejects = better + worse > 0 and (better - worse) ** 2 / (better + worse) > 3.841459
            assert (low > 0 or high < 0) == rejects


def test_a_narrower_level_makes_a_wider_interval_for_many_pairs_at_once() -> None:
    low, high = bound_pairs(np.array([8, 0]), np.array([2, 0]), 20)
    wide_low, wide_high = bound_pairs(np.array([8, 0]), np.array([2, 0]), 20, 0.01)
    assert (wide_low < low).all() and (high < wide_high).all()
    assert bound_pairs(8, 2, 20) == pytest.approx((low[0], high[0]))


def test_where_few_rows_differ_power_is_that_of_the_exact_test() -> None:
    # One of 30 is lost. Over all outcomes of 30 rows, as many are rejected as promised.
    found = find_pairs_detectable(1, 30, of_t=0.2)
    assert 0.2 < found < 0.4
    wins, losses = (table.ravel() for table in np.meshgrid(np.arange(31), np.arange(31)))
    kept = (wins + losses <= 30) & (wins > losses)
    wins, losses = wins[kept], losses[kept]
    outcomes = np.stack([wins, losses, 30 - wins - losses], axis=-1)
    chances = [1 / 30 + found, 1 / 30, 1 - 2 / 30 - found]
    shown = find_pairs_p(wins, losses, 30) < 0.05
    assert stats.multinomial.pmf(outcomes, 30, chances)[shown].sum() == pytest.approx(0.8, abs=0.002)
    # At the level of a family it takes more.
    assert find_pairs_detectable(1, 30, of_t=0.2, level=0.005) > found


def test_where_many_rows_differ_power_is_that_of_a_t_test() -> None:
    assert find_pairs_detectable(30, 600, of_t=0.044) == 0.044
    # 10 of 100 are lost and 16 won; 5 are lost and 20 won, 25 rows being the fewest of which that is so.
    assert find_pairs_detectable(10, 100, of_t=0.06) == 0.06
    assert find_pairs_detectable(5, 100, of_t=0.15) == 0.15


def test_of_six_rows_all_must_be_won() -> None:
    # Only six wins, of p = 2 / 2⁶, are below the level, and d⁶ is to be 0.8.
    assert find_pairs_detectable(0, 6, of_t=0.5) == pytest.approx(0.8 ** (1 / 6), abs=1e-5)
    # A p-value at the level rejects nothing, so no difference is found, not even the largest that there is: 1, or
    # 1 less the share of rows that would have to be won back and won, where one of six is lost.
    assert math.isnan(find_pairs_detectable(0, 6, of_t=0.5, level=2 / 64))
    assert math.isnan(find_pairs_detectable(1, 6, of_t=0.5))


def _search(better: int, worse: int, n: int) -> tuple[float, float]:
    """The same interval by trying every difference: the likeliest chances under it are found numerically."""
    kept = [step / 10_000 for step in range(-9_999, 10_000) if _score(better, worse, n, step / 10_000) <= 1.959964]
    return min(kept), max(kept)


def _score(better: int, worse: int, n: int, difference: float) -> float:
    lowest, highest = max(0.0, -difference), (1 - difference) / 2
    grid = np.linspace(lowest, highest, 2_001)[1:-1]
    likelihood = better * np.log(grid + difference) + worse * np.log(grid)
    likelihood += (n - better - worse) * np.log(np.maximum(1e-300, 1 - 2 * grid - difference))
    chance = grid[likelihood.argmax()]
    error = math.sqrt((2 * chance + difference - difference**2) / n)
    return abs((better - worse) / n - difference) / error


def test_what_100_rows_can_find_is_near_what_a_t_test_can() -> None:
    # Five rows of 100 are lost: 2.80 standard errors are 0.12. Over all outcomes, by scipy's multinomial probabilities,
    # power is 80 % at 0.126686.
    assert find_pairs_detectable(5, 100, 0.12) == pytest.approx(0.126686, abs=2e-5)
