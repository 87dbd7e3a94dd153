"""Estimates and differences against figures worked out by hand or printed in tables."""

import math

import numpy as np
import pytest

from eval.statistics.estimates import (
    Difference,
    Estimate,
    agree,
    agree_adjusted,
    compare,
    compare_sums,
    estimate,
    list_cautions,
)
from eval.statistics.intervals import bound_change, find_change_p, find_detectable
from eval.statistics.pairs import bound_pairs, find_pairs_detectable, find_pairs_lost
from eval.statistics.ratios import compare_ratio
from eval.statistics.sums import Spread, raise_sums

TEN = [str(number) for number in range(10)]
T9 = 2.262157


def name(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_a_share_gets_wilsons_interval() -> None:
    # (12 + z²/2 ± z·sqrt(12·8/20 + z²/4)) / (20 + z²) with z = 1.959964
    result = estimate([1.0] * 12 + [0.0] * 8, name(20), binary=True)
    assert (result.n, result.mean, result.caution) == (20, 0.6, "")
    assert [result.low, result.high] == pytest.approx([0.386582, 0.781193], abs=1e-6)


def test_undefined_values_leave_the_mean_and_are_counted() -> None:
    result = estimate([1.0, None, 0.0, None], TEN[:4], binary=True)
    assert (result.n, result.undefined, result.mean) == (2, 2, 0.5)


def test_without_a_defined_value_there_is_no_mean() -> None:
    assert estimate([None], ["a"], binary=True) == Estimate(n=0, undefined=1, mean=None, low=None, high=None)


def test_equal_values_leave_room_for_the_unseen_only_where_they_are_shares() -> None:
    # Wilson's upper end for 0 of 10: z² / (10 + z²) = 3.841459 / 13.841459
    unseen = 3.841459 / 13.841459
    result = estimate([0.25] * 10, TEN, binary=False)
    assert [result.low, result.high] == pytest.approx([0.25 - unseen * 0.25, 0.25 + unseen * 0.75], abs=1e-6)
    assert estimate([12.5] * 10, TEN, binary=False).low is None
    # Tokens are no shares, however few they are.
    assert estimate([1.0] * 10, TEN, binary=False, share=False).low is None
    assert compare([1.0] * 10, [1.0] * 10, TEN, binary=False, share=False).low is None


def test_equal_means_of_groups_leave_what_so_many_groups_leave() -> None:
    # Wilson's upper end for 0 of 2: z² / (2 + z²), z² being 3.841459; the mean of three 0.1 is 0.1 but for rounding.
    unseen = 3.841459 / 5.841459
    result = estimate([0.1] * 4, ["a", "a", "a", "b"], binary=False)
    assert [result.low, result.high] == pytest.approx([0.1 - unseen / 10, 0.1 + unseen * 9 / 10], abs=1e-6)


def test_copies_of_a_row_make_no_result_surer() -> None:
    values: list[float | None] = [number / 50 for number in range(50)]
    once = estimate(values, name(50), binary=False)
    copied = estimate(values * 4, name(50) * 4, binary=False)
    assert [copied.low, copied.high] == pytest.approx([once.low, once.high])


def test_few_scores_have_students_interval_within_their_bounds() -> None:
    # 0.2, 0.4, 0.6 have no skew: t with 2 degrees of freedom is 4.302653, the error 0.2 / sqrt(3).
    result = estimate([0.2, 0.4, 0.6], TEN[:3], binary=False)
    assert result.low == 0.0
    assert result.high == pytest.approx(0.4 + 4.302653 * 0.2 / math.sqrt(3))
    assert estimate([0.2, 0.9, 1.0], TEN[:3], binary=False).high == 1.0


def test_groups_of_unequal_size_err_as_their_jackknife_says() -> None:
    # Sums 4, 0, 2 of 4, 2, 2 values: without each group 2/4, 6/6, 4/6, their mean 13/18.
    values = [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]
    result = compare([0.0] * 8, values, [*"aaaabbcc"], binary=False)
    error = math.sqrt(2 / 3 * ((9 / 18 - 13 / 18) ** 2 + (18 / 18 - 13 / 18) ** 2 + (12 / 18 - 13 / 18) ** 2))
    # They are worth 8² / (4² + 2² + 2²) = 2.67 equal ones; t with 1.67 degrees of freedom.
    assert result.low is not None and result.low <= 6 / 8 - 5.242265 * error + 1e-5
    assert result.high == 1.0


def test_two_groups_tell_next_to_nothing_of_a_difference() -> None:
    # Shares differ by 1 at most; 0.5 and t with one degree of freedom times 0.25 would reach beyond.
    result = compare([0.0, 0.0], [0.25, 0.75], ["a", "b"], binary=False)
    assert (result.low, result.high, result.p) == (-1.0, 1.0, 0.5)
    result = compare([0.0, 0.0], [2.0, 3.0], ["a", "b"], binary=False)
    assert [result.low, result.high] == pytest.approx([2.5 - 12.706205 * 0.5, 2.5 + 12.706205 * 0.5], abs=1e-5)


def test_a_01_difference_takes_mcnemars_test_and_tangos_interval() -> None:
    # 9 better, 2 worse, 9 alike: chi-squared (9 - 2)² / 11 = 4.454545 with one degree of freedom
    base = [0.0] * 9 + [1.0] * 2 + [1.0] * 9
    tuned = [1.0] * 9 + [0.0] * 2 + [1.0] * 9
    result = compare(base, tuned, name(20), binary=True)
    assert (result.n, result.mean, result.test) == (20, 0.35, "McNemar's test")
    assert result.p == pytest.approx(math.erfc(math.sqrt(49 / 11 / 2)))
    assert result.low is not None and 0 < result.low < 0.05


def test_four_wins_and_no_loss_show_nothing() -> None:
    result = compare([0.0] * 4, [1.0] * 4, TEN[:4], binary=True)
    # 2 · (1 / 2)⁴; so the interval reaches down to 0.
    assert (result.p, result.low) == (0.125, 0.0)
    result = compare([0.5] * 5, [1.0] * 5, TEN[:5], binary=False)
    assert (result.p, result.low) == (2 / 2**5, 0.0)


def test_six_groups_that_all_gain_are_the_fewest_that_show_something() -> None:
    for count, shown in ((5, False), (6, True)):
        gains = [0.5 + number / 100 for number in range(count)]
        result = compare([0.0] * count, gains, TEN[:count], binary=False)
        assert result.p == 2 / 2**count and result.low is not None
        assert (result.p < 0.05, result.low > 0) == (shown, shown)


def test_rewards_that_are_right_wrong_or_0_are_tested_as_signs() -> None:
    # Half a point each: 8 up and 2 down of 12, exact as more than four in five differ: 2 · (1 + 10 + 45) / 2¹⁰
    tuned = [1.0] * 8 + [0.0] * 2 + [0.5]
    result = compare([0.5] * 11, tuned, name(11), binary=False)
    assert result.test == "McNemar's test"
    assert result.mean == pytest.approx(3 / 11)
    assert result.p == pytest.approx(2 * 56 / 1024)
    assert result.high is not None and result.high <= 0.5


def test_the_detectable_difference_of_right_answers_takes_as_many_losses_as_were_seen() -> None:
    # Five are won and three lost.
    base, tuned = [0.0] * 5 + [1.0] * 35, [1.0] * 5 + [0.0] * 3 + [1.0] * 32
    result = compare(base, tuned, name(40), binary=True)
    assert result.detectable == pytest.approx(find_pairs_detectable(find_pairs_lost(3, 40), 40))
    # A family of ten is judged at a tenth of the level, and finds only more.
    shared = compare(base, tuned, name(40), binary=True, level=0.005)
    assert shared.detectable is not None and result.detectable and shared.detectable > 1.2 * result.detectable


def test_rows_that_all_agree_detect_a_difference_all_the_same() -> None:
    # Of 577 rows none was lost: 1 - 0.5^(1/577) = 0.0012 of them may be.
    result = compare([1.0] * 577, [1.0] * 577, name(577), binary=True)
    assert result.detectable == pytest.approx(find_pairs_detectable(0.001201, 577), abs=1e-5)
    assert compare([1.0] * 5, [1.0] * 5, name(5), binary=True).detectable is None


def test_turns_of_a_dialogue_detect_no_more_than_the_dialogue() -> None:
    base, tuned = [0.0] * 10, [0.0, 0.3] * 5
    thrice = compare(base * 3, tuned * 3, TEN * 3, binary=False)
    assert compare(base, tuned, TEN, binary=False).detectable == pytest.approx(thrice.detectable, abs=1e-4)
    assert compare([0.0] * 4, [1.0] * 4, ["a"] * 4, binary=True).detectable is None


def test_grouped_01_values_take_the_test_over_groups() -> None:
    result = compare([0.0] * 8, [1.0] * 8, ["a", "b"] * 4, binary=True)
    # Of the four ways to swap two groups two are as extreme.
    assert (result.n, result.groups, result.test, result.p) == (8, 2, "paired t-test", 0.5)


def test_no_difference_has_p_1() -> None:
    assert compare([0.5, 0.25], [0.5, 0.25], ["a", "b"], binary=False).p == 1.0
    assert compare([0.0, 1.0], [0.0, 1.0], ["a", "b"], binary=True).p == 1.0
    assert compare([0.0, 1.0], [1.0, 0.0], ["a", "b"], binary=True).p == 1.0


def test_what_cannot_vary_has_no_interval() -> None:
    # The tokens of the same reference by the same tokenizer.
    tokens: list[float | None] = [30.0, 41.0, 12.0]
    result = compare(tokens, tokens, TEN[:3], binary=False)
    assert (result.mean, result.low, result.high, result.p) == (0.0, None, None, 1.0)
    unseen = 3.841459 / 6.841459
    result = compare([0.5, 0.7, 0.2], [0.5, 0.7, 0.2], TEN[:3], binary=False)
    assert [result.low, result.high] == pytest.approx([-unseen, unseen], abs=1e-6)


def test_pairs_with_an_undefined_side_leave_the_comparison() -> None:
    result = compare([0.0, None, 1.0], [1.0, 1.0, None], ["a", "b", "c"], binary=True)
    assert (result.n, result.mean) == (1, 1.0)
    assert compare([None], [1.0], ["a"], binary=True) == Difference(
        n=0, groups=0, mean=None, low=None, high=None, test="McNemar's test", p=None, detectable=None
    )


def test_as_many_groups_as_values_are_needed() -> None:
    with pytest.raises(ValueError, match="2 values are of 3 groups"):
        estimate([1.0, 0.0], ["a", "b", "c"], binary=True)
    with pytest.raises(ValueError, match="1 values are of 2 groups"):
        compare([1.0, 0.0], [1.0], ["a", "b"], binary=True)


def test_test_and_interval_are_shown_in_agreement() -> None:
    assert agree(0.1, 0.3, 0.01, 0.05) == (0.1, 0.3, 0.01)
    assert agree(0.1, 0.3, 0.06, 0.05) == (0.0, 0.3, 0.06)
    assert agree(-0.3, -0.1, 0.06, 0.05) == (-0.3, 0.0, 0.06)
    assert agree(-0.1, 0.3, 0.01, 0.05) == (-0.1, 0.3, 0.05)
    assert agree(None, None, 0.01, 0.05) == (None, None, 0.01)
    # An interval that ends at 0, and a p-value at the level, say nothing of a difference.
    assert agree(0.0, 0.3, 0.01, 0.05) == (0.0, 0.3, 0.05)
    assert agree(-0.3, 0.0, 0.01, 0.05) == (-0.3, 0.0, 0.05)
    assert agree(0.1, 0.3, 0.05, 0.05) == (0.0, 0.3, 0.05)
    # At a level that several share the same p-value is not enough.
    assert agree(0.1, 0.3, 0.01, 0.005) == (0.0, 0.3, 0.01)


def test_what_holms_correction_rejects_has_an_interval_that_ends_at_0() -> None:
    wide = Difference(n=9, groups=9, mean=0.2, low=-0.1, high=0.5, test="", p=0.02, detectable=None)
    assert agree_adjusted(wide, 0.04).low == 0.0
    assert agree_adjusted(wide.model_copy(update={"mean": -0.2, "low": -0.5, "high": 0.1}), 0.04).high == 0.0
    assert agree_adjusted(wide, 0.05) == agree_adjusted(wide, 0.06) == wide
    assert agree_adjusted(wide, None) == wide


def test_the_promised_power_is_doubted_of_few_rows_and_of_a_few_that_differ_much() -> None:
    even = [number / 50 for number in range(51)]
    assert compare([0.0] * 51, even, name(51), binary=False).doubt == ""
    assert compare([0.0] * 50, even[:50], name(50), binary=False).doubt == "50 rows are few"
    assert compare([0.0] * 100, even[:50] * 2, name(50) * 2, binary=False).doubt == "50 groups are few"
    # Fisher's excess kurtosis of 48 small gains and three of 1 is 12.7: the spread is known as by 7 rows, not 50.
    rare = [0.01 * (number % 2) for number in range(48)] + [1.0] * 3
    assert compare([0.0] * 51, rare, name(51), binary=False).doubt == "a few differ much"
    # No difference is known to be found, and right or wrong answers are weighed one by one.
    assert compare([0.2] * 60, [0.2] * 60, name(60), binary=False).doubt == ""
    assert compare([0.0] * 30, [1.0] * 10 + [0.0] * 20, name(30), binary=True).doubt == ""


def test_sums_are_compared_by_their_own_statistic_at_their_own_level() -> None:
    tuned, base = np.array([1.0, 3.0, 2.0, 1.5, 2.5, 0.5, 1.2, 2.2]), np.full(8, 0.1)
    sums = np.array([tuned, np.ones(8), base, np.ones(8)])
    found = compare_sums(sums, 8, share=False, level=0.02, statistic=raise_sums)
    assert found.mean == pytest.approx(math.exp(13.9 / 8) - math.exp(0.1))
    ends = bound_change(sums, share=False, level=0.02, statistic=raise_sums)
    assert (found.low, found.high) == pytest.approx((float(ends[0]), float(ends[1])))
    assert found.p == pytest.approx(float(find_change_p(sums, raise_sums)))
    assert found.detectable == pytest.approx(float(find_detectable(sums, level=0.02, statistic=raise_sums)))


def test_scores_are_compared_at_their_own_level() -> None:
    found = compare([0.0] * 10, [float(gain) for gain in range(10)], TEN, binary=False, level=0.01)
    # t with 9 degrees of freedom is below 3.249836 in 99.5 of 100.
    half = 3.249836 * math.sqrt(82.5 / 9) / math.sqrt(10)
    assert (found.low, found.high) == pytest.approx((4.5 - half, 4.5 + half), abs=1e-5)
    assert compare([None], [1.0], ["a"], binary=False).test == "paired t-test"


def test_pairs_are_compared_at_their_own_level_and_in_steps_of_their_own() -> None:
    # One of 30 is lost, and eleven are won.
    base, tuned = [0.0] * 29 + [1.0], [1.0] * 11 + [0.0] * 19
    found = compare(base, tuned, name(30), binary=True, level=0.01)
    ends = bound_pairs(11, 1, 30, 0.01)
    assert (found.low, found.high) == pytest.approx((float(ends[0]), float(ends[1])))
    assert found.detectable == pytest.approx(find_pairs_detectable(find_pairs_lost(1, 30), 30, 0.01))
    # Where answers are half right or wrong, all is half as large.
    halved = compare([one / 2 for one in base], [one / 2 for one in tuned], name(30), binary=False, level=0.01)
    assert halved.detectable and found.detectable and found.mean
    assert (halved.mean, halved.detectable) == pytest.approx((found.mean / 2, found.detectable / 2))


def test_a_model_that_loses_rows_has_the_detectable_difference_of_one_that_wins_them() -> None:
    base, tuned = [1.0] * 7 + [0.0] * 23, [0.0] * 7 + [1.0] + [0.0] * 22
    lost, won = compare(base, tuned, name(30), binary=True), compare(tuned, base, name(30), binary=True)
    assert lost.detectable == won.detectable
    # Seven of ten are lost, and none won; 1 - 0.5^(1/10) = 0.067 might be.
    assert compare([1.0] * 7 + [0.0] * 3, [0.0] * 10, name(10), binary=True).detectable == pytest.approx(
        find_pairs_detectable(0.066967, 10), abs=1e-5
    )
    # Three are won and three lost: the quarter that is left is too little to be found.
    assert compare([1.0] * 3 + [0.0] * 5, [0.0] * 3 + [1.0] * 3 + [0.0] * 2, name(8), binary=True).detectable is None


def test_figures_too_large_for_a_number_have_no_p_value() -> None:
    rows = [{"nats": 4000.0, "tokens": 2.0}] * 6
    found = compare_ratio(rows, rows, (("nats",), ("tokens",)), list("abcdef"), exponential=True)
    assert (found.mean, found.p) == (None, None)


def test_halves_are_compared_as_pairs_where_all_differ_by_the_same() -> None:
    # Without a difference z² / (10 + z²) is left to others, which would differ by 1.
    same = compare([0.5] * 10, [0.5] * 10, TEN, binary=False)
    assert same.low is not None and same.low == pytest.approx(-3.841459 / 13.841459, abs=1e-6)
    assert compare([0.0] * 10, [0.5] * 10, TEN, binary=False).test == "McNemar's test"
    assert compare([0.0] * 10, [0.5] * 9 + [1.0], TEN, binary=False).test == "paired t-test"
    # What reaches beyond 1 is no share.
    assert estimate([1.5] * 10, TEN, binary=False).low is None


def test_what_has_no_interval_has_no_caution() -> None:
    assert estimate([2.0] * 3, TEN[:3], binary=False).caution == ""
    assert compare([2.0] * 3, [5.0] * 3, TEN[:3], binary=False).caution == ""


def test_a_caution_begins_where_simulations_say() -> None:
    even = Spread(middle=0.5, error=0.1, skew=0.2, freedom=9.0, worth=7.5, groups=30, differing=5, size=0.1, tails=0.0)
    assert list_cautions(even, share=False, compared=True) == []
    assert list_cautions(even._replace(differing=0), share=True, compared=True) == []
    assert list_cautions(even._replace(differing=1), share=True, compared=True) == ["only 1 of 30 differ"]
    assert list_cautions(even._replace(differing=1), share=True) == []


def test_intervals_that_may_be_too_short_say_why() -> None:
    few = estimate([2.0, 3.0, 5.0], TEN[:3], binary=False)
    assert few.mean == pytest.approx(10 / 3)
    assert few.caution == "3 values without bounds are few: a rare large one may be missing"
    skewed = estimate([1.0 + number / 40 for number in range(39)] + [60.0], name(40), binary=False)
    assert skewed.caution == "a few large values decide it"
    even = estimate([1.5 + number / 40 for number in range(40)], name(40), binary=False)
    assert even.caution == ""
    # One dialogue of 96 turns and four of one: 100² / (96² + 4) = 1.08, of 5.
    sizes = estimate([0.5, 1.0] * 50, ["a"] * 96 + [*"bcde"], binary=False)
    assert sizes.caution == "5 groups of very unequal size count as 1"
    differing = compare([0.2] * 20, [0.9, 0.7, *[0.2] * 18], name(20), binary=False)
    assert differing.caution == "only 2 of 20 differ"
