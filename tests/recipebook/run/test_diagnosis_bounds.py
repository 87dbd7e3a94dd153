"""Where each bound of a verdict lies: just inside and just outside, by curves of two losses to a fifth."""

import math
from pathlib import Path

import pytest

from recipebook.run.advice import ADVICE, FREE_TEXT, Verdict
from recipebook.run.diagnosis import Diagnosis, diagnose
from recipebook.run.progress_file import read_metrics
from tests.recipebook.run.curves import FALLING, log, log_pairs


def end_at(*losses: float) -> list[float]:
    """Ten losses, two of each: the fifths of a curve."""
    return [loss for loss in losses for _ in range(2)]


@pytest.mark.parametrize(
    ("losses", "validation", "verdict"),
    [
        # Bounds belong to the worse side of a loss: 0.5 is not good, 0.2 not excellent, a gap of 0.3 overfitting.
        (end_at(2, 1.5, 1, 0.8, 0.5), {}, "underfitting"),
        (end_at(2, 1.5, 1, 0.8, 0.49), {}, "good"),
        (end_at(2, 1.5, 1, 0.5, 0.2), {}, "good"),
        (end_at(2, 1.5, 1, 0.5, 0.19), {}, "excellent"),
        (end_at(2, 1.5, 1, 0.5, 0), {100: 0.3}, "overfitting"),
        # So is ten times the training loss from 0.1 above it on; 0.2 of validation is not excellent either.
        (end_at(2, 1.5, 1, 0.5, 0), {100: 0.1}, "overfitting"),
        (end_at(2, 1.5, 1, 0.5, 0), {100: 0.09}, "excellent"),
        (end_at(2, 1.5, 1, 0.5, 0.03), {100: 0.3}, "overfitting"),
        (end_at(2, 1.5, 1, 0.5, 0.03), {100: 0.29}, "good"),
        (end_at(2, 1.5, 1, 0.5, 0.03), {100: 0.19}, "excellent"),
        # What fell by a tenth has not stalled; what is good has not either.
        (end_at(1, 0.95, 0.95, 0.95, 0.9), {}, "underfitting"),
        (end_at(1, 0.95, 0.95, 0.95, 0.91), {}, "stalled"),
        (end_at(0.5, 0.5, 0.5, 0.5, 0.5), {}, "stalled"),
        (end_at(0.49, 0.49, 0.49, 0.49, 0.49), {}, "good"),
        # Lost again: more than a tenth of the lowest, and more than half of what was gained.
        (end_at(3, 1, 1, 1, 2), {}, "underfitting"),
        (end_at(4, 2, 2, 2, 2.9), {}, "underfitting"),
        (end_at(4, 2, 2, 2, 3.2), {}, "unstable"),
        (end_at(10.5, 10, 10, 10, 11), {}, "stalled"),
        (end_at(10.5, 10, 10, 10, 10.4), {}, "stalled"),
        (end_at(10.5, 10, 10, 10, 11.2), {}, "unstable"),
        # Validation has risen by more than a tenth of its lowest, and by 0.02.
        (end_at(20, 18, 16, 14, 12), {50: 10, 100: 11}, "underfitting"),
        (end_at(20, 18, 16, 14, 12), {50: 10, 100: 11.2}, "overfitting"),
        (end_at(2, 1.5, 1, 0.5, 0.1), {50: 0, 100: 0.02}, "overfitting"),
        (end_at(2, 1.5, 1, 0.5, 0.1), {50: 0, 100: 0.018}, "excellent"),
    ],
)
def test_each_bound_is_where_it_is_said_to_be(
    losses: list[float], validation: dict[int, float], verdict: Verdict
) -> None:
    assert diagnose(log(losses, validation)).verdict == verdict


@pytest.mark.parametrize(
    ("losses", "verdict"),
    [
        # Twice the median before, and half a nat above it, are no leap yet.
        ([1.0, 1.0, 2.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0], "stalled"),
        ([1.0, 1.0, 2.1, 1.0, 2.1, 1.0, 1.0, 1.0, 1.0, 1.0], "unstable"),
        ([0.25, 0.25, 0.75, 0.25, 0.75, 0.25, 0.25, 0.25, 0.25, 0.25], "good"),
        ([0.25, 0.25, 0.76, 0.25, 0.76, 0.25, 0.25, 0.25, 0.25, 0.25], "unstable"),
        # The second loss may leap too, and five are a curve.
        ([1.0, 3.0, 1.0, 3.0, 1.0, 1.0], "unstable"),
        ([2.0, 1.5, 1.0, 0.6, 0.4], "good"),
        # The median is of the five before: 8 at both leaps, then 1 at both.
        ([8.0, 8.0, 8.0, 1.0, 1.0, 10.0, 10.0, 1.0, 1.0, 1.0], "underfitting"),
        ([8.0, 8.0, 1.0, 1.0, 1.0, 3.0, 3.0, 1.0, 1.0, 1.0], "unstable"),
        # Of two leaps, 40 losses are one in twenty; 41 are more.
        ([1.0, 1.0, 3.0, 1.0, 3.0, *[1.0] * 35], "unstable"),
        ([1.0, 1.0, 3.0, 1.0, 3.0, *[1.0] * 36], "underfitting"),
    ],
)
def test_leaps_are_those_above_the_median_of_five(losses: list[float], verdict: Verdict) -> None:
    assert diagnose(log(losses)).verdict == verdict


@pytest.mark.parametrize(
    ("norms", "told"),
    [
        ([1.0, 1.0, 1.0, 11.0, 12.0], "gradient norms up to 12.0, 1.0 being usual, at steps 40, 50"),
        ([1.0, 1.0, 1.0, 10.0, 12.0], None),
        ([1.0, 1.0, 11.0, 12.0], None),
        ([2.0, 2.0, 2.0, 2.0, 20.0, 19.0], None),
        ([0.1, 0.1, 0.1, 0.1, 11.0, 10.5], "gradient norms up to 11.0, 0.1 being usual, at steps 50, 60"),
        ([*[1.0] * 8, *[50.0] * 3], "gradient norms up to 50.0, 1.0 being usual, at steps 90, 100, 110"),
        ([*[1.0] * 8, *[50.0] * 4], "gradient norms up to 50.0, 1.0 being usual, at steps 90, 100, 110, …"),
        ([*[1.0] * 38, 50.0, 50.0], "gradient norms up to 50.0, 1.0 being usual, at steps 390, 400"),
        ([*[1.0] * 39, 50.0, 50.0], None),
    ],
)
def test_gradients_are_judged_by_how_many_are_far_beyond_the_median(norms: list[float], told: str | None) -> None:
    losses = [max(0.3, 2.0 - 0.2 * at) for at in range(len(norms))] if len(norms) > 5 else [2.0, 1.5, 1.0, 0.7, 0.4]
    lines = log(losses) + [{"step": 10 * at, "grad_norm": norm} for at, norm in enumerate(norms, 1)]
    found = diagnose(lines)
    assert (found.verdict == "unstable", found.reasons[0] == told) == (told is not None, told is not None)


def test_numbers_that_are_none_are_told_by_what_they_are_of() -> None:
    told = [diagnose([*log(FALLING), {"step": 7, key: math.inf}]) for key in ("eval_loss", "grad_norm")]
    assert [found.verdict for found in told] == ["unstable", "unstable"]
    assert told[0].reasons == ("the validation loss at step 7 is inf",)
    assert told[1].reasons == ("the gradient norm at step 7 is inf",)
    assert diagnose(log([2.0])).reasons == ("1 training loss was logged, 5 are needed",)
    assert diagnose(log(end_at(4, 2, 2, 2, 3.2))).reasons == ("the training loss was down to 2.00 and ended at 3.20",)
    leaps = diagnose(log([1.0, 1.0, 3.0, 1.0, 3.0, 1.0]))
    assert leaps.reasons == ("2 of 6 logged losses are more than twice those before them",)


def test_a_curve_whose_last_fifths_are_alike_is_level_and_both_are_advised_what_free_text_means() -> None:
    level = diagnose(log(end_at(4, 3, 2, 1, 1)))
    # From 11 to 10 is a tenth of what it ended at, and not more.
    tenth, falling = diagnose(log(end_at(40, 30, 20, 11, 10))), diagnose(log(end_at(40, 30, 20, 12, 10)))
    assert [found.reasons[1] for found in (level, tenth)] == ["level, at 0.5 or more"] * 2
    assert falling.reasons[1] == "still falling, and 0.5 or more"
    assert level.advice == (*ADVICE["underfitting"], FREE_TEXT)


def test_a_gap_is_told_with_the_rise_that_came_before_it() -> None:
    told = diagnose(log(end_at(2, 1.5, 1, 0.5, 0.1), {50: 0.6, 100: 0.9}))
    assert told == Diagnosis(
        "overfitting",
        (
            "training loss 0.10 at the end, validation 0.90",
            "validation 0.80 above training (0.3 or more is overfitting)",
            "validation was lowest, 0.60, at step 50, and rose again",
        ),
        ADVICE["overfitting"],
    )


@pytest.mark.parametrize(
    ("validation", "gap"),
    [
        # At step 30 the last fifth of three losses is the third; before the first, that of all of them counts.
        ({30: 1.5}, "0.30"),
        ({5: 0.7}, "0.40"),
        ({1: 0.7}, "0.40"),
        # At step 50 the last of five, at step 100 the last two of ten.
        ({50: 1.2}, "0.40"),
        ({100: 0.71}, "0.41"),
    ],
)
def test_the_gap_is_to_the_last_fifth_of_what_was_trained_by_then(validation: dict[int, float], gap: str) -> None:
    told = diagnose(log(FALLING, validation))
    assert told.reasons[1] == f"validation {gap} above training (0.3 or more is overfitting)"


def test_fifths_of_seven_losses_are_of_one_or_two() -> None:
    # 1, 2, 1, 2 and 1 of them: from the first alone to the last alone.
    told = diagnose(log([3.0, 2.9, 2.9, 2.9, 2.9, 2.9, 2.8]))
    assert told.reasons == ("training loss 2.80 at the end", "hardly below the 3.00 of the first fifth")
    free = diagnose(log([3.0, 2.9, 2.8, 2.7, 2.6, 2.5, 1.0]), answers_only=False)
    assert free.reasons[1] == "from 3.00; prompts were trained too, so no bound is known"


@pytest.mark.parametrize(
    ("trained", "held_out", "verdict"),
    [
        (0.6, 0.55, "underfitting"),
        (0.55, 0.6, "underfitting"),
        (0.59, 0.59, "stalled"),
        (0.85, 0.8, "good"),
        (0.85, 0.79, "underfitting"),
        (0.95, 0.9, "excellent"),
        (0.95, 0.89, "good"),
        (1.0, 0.85, "overfitting"),
        (0.99, 0.85, "good"),
    ],
)
def test_each_bound_of_pairs_is_where_it_is_said_to_be(trained: float, held_out: float, verdict: Verdict) -> None:
    assert diagnose(log_pairs(trained, held_out)).verdict == verdict


def test_pairs_are_told_with_all_that_they_are_judged_by() -> None:
    apart = "of held-out pairs ranked correctly, reward margin 2.00 (the loss has another scale)"
    assert diagnose(log_pairs(0.55, 0.5)).reasons == (f"50 % {apart}", "little more than by chance")
    assert diagnose(log_pairs(0.99, 0.8)).reasons == (f"80 % {apart}", "99 % of the pairs of training")
    assert diagnose(log_pairs(0.75, 0.7)).reasons == (f"70 % {apart}", "80 % or more is good")
    assert diagnose(log_pairs(0.95, 0.9)).reasons == (f"90 % {apart}",)
    displaced = diagnose(log_pairs(0.95, 0.9, chosen=-0.1)).reasons
    assert displaced == (f"90 % {apart}", "the chosen answers became less likely too")
    assert diagnose(log_pairs(0.95, 0.9, chosen=0.0)).reasons == (f"90 % {apart}",)
    risen = diagnose([*log_pairs(0.95, 0.9), {"step": 50, "eval_loss": 0.3}])
    assert risen.reasons == (f"90 % {apart}", "validation was lowest, 0.30, at step 50, and rose again")
    assert risen.verdict == "overfitting"


def test_pairs_without_held_out_ones_are_judged_by_those_of_training() -> None:
    # The last fifth of ten: two of each figure.
    lines = log(FALLING, rewards_of_accuracies=[0.5] * 8 + [0.9, 1.0], rewards_of_margins=[0.0] * 8 + [1.0, 2.0])
    assert diagnose(lines) == Diagnosis(
        "excellent",
        (
            "95 % of training pairs ranked correctly, reward margin 1.50 (the loss has another scale)",
            "without validation rows (data.split.validation=0.1) overfitting is not seen",
        ),
        (),
    )


def test_a_held_out_figure_is_the_last_one_and_a_trained_one_the_mean_of_the_last_fifth() -> None:
    shares, margins = [0.5, 0.6, 0.7, 0.9, 0.95], [0.0, 0.0, 0.0, 1.0, 3.0]
    five = log([2.0, 1.5, 1.0, 0.6, 0.4], rewards_of_accuracies=shares, rewards_of_margins=margins)
    assert diagnose(five).reasons[0].startswith("95 % of training pairs ranked correctly, reward margin 3.00 ")
    held_out = [
        {"step": at, "eval_loss": 0.4, "eval_rewards/accuracies": at / 100, "eval_rewards/margins": at / 10}
        for at in range(86, 96)
    ]
    pairs = log(FALLING, rewards_of_accuracies=[0.96] * 10, rewards_of_margins=[9.0] * 10)
    assert (
        diagnose([*pairs, *held_out])
        .reasons[0]
        .startswith("95 % of held-out pairs ranked correctly, reward margin 9.50 ")
    )
    unsaid = {"step": 100, "eval_loss": 0.4, "eval_rewards/accuracies": 0.9}
    assert (
        diagnose([*pairs, unsaid]).reasons[0].startswith("90 % of held-out pairs ranked correctly, reward margin 0.00 ")
    )


def test_a_method_without_accuracies_tells_where_its_margin_is_of() -> None:
    def tell(margins: list[float], held_out: dict[str, float]) -> tuple[str, str]:
        validated = [{"step": 100, "eval_loss": 0.3, **held_out}] if held_out else []
        told = diagnose([*log(FALLING, rewards_of_margins=margins), *validated])
        return told.verdict, told.reasons[0]

    none = "this method logs no accuracy"
    assert tell([0.8] * 10, {}) == ("good", f"reward margin 0.80 on training pairs; {none}")
    assert tell([0.0] * 10, {}) == ("stalled", f"reward margin 0.00 on training pairs; {none}")
    held_out = {"eval_rewards/margins": 0.5}
    assert tell([0.8] * 10, held_out) == ("good", f"reward margin 0.50 on held-out pairs; {none}")
    unsaid = {"eval_rewards/chosen": 0.5}
    assert tell([0.8] * 10, unsaid) == ("stalled", f"reward margin 0.00 on held-out pairs; {none}")
    only_held_out = [*log(FALLING), {"step": 100, "eval_loss": 0.3, **held_out}]
    assert diagnose(only_held_out).reasons == (f"reward margin 0.50 on held-out pairs; {none}",)
    # Accuracy on held-out pairs alone is none to compare.
    lines = [*only_held_out, {"step": 100, "eval_rewards/accuracies": 0.9}]
    assert diagnose(lines).reasons == (f"reward margin 0.50 on held-out pairs; {none}",)


def test_a_line_that_was_cut_short_does_not_count(tmp_path: Path) -> None:
    whole, damaged = '{"step": 10, "loss": 1.0}\n', '{"loss": 0.5}\n["step"]\n7\n{"step": "x"}\n\n'
    (tmp_path / "metrics.jsonl").write_text(f'{damaged}{whole}{{"step": 20, "lo')
    assert read_metrics(tmp_path / "metrics.jsonl") == [{"step": 10, "loss": 1.0}]


def test_the_line_of_a_diagnosis_has_its_reasons() -> None:
    assert Diagnosis("good", ("a", "b"), ()).line == "good: a; b"
