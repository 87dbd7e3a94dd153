"""Figures on devices and settings; single answers stand in tests/samples/metrics/persona.jsonl with every figure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.persona import LESS_IS_BETTER, RATIOS, Options, score
from eval.report.verdict import make_verdict
from eval.scoring.predictions import Prediction
from eval.scoring.score import read_options, score_predictions
from eval.scoring.summary import summarise
from recipebook.errors import UserError

STRICT, COMPAT = Options(), Options(mode="compat")
PIECES = ["tv volume to ", "ac at ", "lights to ", "30", "2.5", " degrees ", "% ", "warm color ", "disarm ", "armed ",
          "heat mode ", "music ", "bass ", ", "]  # fmt: skip
TEXTS = st.text() | st.lists(st.sampled_from(PIECES)).map("".join)


def score_one(prediction: str, reference: str, options: Options) -> dict[str, float | None]:
    return score([Prediction(id="1", prediction=prediction, reference=reference)], options)[0]


def pick(scores: dict[str, float | None], *figures: str) -> list[float | None]:
    return [scores[figure] for figure in figures]


def test_devices_are_compared_as_sets() -> None:
    # P = {tv, ac, speaker}, R = {tv, lights}: 1 of 3, 1 of 2, 2 · 1 / (3 + 2)
    scores = score_one(
        "tv volume to 30, ac to 20 degrees, music volume to 30", "tv volume to 30, lights to 50 percent", STRICT
    )
    assert pick(scores, "device_precision", "device_recall", "device_f1") == [1 / 3, 1 / 2, 2 / 5]
    assert pick(scores, "device_tp", "device_fp", "device_fn") == [1, 2, 1]


def test_settings_of_either_side_alone_count_against_precision_and_recall() -> None:
    # P: temperature 20, fan 1, volume 30; R: temperature 20, mode heat: 1 of 3 and 1 of 2; numbers 1 of 3 and 1 of 1.
    prediction, reference = "ac to 20 degrees, fan speed to 1, tv volume to 30", "ac to 20 degrees, heat mode"
    for options in (STRICT, COMPAT):
        scores = score_one(prediction, reference, options)
        assert pick(scores, "param_precision", "param_recall", "param_f1") == [1 / 3, 1 / 2, 2 / 5]
        assert pick(scores, "numerical_precision", "numerical_recall", "numerical_f1") == [1 / 3, 1, 1 / 2]
        assert pick(scores, "numerical_tp", "numerical_fp", "numerical_fn") == [1, 2, 0]
        assert pick(scores, "categorical_tp", "categorical_fp", "categorical_fn") == [0, 0, 1]


def test_a_wrong_number_lowers_recall_in_strict_alone() -> None:
    # Temperature 25 for 20 is wrong, fan 1 is right.
    prediction, reference = "ac to 25 degrees, fan speed to 1", "ac to 20 degrees, fan speed to 1"
    figures = ("numerical_precision", "numerical_recall", "numerical_f1", "numerical_fp", "numerical_fn")
    assert pick(score_one(prediction, reference, STRICT), *figures) == [1 / 2, 1 / 2, 1 / 2, 1, 1]
    assert pick(score_one(prediction, reference, COMPAT), *figures) == [1 / 2, 1, 2 / 3, 1, 0]
    assert pick(score_one(prediction, reference, COMPAT), "param_recall") == [1 / 2]


def test_compat_takes_numbers_within_one_and_strict_within_the_tolerance() -> None:
    one_off, two_off = ("ac to 21 degrees", "ac to 20 degrees"), ("ac to 22 degrees", "ac to 20 degrees")
    assert [score_one(*pair, COMPAT)["numerical_precision"] for pair in (one_off, two_off)] == [1, 0]
    assert [score_one(*pair, STRICT)["numerical_precision"] for pair in (one_off, two_off)] == [0, 0]
    assert [score_one(*pair, Options(tolerance=2))["numerical_precision"] for pair in (one_off, two_off)] == [1, 1]


def test_compat_takes_armed_for_disarmed() -> None:
    armed, disarmed = "The house is armed.", "The house is disarmed."
    figures = ("categorical_precision", "categorical_fp", "categorical_fn", "param_f1", "exact")
    assert pick(score_one(armed, disarmed, COMPAT), *figures) == [1, 0, 0, 1, 0]
    assert pick(score_one(armed, disarmed, STRICT), *figures) == [0, 1, 1, 0, 0]


def test_compat_finds_an_alarm_system_in_warm_colors() -> None:
    # lights: color warm in both; "warm" gives security armed, in compat, to the prediction alone.
    prediction, reference = "lights at 50%, warm color", "lights at 50%"
    assert pick(score_one(prediction, reference, COMPAT), "device_precision", "param_precision") == [1 / 2, 1 / 3]
    assert pick(score_one(prediction, reference, STRICT), "device_precision", "param_precision") == [1, 1 / 2]


def test_nothing_by_nothing_is_0_for_compat_numbers_and_agreement_in_strict() -> None:
    figures = ("numerical_precision", "numerical_recall", "numerical_f1", "numerical_mae", "device_precision")
    words = ("lights: cool color", "lights: cool color")
    assert pick(score_one(*words, COMPAT), *figures) == [0, 0, 0, 0, 1]
    assert pick(score_one(*words, STRICT), *figures) == [1, None, 1, None, 1]
    # Nothing where something is wanted is undefined as a precision, and 0 as what was found of it.
    nothing = score_one("Of course.", "ac to 20 degrees", STRICT)
    assert pick(nothing, *figures) == [None, 0, 0, None, None]


def test_actions_that_nobody_asked_for_are_seen_in_a_comparison() -> None:
    """Tuned is perfect, and so is base, but that it acts on the 30 turns of 400 that ask for nothing."""
    acts, thanks = "tv volume to 30", "You are welcome."
    rows = [(acts, acts)] * 370 + [(thanks, acts)] * 30
    answers = [
        Prediction(id=str(at), reference=wanted, prediction=wanted, baseline=base)
        for at, (wanted, base) in enumerate(rows)
    ]
    scored = score_predictions(answers, {"persona": STRICT})
    summary = summarise(answers, scored.tuned, scored.base, scored.figures, [], 42, "param_f1")
    headline = summary.headline
    assert headline.base is not None and headline.difference is not None
    assert (headline.tuned.mean, headline.base.mean, headline.difference.mean) == (1.0, 0.925, 0.075)
    assert (headline.tuned.n, headline.base.n, headline.difference.n) == (400, 400, 400)
    assert "the difference of +0.075 [" in make_verdict(summary)
    assert "is unlikely if the two were alike (p < 0.001)" in make_verdict(summary)
    # Turned round, the adapter that acts when nobody asked is worse.
    swapped = summarise(answers, scored.base or [], scored.tuned, scored.figures, [], 42, "param_f1")
    assert "tuning made it worse: the difference of -0.075 [" in make_verdict(swapped)


def test_a_number_on_the_edge_of_the_tolerance_is_within_it() -> None:
    # 22.1 - 22 is 0.10000000000000142.
    assert score_one("ac to 22.1 degrees", "ac to 22 degrees", Options(tolerance=0.1))["numerical_precision"] == 1
    assert score_one("ac to 22.2 degrees", "ac to 22 degrees", Options(tolerance=0.1))["numerical_precision"] == 0


def test_the_error_is_the_mean_of_the_numbers_that_do_not_match() -> None:
    # 25 for 20 and 3 for 1, the volume is right: (5 + 2) / 2; compat lets none of them pass either.
    prediction = "ac to 25 degrees, fan speed to 3, tv volume to 30"
    reference = "ac to 20 degrees, fan speed to 1, tv volume to 30"
    assert [score_one(prediction, reference, options)["numerical_mae"] for options in (STRICT, COMPAT)] == [3.5, 3.5]
    # One off is right to compat, and leaves its mean of errors.
    reference = "ac to 24 degrees, fan speed to 1, tv volume to 30"
    assert [score_one(prediction, reference, options)["numerical_mae"] for options in (STRICT, COMPAT)] == [1.5, 2]


def test_equal_tolerances_are_told_and_others_refused_with_compat() -> None:
    assert read_options("persona", {"mode": "compat", "tolerance": "1"}) == Options(mode="compat", tolerance=1)
    with pytest.raises(UserError, match=r"option 'tolerance': .*mode compat has a tolerance of 1, got 0\.5"):
        read_options("persona", {"mode": "compat", "tolerance": 0.5})
    with pytest.raises(UserError, match=r"option 'mode': Input should be 'strict' or 'compat', got 'lenient'"):
        read_options("persona", {"mode": "lenient"})


@given(TEXTS, TEXTS, st.sampled_from([STRICT, COMPAT]))
def test_any_two_texts_have_shares_between_0_and_1_or_none(prediction: str, reference: str, options: Options) -> None:
    scores = score_one(prediction, reference, options)
    shares = [value for figure, value in scores.items() if figure.endswith(("_precision", "_recall", "_f1"))]
    assert len(shares) == 24
    assert [value for value in shares if value is not None and not 0 <= value <= 1] == []
    assert (scores["numerical_mae"] is None) <= (options is STRICT)


@given(TEXTS, TEXTS)
def test_every_strict_setting_is_counted_once_on_either_side(prediction: str, reference: str) -> None:
    scores = score_one(prediction, reference, STRICT)
    for count in ("tp", "fp", "fn"):
        param, numerical, categorical = pick(scores, f"param_{count}", f"numerical_{count}", f"categorical_{count}")
        assert param is not None and numerical is not None and categorical is not None
        assert param == numerical + categorical


@given(TEXTS, st.sampled_from([STRICT, COMPAT]))
def test_an_answer_equal_to_its_reference_has_nothing_wrong(text: str, options: Options) -> None:
    scores = score_one(text, text, options)
    assert {scores[figure] for figure in LESS_IS_BETTER} <= {0, None}
    assert {scores[figure] for figure in RATIOS} <= {1, None}
    assert scores["exact"] == 1
