"""Sums by sums against figures worked out by hand."""

import math

import pytest

from eval.scoring.predictions import Prediction
from eval.scoring.score import read_options, score_predictions
from eval.scoring.summary import summarise
from eval.statistics.estimates import Difference, Estimate
from eval.statistics.ratios import Rows, compare_ratio, estimate_ratio

LENGTHS = (("long",), ("short",))


def rows(*pairs: tuple[float | None, float | None]) -> Rows:
    return [{"long": top, "short": bottom} for top, bottom in pairs]


def name(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_sums_are_divided_and_not_ratios_averaged() -> None:
    # (1 + 3) / (4 + 4); the mean of 1/4 and 3/4 is the same, (2 + 3) / (1 + 9) is not that of 2 and 1/3.
    assert estimate_ratio(rows((1, 4), (3, 4)), LENGTHS, name(2)).mean == 0.5
    assert estimate_ratio(rows((2, 1), (3, 9)), LENGTHS, name(2)).mean == 0.5


def test_a_part_may_count_twice() -> None:
    # 2 tp / (2 tp + fp) over both rows: tp 1 and 2, fp 3 and 0, so 6 / 9
    f1 = (("tp", "tp"), ("tp", "tp", "fp"))
    result = estimate_ratio([{"tp": 1.0, "fp": 3.0}, {"tp": 2.0, "fp": 0.0}], f1, name(2))
    assert result.mean == 6 / 9


def test_rows_with_nothing_below_the_line_still_count_above_it() -> None:
    assert estimate_ratio(rows((1, 0), (1, 2)), LENGTHS, name(2)).mean == 1.0


def test_undefined_rows_are_counted_and_left_out() -> None:
    result = estimate_ratio(rows((1, 2), (None, 2), (5, None), (2, 2)), LENGTHS, name(4))
    assert (result.n, result.undefined, result.mean) == (2, 2, 0.75)


@pytest.mark.parametrize("scores", [rows((0, 0), (3, 0)), rows((None, 1)), rows()])
def test_nothing_below_the_line_of_all_rows_is_no_ratio(scores: Rows) -> None:
    result = estimate_ratio(scores, LENGTHS, name(len(scores)))
    assert result == Estimate(n=0, undefined=len(scores), mean=None, low=None, high=None)
    difference = compare_ratio(scores, scores, LENGTHS, name(len(scores)))
    assert (difference.mean, difference.low, difference.p) == (None, None, None)


def test_an_exponential_figure_is_e_to_the_power_of_its_ratio() -> None:
    # (2 + 4) / (4 + 2) nats a token: e, and not the mean of e^0.5 and e^2; base (2 + 2) / (4 + 2).
    tuned, base = rows((2, 4), (4, 2)), rows((2, 4), (2, 2))
    assert estimate_ratio(tuned, LENGTHS, name(2), exponential=True).mean == pytest.approx(math.e)
    plain = compare_ratio(base, tuned, LENGTHS, name(2))
    raised = compare_ratio(base, tuned, LENGTHS, name(2), exponential=True)
    assert raised.mean == pytest.approx(math.e - math.exp(2 / 3))
    assert (plain.p, raised.p) == (1.0, 1.0)
    partly = estimate_ratio(rows((2, 4), (None, 1), (2, 4)), LENGTHS, name(3), exponential=True)
    assert (partly.n, partly.undefined) == (2, 1)


def test_the_interval_of_an_exponential_figure_is_that_of_its_ratio_raised() -> None:
    scores = rows(*[(at, 4) for at in range(1, 12)])
    plain = estimate_ratio(scores, LENGTHS, name(11))
    raised = estimate_ratio(scores, LENGTHS, name(11), exponential=True)
    assert plain.low and plain.high
    assert (raised.low, raised.high) == (math.exp(plain.low), math.exp(plain.high))


def test_more_than_a_float_holds_is_no_figure() -> None:
    result = estimate_ratio(rows((8000, 4), (9000, 4)), LENGTHS, name(2), exponential=True)
    assert (result.mean, result.low, result.high) == (None, None, None)
    assert compare_ratio(rows((8000, 4)), rows((1, 4)), LENGTHS, ["a"], exponential=True).mean is None


def test_shares_that_are_all_alike_leave_room_for_the_unseen() -> None:
    # Wilson's upper end for 0 of 10: z² / (10 + z²) = 3.841459 / 13.841459; a longer answer is no share of anything.
    unseen = 3.841459 / 13.841459
    alike = rows(*[(1, 4)] * 10)
    result = estimate_ratio(alike, LENGTHS, name(10))
    assert [result.low, result.high] == pytest.approx([0.25 - unseen * 0.25, 0.25 + unseen * 0.75], abs=1e-6)
    same = compare_ratio(alike, alike, LENGTHS, name(10))
    assert [same.low, same.high] == pytest.approx([-unseen, unseen], abs=1e-6)
    longer = rows(*[(8, 4)] * 10)
    result = estimate_ratio(longer, LENGTHS, name(10))
    assert (result.mean, result.low, result.high) == (2.0, None, None)
    assert compare_ratio(longer, longer, LENGTHS, name(10)).low is None


def test_a_ratio_by_1_has_the_interval_of_a_mean() -> None:
    # 0, 0.1, … 0.9: the error is sqrt(82.5 / 9) / sqrt(10) / 10; t with 9 degrees of freedom 2.262157.
    result = estimate_ratio(rows(*[(number / 10, 1) for number in range(10)]), LENGTHS, name(10))
    half = 2.262157 * math.sqrt(82.5 / 9) / math.sqrt(10) / 10
    assert [result.low, result.high] == pytest.approx([0.45 - half, 0.45 + half], abs=1e-6)


def test_copies_of_a_row_make_no_ratio_surer() -> None:
    scores = rows(*[(number, number % 7 + 1) for number in range(50)])
    once = estimate_ratio(scores, LENGTHS, name(50))
    copied = estimate_ratio([*scores] * 4, LENGTHS, name(50) * 4)
    assert [copied.mean, copied.low, copied.high] == pytest.approx([once.mean, once.low, once.high])


def test_one_group_has_no_interval() -> None:
    result = estimate_ratio(rows((5, 4), (3, 2)), LENGTHS, ["a", "a"])
    assert (result.mean, result.low, result.high) == (8 / 6, None, None)


def test_ratios_are_compared_over_groups() -> None:
    # 3/4 against 1/2 in all forty: of 2^40 ways to swap, two are as extreme.
    result = compare_ratio(rows(*[(2, 4)] * 40), rows(*[(3, 4)] * 40), LENGTHS, name(40))
    assert (result.n, result.groups, result.mean, result.test) == (40, 40, 0.25, "paired t-test")
    assert (result.p, result.detectable) == (2 / 2**40, None)
    # In eight of them, as many others could be elsewhere as leave a difference of 0 open.
    result = compare_ratio(rows(*[(2, 4)] * 8), rows(*[(3, 4)] * 8), LENGTHS, name(8))
    assert result.low is not None and result.low < 0 and result.p == 0.05


def test_only_rows_where_both_have_all_parts_are_compared() -> None:
    result = compare_ratio(rows((1, 4), (None, 4), (3, 4)), rows((2, 4), (4, 4), (2, None)), LENGTHS, name(3))
    assert (result.n, result.groups, result.mean) == (1, 1, 0.25)


def test_no_difference_has_p_1() -> None:
    scores = rows((1, 4), (3, 4))
    assert compare_ratio(scores, scores, LENGTHS, name(2)).p == 1.0


def test_groups_add_their_residuals_to_what_can_be_detected() -> None:
    # Base 12 of 24 without spread; tuned 1 of 2 and 3 of 2 in turn: ratio 1, residuals -1/12 and 1/12.
    result = compare_ratio(rows(*[(2, 4)] * 6), rows(*[(1, 2), (3, 2)] * 3), LENGTHS, name(6))
    # Without a group of the first kind (12 - 1) / 10, of the second (12 - 3) / 10; the base's is always 1/2.
    error = math.sqrt(5 / 6 * 6 * 0.1**2)
    # Student's t of 5 degrees of freedom: 2.570582 for 97.5 %, 0.919544 for 80 %. All six groups must differ, which is
    # more: with 0.8^(1/6) of them.
    of_t = (2.570582 + 0.919544) * error
    assert result.detectable is not None and result.detectable >= of_t - 1e-5


def test_a_metrics_ratios_reach_the_summary_under_their_new_names() -> None:
    answers = [
        Prediction(id="1", prediction="a b c", baseline="a", reference="a"),
        Prediction(id="2", prediction="a", baseline="a", reference="a b c"),
    ]
    settings = {"text": read_options("text", {}), "robot": read_options("robot", {})}
    scored = score_predictions(answers, settings)
    assert scored.figures["length_ratio"].ratio == (("pred_length",), ("ref_length",))
    assert scored.figures["text.exact"].ratio is None
    summary = summarise(answers, scored.tuned, scored.base, scored.figures, [], 42, None)
    result = next(result for result in summary.results if result.figure == "length_ratio")
    assert result.base is not None and result.difference is not None
    # 4 words by 4, and 2 by 4.
    assert (result.tuned.mean, result.base.mean, result.difference.mean) == (1.0, 0.5, 0.5)


def test_where_either_side_has_nothing_below_the_line_there_is_no_difference() -> None:
    whole, nothing = rows((1, 2)), rows((1, 0))
    for base, tuned in ((whole, nothing), (nothing, whole)):
        result = compare_ratio(base, tuned, LENGTHS, ["a"])
        assert result == Difference(
            n=0, groups=0, mean=None, low=None, high=None, test="paired t-test", p=None, detectable=None
        )


def test_an_exponent_of_700_is_too_large_and_of_699_is_not() -> None:
    large, fitting = (estimate_ratio(rows((4 * nats, 4)), LENGTHS, ["a"], exponential=True) for nats in (700, 699))
    assert (large.mean, fitting.mean) == (None, math.exp(699))


def test_an_interval_with_an_end_that_is_too_large_is_none() -> None:
    # The mean is e^(1000 / 3), and its interval reaches beyond e^700.
    found = estimate_ratio(rows((0, 1), (0, 1), (1000, 1)), LENGTHS, name(3), exponential=True)
    assert found.mean == pytest.approx(math.exp(1000 / 3))
    assert (found.low, found.high, found.caution) == (None, None, "")


def test_a_difference_of_exponential_figures_is_judged_by_what_it_is_of() -> None:
    base, tuned = rows((1, 1), (2, 1), (2, 1)), rows((2, 1), (2, 1), (3, 1))
    result = compare_ratio(base, tuned, LENGTHS, name(3), exponential=True)
    # Without each group e^(5/2) - e^2, e^(5/2) - e^(3/2) and e^2 - e^(3/2); t with 2 degrees of freedom is 4.302653.
    without = [math.exp(a) - math.exp(b) for a, b in ((2.5, 2), (2.5, 1.5), (2, 1.5))]
    error = math.sqrt(2 / 3 * sum((one - sum(without) / 3) ** 2 for one in without))
    middle = math.exp(7 / 3) - math.exp(5 / 3)
    assert result.low is not None and result.high is not None
    assert result.low <= middle - 4.302 * error and middle + 4.302 * error <= result.high
    assert result.detectable is None and result.caution.startswith("only 2 of 3 differ; 3 values without bounds")


def test_a_group_with_nothing_below_the_line_has_no_part_in_what_is_alike() -> None:
    # Without the third group nothing changes, and of the other two each is as they are together.
    unseen = 3.841459 / 6.841459
    result = estimate_ratio(rows((1, 4), (1, 4), (0, 0)), LENGTHS, name(3))
    assert [result.low, result.high] == pytest.approx([0.25 - unseen * 0.25, 0.25 + unseen * 0.75], abs=1e-6)
    # A ratio that is e to the power of another has no room between 0 and 1, however small it is.
    raised = estimate_ratio(rows((1, 4), (1, 4)), LENGTHS, name(2), exponential=True)
    assert (raised.mean, raised.low, raised.high) == (math.exp(0.25), None, None)


def test_as_many_groups_as_rows_are_needed() -> None:
    with pytest.raises(ValueError, match="2 rows are of 1 groups"):
        estimate_ratio(rows((1, 4), (2, 4)), LENGTHS, ["a"])


def test_only_a_difference_of_shares_ends_at_1() -> None:
    tuned = rows((1, 1), (0, 1))
    # 3 of 4 and 0 of 4 are shares, though 3 is more than tuned has below the line.
    shares = compare_ratio(rows((3, 4), (0, 4)), tuned, LENGTHS, name(2))
    assert (shares.mean, shares.low, shares.high) == (0.125, -1.0, 1.0)
    # 30 of 1, and -3 of 1, are none.
    more = compare_ratio(rows((30, 1), (0, 1)), tuned, LENGTHS, name(2))
    less = compare_ratio(rows((-3, 1), (0, 1)), tuned, LENGTHS, name(2))
    assert more.low is not None and more.low < -1
    assert less.high is not None and less.high > 1


def test_a_stricter_level_has_a_longer_interval() -> None:
    base, tuned = rows(*[(0, 8)] * 6), rows(*[(at, 8) for at in range(1, 7)])
    # 3.5 of 8; of 6 rows without skew the error is √(3.5 / 6) / 8, and t with 5 degrees is 2.570582 and 4.032143.
    usual, strict = (compare_ratio(base, tuned, LENGTHS, name(6), level=level) for level in (0.05, 0.01))
    error = math.sqrt(3.5 / 6) / 8
    assert usual.high == pytest.approx(3.5 / 8 + 2.570582 * error, abs=1e-6)
    assert strict.high == pytest.approx(3.5 / 8 + 4.032143 * error, abs=1e-6)
