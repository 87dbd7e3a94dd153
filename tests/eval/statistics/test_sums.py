"""What means and ratios share, piece by piece: sums, intervals and p-values by hand, and draws as a seed has them."""

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from eval.statistics import resampling
from eval.statistics.resampling import (
    ROUNDING,
    bootstrap,
    bound_constant,
    bound_difference,
    divide_sums,
    find_detectable,
    find_error,
    find_mid_p,
    raise_sums,
    sum_groups,
    wilson,
)  # fmt: skip

# Three groups: 4 of 4, 0 of 2 and 2 of 2.
UNEQUAL = np.array([[4.0, 0.0, 2.0], [4.0, 2.0, 2.0]])


@pytest.fixture(autouse=True)
def _warnings_fail() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def count_up(groups: int) -> Any:
    """Groups of one value each: 0, 1, 2, …"""
    return np.array([np.arange(groups, dtype=float), np.ones(groups)])


def test_each_row_is_added_up_by_group_in_the_order_of_the_groups() -> None:
    sums = sum_groups([[1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 0.5]], ["b", "a", "b", "c"])
    assert sums.tolist() == [[4.0, 2.0, 4.0], [2.0, 1.0, 0.5]]
    assert sum_groups(np.zeros((2, 0)), []).tolist() == [[], []]


def test_sums_are_divided_over_all_groups_or_along_an_axis() -> None:
    assert divide_sums(*UNEQUAL) == 6 / 8
    assert divide_sums(*UNEQUAL, np.array([1.0, 1.0]), np.array([4.0, 4.0])) == 6 / 8 - 2 / 8
    rows = np.array([[1.0, 3.0], [5.0, 1.0]]), np.array([[4.0, 4.0], [2.0, 2.0]])
    assert divide_sums(*rows).tolist() == [4 / 8, 6 / 4]
    assert divide_sums(*rows, axis=0).tolist() == [6 / 6, 4 / 6]
    assert math.isnan(divide_sums(np.array([0.0]), np.array([0.0])))
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        divide_sums(*rows, np.array([1.0]))
    assert divide_sums(np.array([1.0]), np.array([0.0])) == math.inf


def test_ratios_are_raised_each_before_they_are_taken_off() -> None:
    ones = np.array([1.0, 1.0])
    assert raise_sums(ones, ones) == pytest.approx(math.e)
    assert raise_sums(2 * ones, ones, ones, ones) == pytest.approx(math.exp(2) - math.e)
    rows = np.array([[1.0, 3.0], [5.0, 1.0]]), np.array([[4.0, 4.0], [2.0, 2.0]])
    assert raise_sums(*rows).tolist() == pytest.approx([math.exp(0.5), math.exp(1.5)])
    assert raise_sums(*rows, axis=0).tolist() == pytest.approx([math.e, math.exp(4 / 6)])
    assert raise_sums(np.array([8000.0]), np.array([1.0])) == math.inf
    assert math.isnan(raise_sums(np.array([8000.0]), np.array([1.0]), np.array([9000.0]), np.array([1.0])))


def test_a_seed_draws_the_same_interval_on_every_machine() -> None:
    sums = np.array([np.arange(25.0) ** 2 % 7, np.arange(25.0) % 3 + 1])
    assert bootstrap(sums, 42) == pytest.approx((0.681306986, 1.340909091))
    assert bootstrap(sums, 42, "BCa") == pytest.approx((0.689985957, 1.346144757))
    assert bootstrap(sums, 43) != bootstrap(sums, 42)
    raised = bootstrap(sums / 4, 42, statistic=raise_sums)
    assert raised == pytest.approx((1.976469062, 3.822516942))


def test_memory_is_bounded_whatever_the_draws_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    draw = stats.bootstrap

    def note(*arguments: Any, **settings: Any) -> Any:
        asked.append(settings)
        return draw(*arguments, **settings)

    monkeypatch.setattr(stats, "bootstrap", note)
    bootstrap(count_up(30), 1)
    monkeypatch.setattr(resampling, "CELLS", 10)
    bootstrap(count_up(30), 1)
    assert [settings["batch"] for settings in asked] == [200_000 // 30, 1]
    assert {settings["n_resamples"] for settings in asked} == {2_000}


def test_one_group_has_no_interval_and_an_end_beyond_numbers_is_left_out() -> None:
    assert bootstrap(np.array([[1.0], [2.0]]), 1) == (None, None)
    assert bootstrap(np.array([[1.0, 1.0], [2.0, 1.0]]), 42) == (0.5, 1.0)
    low, high = bootstrap(np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]), 1)
    assert (low is None or math.isfinite(low)) and high is None
    assert bootstrap(np.array([[-1.0, -1.0, -1.0], [1.0, 0.0, 0.0]]), 1)[0] is None


def test_from_twenty_groups_on_a_difference_is_resampled() -> None:
    assert bound_difference(count_up(20), 5) == bootstrap(count_up(20), 5)
    # With 19 it is Student's t with 18 degrees of freedom; the variance of 0 to 18 is 30, over 18.
    half = 2.100922 * math.sqrt(19 * 30 / 18) / math.sqrt(19)
    assert bound_difference(count_up(19), 5) == pytest.approx((9 - half, 9 + half), abs=1e-5)
    assert bound_difference(count_up(19), 5, (8.0, 10.0)) == (8.0, 10.0)
    assert bound_difference(count_up(25), 5, statistic=raise_sums) == bootstrap(count_up(25), 5, statistic=raise_sums)


def test_a_difference_of_few_groups_takes_the_statistic_for_its_middle_and_its_error() -> None:
    error = find_error(UNEQUAL, raise_sums)
    assert error
    low, high = bound_difference(UNEQUAL, 1, statistic=raise_sums)
    # 8² / (4² + 2² + 2²) groups are worth 2.67, so 1.67 degrees of freedom: t is 5.242265.
    middle, half = math.exp(6 / 8), 5.242265 * error
    assert (low, high) == pytest.approx((middle - half, middle + half), abs=1e-4)
    assert bound_difference(np.array([[1.0], [2.0]]), 1) == (None, None)


def test_a_share_has_wilsons_interval() -> None:
    # (s + z²/2 ± z·sqrt(s·(n - s)/n + z²/4)) / (n + z²) with z = 1.959964
    assert wilson(8, 10) == pytest.approx((0.490162, 0.943318), abs=1e-6)


def test_equal_values_leave_what_wilson_leaves_within_their_bounds() -> None:
    unseen = 3.841459 / 13.841459
    assert bound_constant(0.25, 10, (0.0, 1.0)) == pytest.approx((0.25 - unseen / 4, 0.25 + unseen * 3 / 4), abs=1e-6)
    assert bound_constant(0.25, 10, (-1.0, 1.0)) == pytest.approx(
        (0.25 - unseen * 1.25, 0.25 + unseen * 0.75), abs=1e-6
    )
    assert bound_constant(0.0, 10, (0.0, 1.0)) == pytest.approx((0.0, unseen), abs=1e-6)
    assert bound_constant(1.0, 10, (0.0, 1.0)) == pytest.approx((1.0 - unseen, 1.0), abs=1e-6)
    assert bound_constant(1.5, 10, (0.0, 1.0)) == (None, None)
    assert bound_constant(-0.5, 10, (0.0, 1.0)) == (None, None)


def test_mid_p_counts_larger_draws_whole_and_equal_ones_half(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resampling, "SIGN_FLIPS", 9)
    monkeypatch.setattr(resampling, "CELLS", 8)
    surplus = np.array([1.0, -1.0, 0.05, -0.05, math.nan, 0.1, 0.1, 2.0, -0.2])
    sizes: list[int] = []

    def measure(rng: np.random.Generator, draws: int) -> Any:
        begun = sum(sizes)
        sizes.append(draws)
        return surplus[begun : begun + draws]

    # Larger: 1, nan and 2. As large, within 0.1: 0.05, -0.05, 0.1 and 0.1.
    assert find_mid_p(measure, 2, 0.1, 1) == (3 + 4 / 2 + 1) / 10
    assert sizes == [4, 4, 1]
    sizes.clear()
    assert find_mid_p(measure, 100, 0.1, 1) == (3 + 4 / 2 + 1) / 10
    assert sizes == [1] * 9


def test_mid_p_draws_by_its_seed() -> None:
    def draw(seed: int) -> float:
        return find_mid_p(lambda rng, draws: rng.normal(size=draws), 1, 0.0, seed)

    assert draw(1) == draw(1) != draw(2)
    assert draw(1) == pytest.approx(0.5, abs=0.02)


def test_the_error_is_the_jackknifes() -> None:
    # Without each group 2/4, 6/6 and 4/6; their mean is 13/18.
    squares = sum((one - 13 / 18) ** 2 for one in (2 / 4, 6 / 6, 4 / 6))
    assert find_error(UNEQUAL) == pytest.approx(math.sqrt(2 / 3 * squares))
    assert find_error(np.array([[1.0], [2.0]])) is None
    assert find_error(np.array([[1.0, 1.0], [1.0, 0.0]])) is None
    assert find_error(np.array([[0.1, 0.2, 0.3], [0.1, 0.2, 0.3]])) == 0.0
    assert find_error(np.array([[1.0, 3.0], [1.0, 1.0]])) == pytest.approx(1.0)


def test_what_can_be_detected_is_by_students_t_of_both_errors() -> None:
    # 8² / 24 = 2.67 groups' worth: t of 1.67 degrees of freedom is 5.242265 for 97.5 %, 1.147389 for 80 %.
    error = find_error(UNEQUAL)
    assert error
    assert find_detectable(UNEQUAL) == pytest.approx((stats.t.ppf(0.975, 5 / 3) + stats.t.ppf(0.8, 5 / 3)) * error)
    assert find_detectable(np.array([[1.0], [2.0]])) is None
    assert find_detectable(np.array([[1.0, 2.0], [1.0, 2.0]])) is None
    # One group that outweighs the other is worth one, and has a degree of freedom all the same.
    lopsided = np.array([[99.0, 0.0], [100.0, 1.0]])
    error = find_error(lopsided)
    assert error
    assert find_detectable(lopsided) == pytest.approx((12.706205 + 1.376382) * error, abs=1e-4)
    assert find_error(np.array([[0.0, 2 * ROUNDING], [1.0, 1.0]])) == 0.0
