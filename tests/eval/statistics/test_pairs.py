"""McNemar's test and Tango's interval, against figures by hand, and against all outcomes that pairs can have."""

import math

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from eval.statistics.pairs import bound_pairs, find_pairs_detectable, find_pairs_lost, find_pairs_p


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


@pytest.mark.parametrize("n", [10, 12, 15, 30, 100, 150])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.05])
def test_over_all_outcomes_of_few_rows_power_is_80_percent(n: int, share: float) -> None:
    found = find_pairs_detectable(share, n)
    assert _weigh(share, n, found) == pytest.approx(0.8, abs=0.002)
    # At the level of a family it takes more.
    assert not find_pairs_detectable(share, n, level=0.005) <= found


def test_of_many_rows_power_is_that_of_a_t_test() -> None:
    # t with 599 degrees of freedom is below 1.963939 in 97.5 and below 0.842129 in 80 of 100; 30 of 600 rows are lost:
    # d = 2.806068 · √((0.1 + d - d²) / 600).
    found = find_pairs_detectable(0.05, 600)
    assert found == pytest.approx(2.806068 * math.sqrt((0.1 + found - found**2) / 600), abs=1e-5)
    assert 0.8 <= _weigh(0.05, 200, find_pairs_detectable(0.05, 200)) <= 0.82


@pytest.mark.parametrize(("n", "shares"), [(20, (0.01, 0.07, 0.15)), (30, (0.01, 0.05, 0.2)), (100, (0.01, 0.05, 0.3))])
def test_the_middle_report_of_few_rows_promises_no_more_than_is_held(n: int, shares: tuple[float, ...]) -> None:
    """A report knows only how many rows it saw lost; half of them or more name a difference that is found as often."""
    for share in shares:
        seen = int(stats.binom.median(n, share))
        assert _weigh(share, n, find_pairs_detectable(find_pairs_lost(seen, n), n)) >= 0.797


def test_the_share_that_is_lost_is_as_likely_too_high_as_too_low() -> None:
    # Of two rows none is lost with a chance of (1 - p)², which is one half; one or none with 1 - p².
    assert find_pairs_lost(0, 2) == pytest.approx(1 - math.sqrt(0.5))
    assert find_pairs_lost(1, 2) == pytest.approx(math.sqrt(0.5))
    assert find_pairs_lost(2, 2) == 1.0


def test_of_six_rows_all_must_be_won() -> None:
    # Only six wins, of p = 2 / 2⁶, are below the level, and d⁶ is to be 0.8.
    assert find_pairs_detectable(0, 6) == pytest.approx(0.8 ** (1 / 6), abs=1e-5)
    # A p-value at the level rejects nothing, so no difference is found, not even the largest that there is: 1, or
    # 1 less the share of rows that would have to be won back and won, where one of six is lost.
    assert math.isnan(find_pairs_detectable(0, 6, level=2 / 64))
    assert math.isnan(find_pairs_detectable(1 / 6, 6))
    assert math.isnan(find_pairs_detectable(0.7, 6)) and math.isnan(find_pairs_detectable(0, 1))


def _weigh(share: float, n: int, gain: float) -> float:
    """How often a gain is found where a share is lost, over all outcomes of n rows."""
    wins, losses = (table.ravel() for table in np.meshgrid(np.arange(n + 1), np.arange(n + 1)))
    kept = (wins + losses <= n) & (wins > losses)
    wins, losses = wins[kept], losses[kept]
    outcomes = np.stack([wins, losses, n - wins - losses], axis=-1)
    shown = find_pairs_p(wins, losses, n) < 0.05
    return float(stats.multinomial.pmf(outcomes, n, [share + gain, share, 1 - 2 * share - gain])[shown].sum())


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
    assert find_pairs_detectable(0.05, 100) == pytest.approx(0.126686, abs=2e-5)
