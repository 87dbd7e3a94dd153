"""Shell tasks: whether an agent's episode ended well, by the task's own check in a box.

    {"measures": {"correct": 1.0, "rounds": 2.0, "invalid": 0.0}}
    → {"success": 1.0, "reward": 1.0, "rounds": 2.0, "valid": 1.0}

The model plays the task of each row, as in training: it answers, its command runs in the box, it reads the output,
until it finishes or its answers are used up.

    success   1 if the check passes, 0 if it fails, the answer is no action, or the commands broke the box
    reward    the reward of a correct or of an incorrect episode
    rounds    answers of the episode
    valid     1 if every answer is an action

Where the environment itself failed, all figures are None. The answer of a prediction is the episode's transcript.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from eval.scoring.predictions import Prediction
from recipebook.frozen import Frozen
from recipebook.recipe.keys import Recipe
from recipebook.recipe.reinforcement_keys import LONGEST_COMMAND
from recipebook.shell.contract import BaseName

FIGURES = {
    "success": "the task's check passes",
    "reward": "the episode's reward",
    "rounds": "answers of the episode",
    "valid": "every answer is an action",
}
BINARY = frozenset({"success", "valid"})
MORE_IS_BETTER = frozenset({"reward"})
UNTESTED = frozenset({"rounds"})
LEAST = {"rounds": 0.0}
PLAYS = True


class Options(Frozen):
    """What a recipe may set; what it leaves out comes from its section `rl`."""

    rounds: int = Field(5, gt=0, description="answers that an episode may have; rl.rounds if not given")
    seconds: float = Field(20, gt=0, le=LONGEST_COMMAND, description="time that a command has; rl.seconds if not given")
    base: BaseName | None = Field(None, description="whose programs boxes have; rl.base if not given")
    max_length: int = Field(4096, gt=0, description="tokens of an episode; training.max_length if not given")
    correct: float = Field(1.0, description="the reward of a correct episode; rl.rewards.correct if not given")
    incorrect: float = Field(-0.5, description="the reward of any other; rl.rewards.incorrect if not given")


def fill_options(given: Mapping[str, Any], recipe: Recipe) -> Mapping[str, Any]:
    """The options as the training has them, where they give none."""
    rl = recipe.rl
    own = {"rounds": rl.rounds, "seconds": rl.seconds, "max_length": recipe.training.max_length}
    chosen = {"base": rl.base} if rl.base else {}
    return {**own, **chosen, "correct": rl.rewards.correct, "incorrect": rl.rewards.incorrect, **given}


def name_scales(options: Options) -> dict[str, str]:
    """Rewards of other sizes are on another scale."""
    return {"reward": f"{options.correct:g} or {options.incorrect:g}"}


def score(predictions: Sequence[Prediction], options: Options) -> list[dict[str, float | None]]:
    """Score episodes one by one, in order; None where none was played to its end."""
    return [_score_one(item.measures, options) for item in predictions]


def _score_one(measures: dict[str, float] | None, options: Options) -> dict[str, float | None]:
    if not measures or "correct" not in measures:
        return dict.fromkeys(FIGURES)
    correct = measures["correct"]
    return {
        "success": correct,
        "reward": options.correct if correct else options.incorrect,
        "rounds": measures["rounds"],
        "valid": 1.0 - measures["invalid"],
    }
