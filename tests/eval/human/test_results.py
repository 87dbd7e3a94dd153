"""Figures of judgements, worked out by hand."""

from typing import Any

import pytest

from eval.human.report import render, terminal_table
from eval.human.results import Results, _agree_on, sum_up
from eval.human.returned import Judgement, Returned
from eval.human.study import Item, Key

ITEMS = tuple(Item(question=name, conversation=name, systems=("base", "tuned")) for name in "abcd")
KEY = Key(study="s1", seed=42, runs=("<b>evil",), systems=("base", "tuned"), sheets=(ITEMS, ITEMS, ITEMS))


def judge(evaluator: int, conversation: str, base: int, tuned: int, best: str | None) -> Judgement:
    """The rating is of quality; the other scales do not differ."""
    rated: dict[str, Any] = {
        name: {"quality": quality, "fluency": 4, "satisfaction": 2}
        for name, quality in (("base", base), ("tuned", tuned))
    }
    return Judgement(evaluator, conversation, rated, best)


# Evaluator 1: base 1 2 2 3, tuned 4 4 5 3. Evaluator 2: base 1 1 2 3, tuned 3 5 5 4.
SAID = (
    judge(1, "a", 1, 4, "tuned"), judge(1, "b", 2, 4, "tuned"), judge(1, "c", 2, 5, "tuned"), judge(1, "d", 3, 3, None),
    judge(2, "a", 1, 3, "tuned"), judge(2, "b", 1, 5, "tuned"), judge(2, "c", 2, 5, "base"),
    judge(2, "d", 3, 4, "tuned"),
)  # fmt: skip


@pytest.fixture
def results() -> Results:
    return sum_up(Returned(KEY, (1, 2), SAID))


def test_means_are_of_all_judgements(results: Results) -> None:
    found = {(one.scale, one.system): one.estimate.mean for one in results.ratings}
    assert found == {
        ("quality", "base"): 15 / 8, ("quality", "tuned"): 33 / 8,
        ("fluency", "base"): 4.0, ("fluency", "tuned"): 4.0,
        ("satisfaction", "base"): 2.0, ("satisfaction", "tuned"): 2.0,
    }  # fmt: skip


def test_intervals_are_over_conversations_and_stay_on_the_scale(results: Results) -> None:
    quality, fluency = results.ratings[0].estimate, results.ratings[2].estimate
    # Conversations' means are 1, 1.5, 2 and 3.
    assert quality.low is not None and quality.high is not None
    # Without skew: t with 3 degrees of freedom is 3.182446, the error of 1, 1.5, 2, 3 is 0.426956.
    assert quality.low == 1 and quality.high >= 15 / 8 + 3.182446 * 0.426956
    # All four say 4: Wilson leaves z² / (4 + z²) = 3.841459 / 7.841459 to the unseen, down to 1 and up to 5.
    unseen = 3.841459 / 7.841459
    assert [fluency.low, fluency.high] == pytest.approx([4 - 3 * unseen, 4 + unseen], abs=1e-5)


def test_differences_are_tested_by_whole_conversations(results: Results) -> None:
    quality, fluency, _ = results.comparisons
    assert (quality.difference.mean, quality.difference.groups) == (18 / 8, 4)
    # All four conversations are up: of 16 ways to swap, two are as extreme, so no p-value is below 2 / 16.
    assert quality.difference.p is not None and quality.difference.p >= 2 / 16
    assert quality.difference.low is not None and quality.difference.low <= 0
    assert (fluency.difference.mean, fluency.difference.p) == (0.0, 1.0)


def test_the_rate_is_of_those_who_chose_one_of_the_two(results: Results) -> None:
    (preference,) = results.preferences
    assert (preference.choices, results.undecided) == (7, 1)
    assert preference.rate.mean == pytest.approx(6 / 7)
    # By conversation 2, 2, 0 and 1 more for tuned: three differ, and of 8 ways to swap two are as extreme.
    assert preference.difference.p is not None and preference.difference.p >= 2 / 8
    # The share is half of the difference beyond a half, with its interval.
    assert preference.rate.low is not None and preference.difference.low is not None
    assert preference.rate.low == pytest.approx((1 + preference.difference.low) / 2)
    assert preference.rate.low <= 0.5


def test_p_values_are_adjusted_over_all_that_is_shown(results: Results) -> None:
    quality, fluency, satisfaction = results.comparisons
    (preference,) = results.preferences
    assert quality.difference.p and preference.difference.p
    assert quality.p_adjusted == pytest.approx(4 * quality.difference.p)
    assert preference.p_adjusted == pytest.approx(3 * preference.difference.p)
    assert (fluency.p_adjusted, satisfaction.p_adjusted) == (1.0, 1.0)


def test_what_two_people_like_says_little_of_what_others_would_like() -> None:
    """Each likes tuned better in each of twelve conversations, one of them much better."""
    said = [judge(one, str(at), 1, 2 + one + at % 2, "tuned") for one in (1, 2) for at in range(12)]
    alone = sum_up(Returned(KEY, (1,), tuple(said[:12]))).comparisons[0]
    both = sum_up(Returned(KEY, (1, 2), tuple(said))).comparisons[0]
    assert alone.difference.p is not None and alone.difference.p < 0.001 and alone.without is None
    assert both.difference.mean == pytest.approx(3.0) and both.without == pytest.approx((2.5, 3.5))
    # The two means differ by 1, so that their error is 0.5, and t with one degree of freedom is 12.7.
    assert both.difference.p == pytest.approx(0.105, abs=0.005)
    assert both.difference.test == "t-test over evaluators and conversations"


def test_an_evaluator_who_hardly_chose_is_no_sample_of_people() -> None:
    said = [judge(1, str(at), 2, 4, "tuned") for at in range(12)]
    said += [judge(2, str(at), 2, 4, "base" if at == 0 else None) for at in range(12)]
    (preference,) = sum_up(Returned(KEY, (1, 2), tuple(said))).preferences
    assert preference.choices == 13
    assert preference.rate.mean == pytest.approx(12 / 13)
    assert preference.difference.test == "paired t-test"


def rate_units(*units: tuple[int, int]) -> list[Judgement]:
    """Units that two evaluators rated."""
    said = []
    for at, pair in enumerate(units):
        for evaluator, quality in enumerate(pair, 1):
            rated: Any = {"one": {"quality": quality, "fluency": 4, "satisfaction": 4}}
            said.append(Judgement(evaluator, str(at), rated, None))
    return said


def test_agreement_on_ratings_counts_how_far_they_are_apart_in_order() -> None:
    # Ratings 1, 2, 3 are given 3, 1 and 2 times; squared distances: 1-2 (4 - 2)² = 4, 1-3 (6 - 2.5)² = 12.25,
    # 2-3 (3 - 1.5)² = 2.25. Observed 2 · 4 / 6; expected 2 · (3 · 4 + 6 · 12.25 + 2 · 2.25) / 30 = 6.
    assert _agree_on(rate_units((1, 1), (3, 3), (1, 2)), "quality") == pytest.approx(1 - (8 / 6) / 6)


def test_agreement_on_choices_counts_whether_they_are_the_same() -> None:
    said = [judge(evaluator, str(at), 1, 1, best) for at, pair in enumerate(
        [("base", "base"), ("base", "base"), ("tuned", "tuned"), ("base", "tuned")]
    ) for evaluator, best in enumerate(pair, 1)]  # fmt: skip
    # Of 8 choices 5 are base: observed 2 / 8, expected 2 · 5 · 3 / 56.
    assert _agree_on(said, None) == pytest.approx(1 - (2 / 8) / (30 / 56))


def test_nobody_can_disagree_alone_or_where_all_is_the_same() -> None:
    assert _agree_on(rate_units((1, 1), (2, 2)), "fluency") is None
    assert _agree_on([one for one in SAID if one.evaluator == 1], "quality") is None


def test_the_table_fits_80_columns(results: Results) -> None:
    lines = terminal_table(results).splitlines()
    assert lines[0] == "quality, 1 to 5"
    assert lines[1].startswith("  base           1.88 [1.") and lines[3].startswith("  tuned - base  +2.25 [")
    # Of the conversations only d has one, of two judgements: shares of 0, 0, 0 and 1/2.
    assert any(line.startswith("  no difference: 1 of 8 judgements, a share of 0.12 [0.00") for line in lines)
    # Without evaluator 1 the means are 7 / 4 and 17 / 4, without 2 they are 8 / 4 and 16 / 4.
    assert lines[4].strip() == "without any one evaluator: +2.00 to +2.50"
    assert "  choice        -0.08 [-0.38, 0.23]: low" in lines
    assert "  fluency       -: takes two evaluators and two different ratings" in lines
    assert "2 of 3 forms, 4 conversations each" in lines
    assert [line for line in lines if len(line) > 80] == []


def test_the_page_is_closed_and_what_runs_are_called_stays_text(results: Results) -> None:
    html = render(results)
    assert "<b>evil" not in html and "&lt;b&gt;evil" in html
    assert [word for word in ("<script", "<link", "src=", "http:", "https:") if word in html] == []
    for text in ("2 of 3 forms came back", "tuned to base", "1.88 [", "1 of 8 saw no difference"):
        assert text in html
