"""Which of two answers a model prefers, or whether it likes a good answer: log-probabilities in, right or wrong out.

    {"measures": {"chosen": -20.0, "chosen_tokens": 10, "rejected": -24.0, "rejected_tokens": 11,
                  "reference_chosen": -22.0, "reference_rejected": -23.0}}
    → {"prefers_chosen": 1.0, "prefers_chosen_per_token": 1.0, "margin": 4.0, "reward_accuracy": 1.0,
       "reward_margin": 0.3}

`reference_*` are the base model's. The implicit reward of an answer (Rafailov et al. 2023, section 4) is beta times
the logarithm of how much likelier it is than under the reference:

    prefers_chosen              1 if chosen > rejected
    prefers_chosen_per_token    1 if chosen / chosen_tokens > rejected / rejected_tokens
    margin                      chosen - rejected
    reward_margin               beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    reward_accuracy             1 if reward_margin > 0, 1/2 if it is 0

A margin of exactly 0 is a coin toss and counts as a half: the base model is its own reference, so all its reward
margins are 0.

An answer on its own with a label, good or bad in its meta, has the last two figures:

    {"measures": {"answer": -20.0, "reference_answer": -22.0}, "meta": {"label": "bad"}}
    → {"reward_accuracy": 0.0, "reward_margin": -0.2, …: null}

    reward_margin               beta * (answer - reference_answer), with the opposite sign if the answer is bad
    reward_accuracy             1 if it is above 0, 1/2 if it is 0
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from eval.scoring.predictions import Prediction
from recipebook.frozen import Frozen
from recipebook.recipe.keys import Recipe

FIGURES = {
    "prefers_chosen": "the chosen answer is likelier than the rejected one",
    "prefers_chosen_per_token": "the same, by the mean log-likelihood a token",
    "margin": "log-likelihood of the chosen answer less the rejected one's, in nats",
    "reward_accuracy": "the implicit reward favours the chosen answer, or has the sign of the label; a half if it is 0",
    "reward_margin": "implicit reward of the chosen answer less the rejected one's; of a labelled one, negated if bad",
}
BINARY = frozenset({"prefers_chosen", "prefers_chosen_per_token"})
MORE_IS_BETTER = frozenset({"margin", "reward_margin"})
SAME_FOR_BASE = frozenset({"reward_accuracy", "reward_margin"})
MEASURES = ("chosen", "rejected")
COUNTS = ("chosen_tokens", "rejected_tokens")
SIGNS = {"good": 1, "bad": -1}
# Of methods whose template has a beta other than this metric's where the recipe gives none.
BETAS = {"simpo": 2.0}
NEEDED = {*MEASURES, *COUNTS, "reference_chosen", "reference_rejected"}


class Options(Frozen):
    """What a recipe may set."""

    beta: Annotated[float, Field(gt=0)] = Field(
        0.1, description="beta of the implicit reward; where a recipe is evaluated, that of its training"
    )


def fill_options(given: Mapping[str, Any], recipe: Recipe) -> Mapping[str, Any]:
    """The options with the training's beta, where they give none; a method without one keeps the default."""
    beta = recipe.preference.beta or BETAS.get(recipe.training.method)
    return {"beta": beta, **given} if beta else given


def name_scales(options: Options) -> dict[str, str]:
    """Rewards of another beta are on another scale."""
    return {"reward_margin": f"beta {options.beta:g}"}


def score(predictions: Sequence[Prediction], options: Options) -> list[dict[str, float | None]]:
    """Score preferences one by one, in order; None where no likelihood was measured."""
    return [_score_one(item.measures, item.meta, options.beta) for item in predictions]


def _score_one(measures: dict[str, float] | None, meta: dict[str, Any], beta: float) -> dict[str, float | None]:
    sign = SIGNS.get(str(meta.get("label")))
    if measures and sign and "chosen" not in measures and measures.keys() >= {"answer", "reference_answer"}:
        reward = sign * beta * (measures["answer"] - measures["reference_answer"])
        return {**dict.fromkeys(FIGURES), "reward_accuracy": _judge(reward), "reward_margin": reward}
    if not measures or not measures.keys() >= NEEDED or min(measures[name] for name in COUNTS) <= 0:
        return dict.fromkeys(FIGURES)
    margin = measures["chosen"] - measures["rejected"]
    per_token = measures["chosen"] / measures["chosen_tokens"] - measures["rejected"] / measures["rejected_tokens"]
    reward = beta * (margin - (measures["reference_chosen"] - measures["reference_rejected"]))
    return {
        "prefers_chosen": float(margin > 0),
        "prefers_chosen_per_token": float(per_token > 0),
        "margin": margin,
        "reward_accuracy": _judge(reward),
        "reward_margin": reward,
    }


def _judge(reward: float) -> float:
    return 0.5 if reward == 0 else float(reward > 0)
