"""Sums by group and their spread, piece by piece, by hand."""

import math
import warnings
from collections.abc import Iterator

import numpy as np
import pytest

from eval.statistics.sums import ROUNDING, divide_sums, measure_spread, number_groups, raise_sums, sum_groups

# Three groups: 4 of 4, 0 of 2 and 2 of 2.
UNEQUAL = np.array([[4.0, 0.0, 2.0], [4.0, 2.0, 2.0]])


@pytest.fixture(autouse=True)
def _warnings_fail() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_each_row_is_added_up_by_group_in_the_order_of_the_groups() -> None:
    sums = sum_groups([[1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 0.5]], ["b", "a", "b", "c"])
    assert sums.tolist() == [[4.0, 2.0, 4.0], [2.0, 1.0, 0.5]]
    assert sum_groups(np.zeros((2, 0)), []).tolist() == [[], []]


def test_numbers_of_groups_are_made_dense_where_some_are_left_out() -> None:
    dense = np.array([1, 0, 1, 2])
    assert number_groups(dense) is dense
    assert number_groups(np.array([5, 0, 2, 5, 5])).tolist() == [2, 0, 1, 2, 2]
    assert number_groups(["b", "a", "b"]).tolist() == [0, 1, 0]
    assert sum_groups([[1.0, 2.0, 4.0]], np.array([3, 0, 3])).tolist() == [[2.0, 5.0]]


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


def test_the_error_is_the_jackknifes() -> None:
    # Without each group 2/4, 6/6 and 4/6; their mean is 13/18.
    squares = sum((one - 13 / 18) ** 2 for one in (2 / 4, 6 / 6, 4 / 6))
    assert measure_spread(UNEQUAL).error == pytest.approx(math.sqrt(2 / 3 * squares))
    assert math.isnan(measure_spread(np.array([[1.0], [2.0]])).error)
    assert math.isnan(measure_spread(np.array([[1.0, 1.0], [1.0, 0.0]])).error)
    assert measure_spread(np.array([[0.1, 0.2, 0.3], [0.1, 0.2, 0.3]])).error == 0.0
    assert measure_spread(np.array([[1.0, 3.0], [1.0, 1.0]])).error == pytest.approx(1.0)
    assert measure_spread(np.array([[0.0, ROUNDING], [1.0, 1.0]])).error == 0.0


def test_unequal_groups_are_worth_as_many_as_kish_says() -> None:
    spread = measure_spread(UNEQUAL)
    # 8² / (4² + 2² + 2²)
    assert (spread.groups, spread.worth, spread.freedom) == (3, 64 / 24, 64 / 24 - 1)
    # One that outweighs the other is worth one, and has a degree of freedom all the same.
    assert measure_spread(np.array([[99.0, 0.0], [100.0, 1.0]])).freedom == 1.0


def test_the_skew_is_that_of_the_groups_influence() -> None:
    # Nine 0 and one 1 are off their mean by -0.1 and 0.9.
    sums = np.array([[0.0] * 9 + [1.0], [1.0] * 10])
    assert measure_spread(sums).skew == pytest.approx((0.9**3 - 9 * 0.1**3) / (0.9**2 + 9 * 0.1**2) ** 1.5)
    assert measure_spread(np.array([[0.0, 1.0, 2.0], [1.0] * 3])).skew == pytest.approx(0.0, abs=1e-9)
    assert measure_spread(np.array([[1.0, 1.0], [1.0, 1.0]])).skew == 0.0


def test_groups_that_differ_are_counted_with_how_far_each_moves_a_difference() -> None:
    gains = np.array([[1.0, 1.0, *[0.0] * 98], [1.0] * 100, [0.0] * 100, [1.0] * 100])
    spread = measure_spread(gains)
    assert (spread.middle, spread.differing) == (0.02, 2)
    # With the two swapped in one of them, the difference is 0 instead of 0.02.
    assert spread.size == pytest.approx(0.01)
    assert measure_spread(np.concatenate([UNEQUAL, UNEQUAL])).differing == 0
    rounded = np.array([[0.1 + 0.2, 1.0], [1.0, 1.0], [0.3, 0.0], [1.0, 1.0]])
    assert measure_spread(rounded).differing == 1
    assert (measure_spread(UNEQUAL).differing, measure_spread(UNEQUAL).size) == (0, 0)


def test_test_sets_are_measured_side_by_side() -> None:
    other = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 2.0]])
    both = measure_spread(np.stack([UNEQUAL, other], axis=1))
    for at, alone in enumerate((UNEQUAL, other)):
        assert [float(part[at]) for part in both[:5]] == pytest.approx(
            [float(part) for part in measure_spread(alone)[:5]]
        )


def test_differences_of_test_sets_are_measured_side_by_side() -> None:
    one = np.array([[1.0, 1.0, 0.0], [1.0] * 3, [0.0, 0.0, 0.0], [1.0] * 3])
    other = np.array([[1.0, 0.0, 0.5], [1.0, 1.0, 2.0], [0.0, 1.0, 0.0], [1.0, 1.0, 2.0]])
    both = measure_spread(np.stack([one, other], axis=1))
    assert both.differing.tolist() == [2, 3]
    # Each of two groups swapped takes 2/3 off the first difference: a half of that. Of the second, which is 1/8, the
    # groups move -1, 1 and -1 halves by a swap of 1/2, 1/2 and 1/4, over 4: (1/4 + 1/4 + 1/8) / 3.
    assert both.size.tolist() == pytest.approx([1 / 3, (1 / 4 + 1 / 4 + 1 / 8) / 3])


def test_rounding_is_told_by_the_size_of_what_is_rounded() -> None:
    large = np.array([[1e6, 1e6 + 1e-4], [1.0, 1.0]])
    assert measure_spread(large).error == 0.0
    swapped = np.array([[1e6], [1.0], [1e6 + 1e-4], [1.0]])
    assert measure_spread(swapped).differing == 0
    assert measure_spread(np.array([[0.0], [1.0], [1.5 * ROUNDING], [1.0]])).differing == 1
    assert measure_spread(np.array([[0.0, 3 * ROUNDING], [1.0, 1.0]])).error > 0
