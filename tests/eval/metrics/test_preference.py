"""Rewards of preferences; single pairs stand in tests/samples/metrics/preference.jsonl."""

from eval.metrics.preference import Options, fill_options
from eval.opening import describe_reference
from eval.scoring.predictions import Prediction
from eval.scoring.score import score_predictions
from eval.scoring.summary import summarise
from recipebook.project import RUNS
from recipebook.recipe.resolve import resolve
from recipebook.run.rundir import Run

MEASURES = {"chosen": -20.0, "chosen_tokens": 10.0, "rejected": -24.0, "rejected_tokens": 11.0,
            "reference_chosen": -22.0, "reference_rejected": -23.0}  # fmt: skip
OF_BASE = {**MEASURES, "chosen": -22.0, "rejected": -23.0}


def test_rewards_have_the_beta_of_the_training() -> None:
    betas = {
        name: dict(fill_options({}, resolve(f"preference-{name}").recipe)).get("beta")
        for name in ("dpo", "ipo", "kto", "orpo", "simpo")
    }
    # ORPO has none, and keeps the metric's default.
    assert betas == {"dpo": 0.1, "ipo": 0.1, "kto": 0.1, "orpo": None, "simpo": 2.0}
    assert fill_options({"beta": 0.5}, resolve("preference-simpo").recipe) == {"beta": 0.5}
    unset = resolve("preference-simpo", None, ["preference.beta=null"]).recipe
    assert fill_options({}, unset) == {"beta": 2.0}


def test_preference_recipes_are_headed_by_the_reward_of_their_training() -> None:
    mains = {resolve(f"preference-{name}").recipe.eval.main for name in ("dpo", "ipo", "kto", "orpo", "simpo")}
    assert mains == {"reward_accuracy"}


def test_the_base_is_its_own_reference_and_rewards_are_tested_as_signs() -> None:
    answers = [
        Prediction(id=str(row), reference="", prediction="", baseline="", measures=MEASURES, baseline_measures=OF_BASE)
        for row in range(20)
    ]
    scored = score_predictions(answers, {"preference": Options(beta=2.0)})
    summary = summarise(answers, scored.tuned, scored.base, scored.figures, [], 42, "reward_accuracy")
    headline, margin = (
        next(result for result in summary.results if result.figure == name)
        for name in ("reward_accuracy", "reward_margin")
    )
    assert headline.base is not None and headline.difference is not None
    assert (headline.base.mean, headline.base.low, headline.base.high) == (0.5, None, None)
    assert (headline.difference.mean, headline.difference.test) == (0.5, "McNemar's test")
    # 2 · ((-20 + 22) - (-24 + 23))
    assert (margin.tuned.mean, margin.scale, margin.base and margin.base.low) == (6.0, "beta 2", None)
    assert margin.explanation.endswith("(beta 2)")


def test_what_rewards_are_against_is_said_where_the_training_had_another_reference() -> None:
    run = Run(RUNS / "any")
    assert describe_reference(run, resolve("preference-dpo").recipe) == ""
    assert describe_reference(run, resolve("robot-lora").recipe) == ""
    said = describe_reference(run, resolve("preference-simpo").recipe)
    assert said == (
        "rewards are measured against the base model, Qwen/Qwen2.5-0.5B-Instruct; simpo itself has no reference"
    )
