"""Intervals, p-values and what can be detected: by hand, by tables, and by what must hold of them together."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from eval.statistics.intervals import (
    bound_change,
    bound_constant,
    bound_mean,
    bound_share,
    find_certainty,
    find_change_p,
    find_detectable,
)
from eval.statistics.sums import measure_spread, raise_sums

# t with 9 degrees of freedom for 97.5 %
T9 = 2.262157


def count_up(groups: int) -> np.ndarray:
    """Groups of one value each: 0, 1, 2, …"""
    return np.array([np.arange(groups, dtype=float), np.ones(groups)])


def against_nothing(*gains: float) -> np.ndarray:
    """Groups of one value each that gain so much from 0."""
    return np.array([gains, np.ones(len(gains)), np.zeros(len(gains)), np.ones(len(gains))])


def test_an_even_mean_has_students_interval() -> None:
    # 0 to 9 have no skew: the standard error is sqrt(82.5 / 9) / sqrt(10).
    half = T9 * math.sqrt(82.5 / 9) / math.sqrt(10)
    assert bound_mean(count_up(10), share=False) == pytest.approx((4.5 - half, 4.5 + half), abs=1e-5)
    assert bound_change(against_nothing(*range(10)), share=False) == pytest.approx((4.5 - half, 4.5 + half), abs=1e-5)


def test_a_long_tail_makes_its_side_longer_and_the_other_no_shorter() -> None:
    # Nine 0 and one 1: mean 0.1, error 0.1, skew 0.72 / 0.9^1.5 by the root of 10.
    sums = np.array([[0.0] * 9 + [1.0], [1.0] * 10])
    low, high = bound_mean(sums, share=False)
    skew = (9 * -(0.1**3) + 0.9**3) / (9 * 0.1**2 + 0.9**2) ** 1.5
    assert low == pytest.approx(0.1 - T9 * 0.1, abs=1e-6)
    corrected = 3 / skew * (np.cbrt(1 + skew * (-T9 - skew / 6)) - 1)
    assert corrected < -T9
    assert high == pytest.approx(0.1 - corrected * 0.1, abs=1e-5)
    assert bound_mean(sums, share=True)[0] == 0.0


def test_unequal_groups_are_worth_fewer() -> None:
    # Sums 4, 0, 2 of 4, 2, 2 values are worth 8² / 24 = 2.67 equal groups; t with 1.67 degrees of freedom is 5.242265.
    sums = np.array([[4.0, 0.0, 2.0], [4.0, 2.0, 2.0], [0.0] * 3, [4.0, 2.0, 2.0]])
    error = math.sqrt(2 / 3 * sum((one - 13 / 18) ** 2 for one in (2 / 4, 6 / 6, 4 / 6)))
    low, high = bound_change(sums, share=True)
    assert low == pytest.approx(6 / 8 - 5.242265 * error, abs=1e-5)
    assert high == 1.0


def test_what_does_not_vary_has_no_interval_unless_it_is_a_share() -> None:
    tokens = np.array([[12.0, 12.0, 12.0], [1.0] * 3])
    assert np.isnan(bound_mean(tokens, share=False)).all()
    same = np.concatenate([tokens, tokens])
    assert np.isnan(bound_change(same, share=False)).all()
    # Wilson leaves z² / (3 + z²) to other values.
    unseen = 3.841459 / 6.841459
    quarter = np.array([[0.25] * 3, [1.0] * 3])
    assert bound_mean(quarter, share=True) == pytest.approx((0.25 - unseen / 4, 0.25 + unseen * 3 / 4), abs=1e-6)
    equal = np.concatenate([quarter, quarter])
    assert bound_change(equal, share=True) == pytest.approx((-unseen, unseen), abs=1e-6)
    # At the level of 0.01, z² is 6.634897.
    more = 6.634897 / 9.634897
    assert bound_change(equal, share=True, level=0.01) == pytest.approx((-more, more), abs=1e-6)


def test_means_that_are_equal_but_for_rounding_do_not_vary() -> None:
    # (0.1 + 0.1 + 0.1) / 3 is 0.10000000000000002.
    sums = np.array([[0.1 + 0.1 + 0.1, 0.1], [3.0, 1.0]])
    unseen = 3.841459 / 5.841459
    assert bound_mean(sums, share=True) == pytest.approx((0.1 - unseen * 0.1, 0.1 + unseen * 0.9), abs=1e-6)


def test_one_group_has_no_interval_and_no_p_value_below_1() -> None:
    assert np.isnan(bound_mean(np.array([[1.0], [2.0]]), share=True)).all()
    assert find_change_p(against_nothing(1.0)) == 1.0
    assert np.isnan(find_detectable(against_nothing(1.0)))


def test_a_difference_without_a_denominator_in_some_group_has_no_interval() -> None:
    assert np.isnan(bound_mean(np.array([[1.0, 1.0], [1.0, 0.0]]), share=False)).all()


def test_an_exponential_difference_takes_its_own_middle_and_error() -> None:
    sums = np.array([[2.0, 2.0, 3.0], [1.0] * 3, [1.0, 2.0, 2.0], [1.0] * 3])
    # Without each group e^(5/2) - e^2, e^(5/2) - e^(3/2) and e^2 - e^(3/2); t with 2 degrees of freedom is 4.302653.
    without = [math.exp(a) - math.exp(b) for a, b in ((2.5, 2), (2.5, 1.5), (2, 1.5))]
    error = math.sqrt(2 / 3 * sum((one - sum(without) / 3) ** 2 for one in without))
    low, high = bound_change(sums, share=False, statistic=raise_sums)
    middle = math.exp(7 / 3) - math.exp(5 / 3)
    assert low == pytest.approx(middle - 4.302653 * error, rel=1e-5)
    assert high >= middle + 4.302653 * error * 0.9999


def test_an_exponential_difference_is_tested_and_detected_by_its_own_error() -> None:
    tuned, base = np.array([1.0, 3.0, 2.0, 1.5, 2.5, 0.5, 1.2, 2.2]), np.array([0.9, 2.0, 2.1, 1.1, 2.6, 0.4, 1.3, 1.4])
    without = [
        math.exp((tuned.sum() - one) / 7) - math.exp((base.sum() - two) / 7)
        for one, two in zip(tuned, base, strict=True)
    ]
    error = math.sqrt(7 / 8 * sum((one - sum(without) / 8) ** 2 for one in without))
    middle = math.exp(tuned.mean()) - math.exp(base.mean())
    sums = np.array([tuned, np.ones(8), base, np.ones(8)])
    assert find_change_p(sums, raise_sums) == pytest.approx(2 * stats.t.sf(middle / error, 7))
    # With 7 degrees of freedom t is below 2.364624 in 97.5 and below 0.896030 in 80 of 100; the tail is on this side.
    gaps = [sum(without) / 8 - one for one in without]
    skew = sum(gap**3 for gap in gaps) / sum(gap**2 for gap in gaps) ** 1.5
    # Of the tail on this side half is counted.
    reach = 2.364624 + 0.896030 * (1 - 2.364624 * skew / 4)
    # The spread is seen too small as often as too large, for the median of chi-squared of 7 degrees is (61 / 63)³ · 7.
    middle = (61 / 63) ** 3
    assert find_detectable(sums, statistic=raise_sums) == pytest.approx(reach * error / math.sqrt(middle), abs=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_power_is_held_where_a_few_lose_or_gain_much(sign: int) -> None:
    """What the middle report says is found 4 times in 5, whether the long tail is on its side or on the other."""
    rng, gain = np.random.default_rng(30), 0.5

    def draw(count: int) -> np.ndarray:
        gains = gain + sign * (rng.exponential(1.0, (count, 50)) - 1)
        return np.stack([gains, np.ones_like(gains), np.zeros_like(gains), np.ones_like(gains)])

    for _ in range(4):
        gain = float(np.median(find_detectable(draw(800))))
    # Without the skew it would be 86 and 73.
    assert 0.77 <= (find_change_p(draw(4_000)) < 0.05).mean() <= 0.85


def test_a_spread_of_long_tails_is_known_with_few_degrees_of_freedom() -> None:
    # Nine 0 and one 10, so gaps of -1 and 9: the fourth powers' mean, 657, over the squares', 9, squared is 73 / 9.
    # Fisher's excess kurtosis is 9 · (11 · 46 / 9 + 6) / 56 = 10.
    spread = measure_spread(against_nothing(*[0.0] * 9, 10.0))
    assert spread.tails == pytest.approx(10.0)
    assert find_certainty(spread) == pytest.approx(2 / (2 / 9 + 10 / 10))
    assert find_certainty(measure_spread(against_nothing(*[1.0, -1.0] * 5))) == pytest.approx(9.0)


@pytest.mark.parametrize("rows", [10, 30, 100])
@pytest.mark.parametrize("freedom", [3, 1_000])
def test_power_is_held_where_tails_are_long(freedom: int, rows: int) -> None:
    """Of Student's t with 3 degrees, by the spread as it is seen 30 rows found the difference 74 times in 100."""
    rng, gain = np.random.default_rng(rows), 0.5

    def draw(count: int) -> np.ndarray:
        gains = gain + rng.standard_t(freedom, (count, rows))
        return np.stack([gains, np.ones_like(gains), np.zeros_like(gains), np.ones_like(gains)])

    for _ in range(8):
        gain = float(np.median(find_detectable(draw(2_000))))
    assert 0.765 <= (find_change_p(draw(8_000)) < 0.05).mean() <= 0.84


def test_a_p_value_is_students() -> None:
    gains = [-2.0, -1.0, 0.0, 1.0, 2.0, 1.0, 0.0, 2.0, 3.0, 9.0]
    assert find_change_p(against_nothing(*gains)) == pytest.approx(stats.ttest_1samp(gains, 0).pvalue)


def test_a_difference_is_corrected_for_skew_on_the_side_away_from_0_alone() -> None:
    gains = [0.0] * 9 + [1.0]
    low, high = bound_change(against_nothing(*gains), share=False)
    assert low == pytest.approx(0.1 - T9 * 0.1, abs=1e-6)
    assert high == pytest.approx(bound_mean(against_nothing(*gains)[:2], share=False)[1])
    losses = [-gain for gain in gains]
    assert bound_change(against_nothing(*losses), share=False) == pytest.approx((-high, -low))
    # A few that do not gain are no long tail towards 0.
    assert bound_change(against_nothing(*[0.1] * 8, 0.0, 0.0), share=False)[0] > 0
    assert bound_change(against_nothing(*[-0.1] * 8, 0.0, 0.0), share=False)[1] < 0


def test_a_difference_of_0_is_corrected_for_skew_on_both_sides() -> None:
    # Nine of 1 and one of -9: the long tail is below.
    for sign in (1, -1):
        sums = against_nothing(*[sign * 1.0] * 9, sign * -9.0)
        assert bound_change(sums, share=False) == pytest.approx(bound_mean(sums[:2], share=False))
        assert max(map(abs, bound_change(sums, share=False))) > T9 * 1.01


def test_no_p_value_is_below_that_of_the_most_extreme_of_all_swaps() -> None:
    assert find_change_p(against_nothing(*[0.75] * 5, 0.7)) == 2 / 2**6
    assert find_change_p(against_nothing(*[0.75] * 5)) == 2 / 2**5
    assert find_change_p(against_nothing(0.75, 0.7, 0.0, 0.0)) >= 2 / 2**2
    assert find_change_p(against_nothing(0.0, 0.0)) == 1.0


def test_p_values_have_no_floor() -> None:
    gains = np.tile([0.9, 1.0, 1.1], 100)
    assert 0 < find_change_p(against_nothing(*gains)) < 1e-80


GAINS = st.lists(st.floats(-3, 3).map(lambda gain: round(gain, 2)), min_size=6, max_size=40)


@given(GAINS, st.sampled_from([0.05, 0.01, 0.001]))
def test_p_value_and_interval_say_the_same_where_enough_groups_differ(gains: list[float], level: float) -> None:
    sums = against_nothing(*gains)
    (low, high), p = bound_change(sums, share=False, level=level), float(find_change_p(sums))
    if np.isnan(low) or 2.0 ** (1 - sum(gain != 0 for gain in gains)) >= level or abs(p - level) < 1e-6:
        return
    assert (p < level) == bool(low > 0 or high < 0)


@given(GAINS)
def test_many_test_sets_at_once_are_each_as_alone(gains: list[float]) -> None:
    one, other = against_nothing(*gains), against_nothing(*(gain + 0.5 for gain in gains))
    both = np.stack([one, other], axis=1)
    for at, alone in enumerate((one, other)):
        ends = [float(end[at]) for end in bound_change(both, share=False)]
        assert ends == pytest.approx([float(end) for end in bound_change(alone, share=False)], nan_ok=True)
        assert find_change_p(both)[at] == pytest.approx(float(find_change_p(alone)))
        assert find_detectable(both)[at] == pytest.approx(float(find_detectable(alone)), nan_ok=True)


def test_what_can_be_detected_is_by_students_t_of_both_errors() -> None:
    # (2.262157 + 0.883404) · sqrt(10 / 9) / sqrt(10), and by the median of chi-squared of 9 degrees, 0.92772 · 9.
    expected = (T9 + 0.883404) / 3 / math.sqrt(0.92772)
    assert find_detectable(against_nothing(*[1.0, -1.0] * 5)) == pytest.approx(expected, abs=1e-4)
    assert np.isnan(find_detectable(against_nothing(2.0, 2.0)))
    # Without any spread nothing says how much more there may be.
    assert np.isnan(find_detectable(against_nothing(*[2.0] * 10)))


def test_six_groups_are_the_fewest_with_which_a_difference_is_found() -> None:
    # Of 5 degrees of freedom: (2.570582 + 0.919544) · sqrt(6 / 5 / 6), and the median of chi-squared, (43 / 45)³ · 5.
    expected = (2.570582 + 0.919544) * math.sqrt(0.2) / math.sqrt((43 / 45) ** 3)
    assert find_detectable(against_nothing(*[1.0, -1.0] * 3)) == pytest.approx(expected, abs=1e-5)
    assert np.isnan(find_detectable(against_nothing(1.0, -1.0, 1.0, -1.0, 1.0)))


def test_where_few_groups_differ_it_takes_enough_that_do() -> None:
    # Two of 100 gain 1. For p below 0.05 six must differ, which they do four times in five if 7.8 of 100 do on average.
    found = find_detectable(against_nothing(1.0, 1.0, *[0.0] * 98))
    assert stats.binom.sf(5, 100, float(found)) == pytest.approx(0.8)
    assert np.isnan(find_detectable(against_nothing(1.0, 0.0, 1.0, 0.0, 1.0)))


def test_a_share_has_wilsons_interval() -> None:
    # (s + z²/2 ± z·sqrt(s·(n - s)/n + z²/4)) / (n + z²) with z = 1.959964
    z, n, right = 1.959964, 20, 14
    half = z * math.sqrt(right * (n - right) / n + z * z / 4)
    middle = right + z * z / 2
    assert bound_share(right, n) == pytest.approx(((middle - half) / (n + z * z), (middle + half) / (n + z * z)))


def test_few_right_or_wrong_answers_have_clopper_and_pearsons_where_it_reaches_further() -> None:
    exact, wilson = (stats.binomtest(1, 50).proportion_ci(0.95, method=name) for name in ("exact", "wilson"))
    assert bound_share(1, 50) == pytest.approx((min(exact.low, wilson.low), max(exact.high, wilson.high)))
    # Five are not few.
    wilson = stats.binomtest(5, 50).proportion_ci(0.95, method="wilson")
    assert bound_share(5, 50) == pytest.approx((wilson.low, wilson.high))
    # All right of 4: the exact lower end is 0.025^(1/4).
    assert bound_share(4, 4) == pytest.approx((0.025**0.25, 1.0))


@pytest.mark.parametrize("n", [3, 5, 10, 20, 50, 100, 200])
def test_shares_are_held_92_times_in_100_whatever_they_are(n: int) -> None:
    """Every number of right answers, weighed by its probability."""
    ends = np.array([bound_share(right, n) for right in range(n + 1)])
    for share in np.linspace(0.005, 0.995, 199):
        held = (ends[:, 0] <= share) & (share <= ends[:, 1])
        assert stats.binom.pmf(np.arange(n + 1), n, share)[held].sum() >= 0.92


def test_equal_values_leave_what_wilson_leaves_within_their_bounds() -> None:
    unseen = 3.841459 / 13.841459
    assert bound_constant(0.25, 10, (0.0, 1.0)) == pytest.approx((0.25 - unseen / 4, 0.25 + unseen * 3 / 4), abs=1e-6)
    assert bound_constant(0.0, 10, (0.0, 1.0)) == pytest.approx((0.0, unseen), abs=1e-6)
    assert bound_constant(1.0, 10, (0.0, 1.0)) == pytest.approx((1.0 - unseen, 1.0), abs=1e-6)
