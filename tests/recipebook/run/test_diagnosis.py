"""A training is judged by stated rules; the curves here are written by hand, two losses to a fifth."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipebook.run.advice import ADVICE, FREE_TEXT
from recipebook.run.diagnosis import Diagnosis, diagnose, diagnose_folder
from recipebook.run.progress_file import read_curve, read_metrics
from tests.recipebook.run.curves import FALLING, log, log_pairs


def test_a_smooth_fall_in_both_losses_is_good() -> None:
    assert diagnose(log(FALLING, {0: 2.2, 50: 0.9, 100: 0.45})) == Diagnosis(
        "good", ("training loss 0.30 at the end, validation 0.45",), ()
    )


def test_below_a_fifth_of_a_nat_it_is_excellent() -> None:
    assert diagnose(log([*FALLING[:8], 0.2, 0.19], {100: 0.19})).verdict == "excellent"
    assert diagnose(log([*FALLING[:8], 0.2, 0.21], {100: 0.19})).verdict == "good"
    assert diagnose(log([*FALLING[:8], 0.2, 0.19], {100: 0.3})).verdict == "good"


def test_a_validation_loss_many_times_the_training_loss_is_overfitting_however_small_both_are() -> None:
    told = diagnose(log([*FALLING[:8], 0.02, 0.02], {50: 0.9, 100: 0.31}))
    assert told.verdict == "overfitting"
    assert told.reasons == (
        "training loss 0.02 at the end, validation 0.31",
        "validation is more than 10 times training",
    )


def test_a_gap_of_three_tenths_is_overfitting() -> None:
    told = diagnose(log(FALLING, {50: 0.9, 100: 0.61}))
    assert (told.verdict, told.reasons[1]) == (
        "overfitting",
        "validation 0.31 above training (0.3 or more is overfitting)",
    )
    assert diagnose(log(FALLING, {50: 0.9, 100: 0.59})).verdict == "good"


def test_the_gap_is_taken_where_validation_was_last_looked_at() -> None:
    # At step 50 training stood at 0.8 and falls on to 0.3; validation 0.9 is 0.1 above what it goes with.
    assert diagnose(log(FALLING, {50: 0.9})).verdict == "good"


def test_a_validation_loss_that_rises_again_is_overfitting_and_the_best_step_is_named() -> None:
    told = diagnose(log(FALLING, {40: 0.5, 60: 0.4, 80: 0.42, 100: 0.45}))
    assert (told.verdict, told.reasons[1]) == ("overfitting", "validation was lowest, 0.40, at step 60, and rose again")
    assert told.advice[0].startswith("go back to the best checkpoint: training.early_stopping=2")


def test_validation_before_training_alone_says_nothing_of_it() -> None:
    told = diagnose(log(FALLING, {0: 6.0}))
    assert (told.verdict, told.reasons[1]) == (
        "good",
        "without validation rows (data.split.validation=0.1) overfitting is not seen",
    )


def test_a_high_end_is_underfitting_whether_it_still_falls_or_not() -> None:
    falling = diagnose(log([4.0, 3.8, 3.2, 3.0, 2.6, 2.4, 1.9, 1.7, 1.3, 1.1]))
    level = diagnose(log([4.0, 3.0, 2.0, 1.5, 1.3, 1.2, 1.2, 1.2, 1.2, 1.2]))
    assert (falling.verdict, level.verdict) == ("underfitting", "underfitting")
    assert falling.reasons == ("training loss 1.20 at the end", "still falling, and 0.5 or more")
    assert level.reasons == ("training loss 1.20 at the end", "level, at 0.5 or more")


def test_a_loss_that_never_fell_is_stalled() -> None:
    assert diagnose(log([2.0, 2.0, 1.98, 1.97, 1.97, 1.96, 1.95, 1.95, 1.94, 1.94])) == Diagnosis(
        "stalled",
        ("training loss 1.94 at the end", "hardly below the 2.00 of the first fifth"),
        (*ADVICE["stalled"], FREE_TEXT),
    )


def test_a_strong_base_on_free_text_is_told_that_its_loss_may_stay_high() -> None:
    told = diagnose(log([1.91, 1.9, 1.88, 1.87, 1.85, 1.84, 1.82, 1.81, 1.8, 1.78], {0: 1.85, 100: 1.82}))
    assert (told.verdict, told.reasons[-1]) == ("stalled", "validation fell from 1.85")
    assert told.advice[-1] == FREE_TEXT


def test_a_loss_that_was_low_from_the_start_has_not_stalled() -> None:
    assert diagnose(log([0.1] * 10, {100: 0.1})).verdict == "excellent"


def test_where_prompts_are_trained_too_a_high_loss_is_no_fault() -> None:
    losses = [7.0, 6.0, 5.0, 4.5, 4.0, 3.5, 3.2, 3.0, 2.9, 2.8]
    assert diagnose(log(losses), answers_only=False).verdict == "good"
    assert diagnose(log(losses)).verdict == "underfitting"


@pytest.mark.parametrize(
    ("losses", "reason"),
    [
        ([2.0, 1.5, 4.0, 1.2, 1.1, 5.0, 1.0, 0.9, 0.8, 0.7], "2 of 10 logged losses are more than twice those before"),
        ([2.0, 1.5, 1.0, 0.8, 0.6, 0.6, 0.9, 1.1, 1.5, 1.7], "the training loss was down to 0.60 and ended at 1.60"),
        ([2.0, 1.5, float("nan"), 1.2, 1.0], "the training loss at step 30 is nan"),
        ([float("inf")], "the training loss at step 10 is inf"),
    ],
)
def test_leaps_a_loss_that_comes_back_and_numbers_that_are_none_are_unstable(losses: list[float], reason: str) -> None:
    told = diagnose(log(losses))
    assert (told.verdict, told.reasons[0].startswith(reason)) == ("unstable", True)


def test_one_leap_and_the_ups_and_downs_of_batches_by_length_are_not() -> None:
    assert diagnose(log([2.0, 1.5, 4.0, 1.2, 1.0, 0.8, 0.6, 0.5, 0.4, 0.4])).verdict == "good"
    # As robot-lora logs it with group_by_length: every fifth loss is of long rows.
    waves = [2.2, 0.5, 0.5, 0.9, 0.5, 0.4, 0.3, 0.3, 0.68, 0.3, 0.2, 0.2, 0.2, 0.5, 0.2, 0.2, 0.1, 0.2, 0.4, 0.2]
    assert diagnose(log(waves)).verdict == "good"


def test_gradients_far_beyond_the_usual_are_unstable() -> None:
    norms = [1.0, 1.0, 1.0, 60.0, 1.0, 1.0, 80.0, 1.0, 1.0, 1.0]
    told = diagnose(log(FALLING, grad_norm=norms))
    assert (told.verdict, told.reasons) == (
        "unstable",
        ("gradient norms up to 80.0, 1.0 being usual, at steps 40, 70",),
    )
    # Clipping is at 1: a norm of 5 beside one of 0.1 is no matter.
    assert diagnose(log(FALLING, grad_norm=[5.0, 5.0, *[0.1] * 8])).verdict == "good"


def test_four_losses_are_too_few() -> None:
    told = diagnose(log([2.0, 1.0, 0.5, 0.2], {40: 0.2}))
    assert (told.verdict, told.reasons) == ("too short to judge", ("4 training losses were logged, 5 are needed",))
    assert diagnose([]).reasons == ("0 training losses were logged, 5 are needed",)


@pytest.mark.parametrize(
    ("trained", "held_out", "verdict"),
    [
        (0.98, 0.95, "excellent"),
        (0.90, 0.85, "good"),
        (0.80, 0.75, "underfitting"),
        (0.99, 0.82, "overfitting"),
        (0.55, 0.52, "stalled"),
    ],
)
def test_pairs_are_judged_by_those_told_apart_and_not_by_the_loss(
    trained: float, held_out: float, verdict: str
) -> None:
    told = diagnose(log_pairs(trained, held_out))
    assert told.verdict == verdict
    assert told.reasons[0] == (
        f"{100 * held_out:.0f} % of held-out pairs ranked correctly, reward margin 2.00 (the loss has another scale)"
    )


def test_pairs_whose_chosen_answers_became_less_likely_are_told() -> None:
    assert "the chosen answers became less likely too" in diagnose(log_pairs(0.95, 0.9, chosen=-1.5)).reasons


def test_a_method_without_accuracies_is_judged_by_its_margin() -> None:
    def judge(margin: float) -> str:
        return diagnose(log(FALLING, rewards_of_margins=[margin] * 10)).verdict

    assert (judge(0.8), judge(-0.2)) == ("good", "stalled")


def test_instability_of_pairs_is_not_cured_by_a_lower_beta() -> None:
    lines = log([0.69, float("nan")], rewards_of_margins=[0.0, 0.1])
    assert (
        diagnose(lines).advice[0] == "a higher preference.beta: a lower one lets the model leave its reference further"
    )


@pytest.mark.parametrize(
    ("method", "advice"),
    [
        ("dpo", "a higher preference.beta: a lower one lets the model leave its reference further"),
        ("orpo", "a lower preference.odds_weight: more of the loss is then the chosen answers' own"),
        ("simpo", "a lower preference.beta: it scales the rewards, and no reference holds the model back"),
    ],
)
def test_advice_is_by_the_numbers_that_a_method_has(tmp_path: Path, method: str, advice: str) -> None:
    lines = log([0.69, float("nan")], rewards_of_margins=[0.0, 0.1])
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "axolotl.yaml").write_text(f"rl: {method}\n")
    assert diagnose_folder(tmp_path).advice[0] == advice


def test_orpo_is_never_advised_to_change_a_beta() -> None:
    pairs = [log_pairs(0.95, 0.6), log_pairs(0.7, 0.7)]
    told = [diagnose(lines, method="orpo") for lines in pairs]
    assert [found.verdict for found in told] == ["overfitting", "underfitting"]
    assert "beta" not in " ".join(line for found in told for line in found.advice)
    assert told[1].advice[:2] == (
        "pairs that differ more: data.options.threshold",
        "a higher preference.odds_weight, the weight of ranking pairs correctly",
    )


def test_a_step_that_was_trained_again_counts_as_it_was_the_last_time() -> None:
    lines: list[dict[str, Any]] = [
        {"step": 20, "loss": 9.0},
        {"step": 10, "loss": 2.0},
        {"step": 20, "loss": 1.0},
        {"step": 20, "epoch": 1},
    ]
    assert read_curve(lines, "loss") == {10: 2.0, 20: 1.0}


def test_a_folder_is_judged_by_what_axolotl_was_told(tmp_path: Path) -> None:
    losses = [7.0, 6.0, 5.0, 4.5, 4.0, 3.5, 3.2, 3.0, 2.9, 2.8]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log(losses)))
    verdicts = []
    for settings in ("train_on_inputs: false", "train_on_inputs: true", "reinit_weights: true", "rl: dpo"):
        (tmp_path / "axolotl.yaml").write_text(f"{settings}\n")
        verdicts.append(diagnose_folder(tmp_path).verdict)
    assert verdicts == ["underfitting", "good", "good", "underfitting"]
    assert read_metrics(tmp_path / "none.jsonl") == []


@given(
    st.lists(st.floats(width=32), max_size=40), st.dictionaries(st.integers(0, 500), st.floats(width=32), max_size=9)
)
def test_whatever_was_logged_has_a_verdict_and_a_reason(losses: list[float], validation: dict[int, float]) -> None:
    told = diagnose(log(losses, validation))
    assert told.verdict in ADVICE
    assert told.reasons and "\n" not in told.line


def test_a_training_by_rewards_is_judged_by_its_first_and_last_collections() -> None:
    # Thirds of one collection each; the loss, which is 0 throughout, says nothing.
    def judge(*rewards: float) -> str:
        return diagnose([{"step": at, "loss": 0.0, "reward": one} for at, one in enumerate(rewards, 1)]).line

    assert judge(-0.2, 0.1, 0.4) == "good: mean reward 0.40 at the end, -0.20 at the beginning"
    assert judge(0.3, 0.1, 0.1).startswith("unstable: mean reward 0.10 at the end")
    assert judge(0.3, 0.3, 0.35).startswith("stalled: ")
    assert judge(0.3, 0.3).startswith("too short to judge: 2 of the 3 collections")


def test_a_control_by_lot_is_called_one_and_nothing_is_advised_after_it(tmp_path: Path) -> None:
    lines = [{"step": step, "loss": 0.0, "reward": 0.25} for step in (6, 12, 18)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "axolotl.yaml").write_text("rl: grpo\nepisodes: {control: random}\n")
    found = diagnose_folder(tmp_path)
    assert found.line == (
        "stalled: mean reward 0.25 at the end, 0.25 at the beginning; a control, whose rewards were drawn by lot"
    )
    assert found.advice == ()


def test_a_training_by_rewards_is_advised_by_its_own_settings_alone() -> None:
    def advise(*rewards: float) -> str:
        lines = [{"step": at, "loss": 0.0, "reward": one} for at, one in enumerate(rewards, 1)]
        return " ".join(diagnose(lines, method="grpo").advice)

    # Keys that grpo has no use for are refused in its recipes.
    for found in (advise(0.3, 0.1, 0.1), advise(0.3, 0.3, 0.35), advise(0.3)):
        assert "rl." in found
        assert "training.epochs" not in found and "preference." not in found and "make plan" not in found
