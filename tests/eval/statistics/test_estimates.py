"""Statistics against figures worked out by hand or printed in tables."""

import math
from typing import Literal

import pytest

from eval.statistics.estimates import Difference, Estimate, adjust_holm, compare, estimate
from eval.statistics.resampling import bootstrap, sum_groups

TEN = [str(number) for number in range(10)]


def test_a_share_gets_wilsons_interval() -> None:
    # (8 + z²/2 ± z·sqrt(8·2/10 + z²/4)) / (10 + z²) with z = 1.959964
    result = estimate([1.0] * 8 + [0.0] * 2, TEN, binary=True, seed=1)
    assert (result.n, result.mean) == (10, 0.8)
    assert result.low == pytest.approx(0.490162, abs=1e-6)
    assert result.high == pytest.approx(0.943318, abs=1e-6)


def test_undefined_values_leave_the_mean_and_are_counted() -> None:
    result = estimate([1.0, None, 0.0, None], TEN[:4], binary=True, seed=1)
    assert (result.n, result.undefined, result.mean) == (2, 2, 0.5)


def test_without_a_defined_value_there_is_no_mean() -> None:
    assert estimate([None], ["a"], binary=True, seed=1) == Estimate(n=0, undefined=1, mean=None, low=None, high=None)


def test_equal_values_leave_room_for_the_unseen() -> None:
    # Wilson's upper end for 0 of 10: z² / (10 + z²) = 3.841459 / 13.841459
    unseen = 3.841459 / 13.841459
    result = estimate([0.25] * 10, TEN, binary=False, seed=1)
    assert result.low == pytest.approx(0.25 - unseen * 0.25, abs=1e-6)
    assert result.high == pytest.approx(0.25 + unseen * 0.75, abs=1e-6)
    assert estimate([12.5] * 10, TEN, binary=False, seed=1).low is None


def test_a_bootstrap_interval_is_near_the_normal_one_and_repeats_for_a_seed() -> None:
    values: list[float | None] = [number / 400 for number in range(400)]
    groups = [str(number) for number in range(400)]
    result = estimate(values, groups, binary=False, seed=7)
    half = 1.96 * math.sqrt(1 / 12) / math.sqrt(400)
    assert result.low == pytest.approx(0.49875 - half, abs=0.003)
    assert result.high == pytest.approx(0.49875 + half, abs=0.003)
    assert estimate(values, groups, binary=False, seed=7) == result
    assert estimate(values, groups, binary=False, seed=8) != result


def test_copies_of_a_row_make_no_result_surer() -> None:
    values: list[float | None] = [number / 50 for number in range(50)]
    groups = [str(number) for number in range(50)]
    once = estimate(values, groups, binary=False, seed=3)
    copied = estimate(values * 4, groups * 4, binary=False, seed=3)
    assert [copied.low, copied.high] == pytest.approx([once.low, once.high])


def test_a_bca_interval_leans_to_the_long_tail_and_a_difference_does_not() -> None:
    # 40 values, one in five of them 1: near 0.2 there is more room above than below.
    values: list[float | None] = [1.0, 0.0, 0.0, 0.0, 0.0] * 8
    groups = [str(number) for number in range(40)]
    skewed = estimate(values, groups, binary=False, seed=5)
    assert skewed.low is not None and skewed.high is not None
    assert skewed.high - 0.2 > 1.2 * (0.2 - skewed.low)
    difference = compare([0.0] * 40, values, groups, binary=False, seed=5)
    assert difference.low is not None and difference.high is not None
    assert difference.high - 0.2 < 1.2 * (0.2 - difference.low)


def test_resampled_groups_get_wider_intervals_as_students_t_has_it() -> None:
    # 20 groups of mean 0, 1, … 19: the bootstrap's spread is sqrt(33.25 / 20), t's factor 2.093024 · sqrt(20 / 19).
    values = [float(number) for number in range(20)]
    result = compare([0.0] * 20, values, [str(number) for number in range(20)], binary=False, seed=2)
    half = 2.093024 * math.sqrt(20 / 19) * math.sqrt(33.25 / 20)
    assert [result.low, result.high] == pytest.approx([9.5 - half, 9.5 + half], abs=0.2)


def test_differences_of_few_groups_get_students_interval() -> None:
    # 10 groups of mean 0, 1, … 9: the standard error is sqrt(82.5 / 9) / sqrt(10), t with 9 degrees 2.262157.
    result = compare([0.0] * 10, [float(number) for number in range(10)], TEN, binary=False, seed=2)
    half = 2.262157 * math.sqrt(82.5 / 9) / math.sqrt(10)
    assert [result.low, result.high] == pytest.approx([4.5 - half, 4.5 + half], abs=1e-5)


def test_groups_of_unequal_size_err_as_their_jackknife_says() -> None:
    # Sums 4, 0, 2 of 4, 2, 2 values: without each group 2/4, 6/6, 4/6, their mean 13/18.
    values = [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]
    result = compare([0.0] * 8, values, [*"aaaabbcc"], binary=False, seed=2)
    error = math.sqrt(2 / 3 * ((9 / 18 - 13 / 18) ** 2 + (18 / 18 - 13 / 18) ** 2 + (12 / 18 - 13 / 18) ** 2))
    # They are worth 8² / (4² + 2² + 2²) = 2.67 equal ones; t with 1.67 degrees of freedom.
    assert result.low == pytest.approx(6 / 8 - 5.242265 * error, abs=1e-5)
    assert result.high == 1.0


def test_two_groups_tell_next_to_nothing_of_a_difference() -> None:
    # Shares differ by 1 at most; 0.5 and t with one degree of freedom times 0.25 would reach beyond.
    result = compare([0.0, 0.0], [0.25, 0.75], ["a", "b"], binary=False, seed=2)
    assert (result.low, result.high) == (-1.0, 1.0)
    result = compare([0.0, 0.0], [2.0, 3.0], ["a", "b"], binary=False, seed=2)
    assert [result.low, result.high] == pytest.approx([2.5 - 12.706205 * 0.5, 2.5 + 12.706205 * 0.5], abs=1e-5)


def test_a_01_difference_takes_mcnemars_test() -> None:
    # 6 better, 1 worse, 3 alike: chi-squared (6 - 1)² / 7 = 3.571429 with one degree of freedom
    base = [0.0] * 6 + [1.0] + [1.0] * 3
    tuned = [1.0] * 6 + [0.0] + [1.0] * 3
    result = compare(base, tuned, TEN, binary=True, seed=1)
    assert (result.n, result.mean, result.test) == (10, 0.5, "McNemar's test")
    assert result.p == pytest.approx(math.erfc(math.sqrt(25 / 7 / 2)))


def test_mcnemars_test_rejects_as_often_as_it_says_where_few_pairs_differ() -> None:
    # 50 pairs of which 1 in 10 differ, over all outcomes likelier than 1 in 100,000: 4.7 of 100 are rejected.
    rejected = sum(
        math.comb(50, moved) * 0.1**moved * 0.9 ** (50 - moved) * math.comb(moved, better) / 2**moved
        for moved in range(16)
        for better in range(moved + 1)
        if compare_pairs(better, moved - better) <= 0.05
    )
    assert rejected == pytest.approx(0.0473, abs=1e-4)


def compare_pairs(better: int, worse: int) -> float:
    base = [0.0] * better + [1.0] * worse + [1.0] * (50 - better - worse)
    tuned = [1.0] * better + [0.0] * worse + [1.0] * (50 - better - worse)
    p = compare(base, tuned, [str(number) for number in range(50)], binary=True, seed=1).p
    assert p is not None
    return p


def test_the_detectable_difference_is_that_of_a_t_test_with_a_power_of_80_percent() -> None:
    # (2.262157 + 0.883404) · sd / sqrt(10), sd of six 1, one -1 and three 0 = sqrt((7 - 10 · 0.25) / 9)
    base = [0.0] * 6 + [1.0] + [1.0] * 3
    tuned = [1.0] * 6 + [0.0] + [1.0] * 3
    result = compare(base, tuned, TEN, binary=True, seed=1)
    assert result.detectable == pytest.approx(3.145561 * math.sqrt(0.5) / math.sqrt(10), abs=1e-6)


def test_turns_of_a_dialogue_detect_no_more_than_the_dialogue() -> None:
    base, tuned = [0.0] * 10, [0.0, 1.0] * 5
    once = compare(base, tuned, TEN, binary=True, seed=1)
    thrice = compare(base * 3, tuned * 3, TEN * 3, binary=True, seed=1)
    assert once.detectable == pytest.approx(thrice.detectable)
    assert compare([0.0] * 4, [1.0] * 4, ["a"] * 4, binary=True, seed=1).detectable is None


def test_other_differences_take_a_permutation_test() -> None:
    # All eight better by the same: of 256 ways to flip the signs, 2 are as extreme, which count half.
    result = compare([0.5] * 8, [0.75] * 8, TEN[:8], binary=False, seed=1)
    assert (result.mean, result.test) == (0.25, "paired permutation test")
    assert result.p == pytest.approx(1 / 256, abs=0.0015)


def test_grouped_01_values_take_the_permutation_test_over_groups() -> None:
    # Two groups, both better: half of the ways are as extreme, and they count half.
    result = compare([0.0] * 8, [1.0] * 8, ["a", "b"] * 4, binary=True, seed=1)
    assert (result.n, result.groups, result.test) == (8, 2, "paired permutation test")
    assert result.p == pytest.approx(0.25, abs=0.02)


def test_no_difference_has_p_1() -> None:
    assert compare([0.5, 0.25], [0.5, 0.25], ["a", "b"], binary=False, seed=1).p == 1.0
    assert compare([0.0, 1.0], [0.0, 1.0], ["a", "b"], binary=True, seed=1).p == 1.0
    assert compare([0.0, 1.0], [1.0, 0.0], ["a", "b"], binary=True, seed=1).p == pytest.approx(1.0)


def test_pairs_with_an_undefined_side_leave_the_comparison() -> None:
    result = compare([0.0, None, 1.0], [1.0, 1.0, None], ["a", "b", "c"], binary=True, seed=1)
    assert (result.n, result.mean) == (1, 1.0)
    assert compare([None], [1.0], ["a"], binary=True, seed=1).p is None


def test_holm_multiplies_the_smallest_by_most_and_never_falls() -> None:
    assert adjust_holm([0.04, None, 0.01, 0.03]) == [0.06, None, 0.03, 0.06]
    assert adjust_holm([0.9, 0.8]) == [1.0, 1.0]


def test_every_one_of_many_groups_may_be_flipped() -> None:
    # 48 of 80 are better by one, 32 worse: of as many tosses of a coin, more than 48 or less than 32 heads, and half of
    # 48 and 32.
    ways = [math.comb(80, heads) / 2**80 for heads in range(81)]
    expected = 2 * sum(ways[49:]) + ways[48]
    tuned = [-1.0] * 32 + [1.0] * 48
    for values in (tuned, tuned[::-1]):
        result = compare([0.0] * 80, values, [str(number) for number in range(80)], binary=False, seed=1)
        assert result.p == pytest.approx(expected, abs=0.01)


def test_few_groups_take_percentiles_and_ten_are_enough_for_bca() -> None:
    methods: dict[int, Literal["BCa", "percentile"]] = {9: "percentile", 10: "BCa"}
    for count, method in methods.items():
        values, groups = [float(number**2) for number in range(count)], [str(number) for number in range(count)]
        result = estimate(values, groups, binary=False, seed=3)
        assert (result.low, result.high) == bootstrap(sum_groups([values, [1.0] * count], groups), 3, method)


def test_equal_means_of_groups_leave_what_so_many_groups_leave() -> None:
    # Wilson's upper end for 0 of 2 and of 1: z² / (2 + z²) and z² / (1 + z²), z² being 3.841459.
    for groups, unseen in ((["a", "a", "b"], 3.841459 / 5.841459), (["a", "a", "a"], 3.841459 / 4.841459)):
        result = estimate([0.25] * 3, groups, binary=False, seed=1)
        assert [result.low, result.high] == pytest.approx([0.25 - unseen / 4, 0.25 + unseen * 3 / 4], abs=1e-6)


def test_a_seed_flips_the_same_signs_on_every_machine() -> None:
    values = [1 / 3, 1 / 7, 1 / 11, 1 / 13]
    assert compare([0.0] * 4, values, TEN[:4], binary=False, seed=1).p == 0.06355
    assert compare([0.0] * 4, values, TEN[:4], binary=False, seed=2).p != 0.06355


def test_as_many_groups_as_values_are_needed() -> None:
    with pytest.raises(ValueError, match="argument 2 is longer"):
        estimate([1.0, 0.0], ["a", "b", "c"], binary=True, seed=1)
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        compare([1.0, 0.0], [1.0], ["a", "b"], binary=True, seed=1)


def test_nothing_to_compare_has_no_figure() -> None:
    assert compare([None], [1.0], ["a"], binary=True, seed=1) == Difference(
        n=0, groups=0, mean=None, low=None, high=None, test="McNemar's test", p=None, detectable=None
    )


def test_values_beyond_1_are_no_shares_and_their_difference_has_no_bounds() -> None:
    # Two groups, 1.5 and 2 better: t with one degree of freedom times 0.25 goes beyond 1 either way.
    result = compare([0.0, 0.0], [1.5, 2.0], ["a", "b"], binary=False, seed=2)
    assert [result.low, result.high] == pytest.approx([1.75 - 12.706205 * 0.25, 1.75 + 12.706205 * 0.25], abs=1e-5)


def test_a_seed_draws_the_same_interval_of_a_difference() -> None:
    tuned = [float(number**2 % 7) for number in range(20)]
    groups = [str(number) for number in range(20)]
    first, again, other = (compare([0.0] * 20, tuned, groups, binary=False, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)


def test_equal_differences_leave_what_so_many_groups_leave_on_both_sides() -> None:
    unseen = 3.841459 / 5.841459
    result = compare([0.5] * 3, [0.75] * 3, ["a", "a", "b"], binary=False, seed=1)
    assert [result.low, result.high] == pytest.approx([0.25 - unseen * 1.25, 0.25 + unseen * 0.75], abs=1e-6)
