"""A recipe as it is to be launched in; the small recipe that a rehearsal trains in its place out.

    shrink(robot_lora, "zero2", ranks=2)    → models/tiny-base, fp32, one epoch, a checkpoint after step 3

What a launch decides stays: the method, the records of a step, the strategy. What is learned does not.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

from recipebook.recipe.batches import divide_batch
from recipebook.recipe.keys import Recipe

STEPS, SAVED = 6, 3
SMALL: dict[str, Any] = {
    "model.base": "models/tiny-base", "model.chat_template": "chatml", "model.revision": None, "model.adapter": None,
    "training.precision": "fp32", "training.optimizer": "adamw_torch", "training.max_steps": None, "training.epochs": 1,
    "training.logging_steps": 1, "training.eval_steps": None, "training.early_stopping": None,
    "training.packing": False, "training.keep_checkpoints": 3, "training.too_long": "truncate",
    "training.save_steps": SAVED, "training.workers": 0, "training.gradient_accumulation": 1,
    "launch.machines": 1, "launch.device": "auto",
}  # fmt: skip
ADAPTER: dict[str, Any] = {"lora.dropout": 0.0, "lora.quantize": None, "lora.target_modules": "all-linear"}
# Rewards by lot: so small a model solves nothing, and its weights shall move.
EPISODES: dict[str, Any] = {
    "rl.collections": 2, "rl.epochs": 2, "rl.rounds": 2, "rl.seconds": 5, "rl.answer_tokens": 16, "rl.redraws": 0,
    "rl.least_success": 0, "rl.control": "random", "training.max_length": 512, "training.save_steps": None,
}  # fmt: skip
MOST_GROUP = 4


def shrink(asked: Recipe, strategy: str, ranks: int, most: int | None = None) -> Recipe:
    """The small recipe of one training on `ranks` processes; `most`: of all that this rehearsal starts, the most."""
    data = asked.model_dump(mode="json", exclude={"extends", "profiles", "stages", "matrix"})
    settings = dict(_list_settings(asked, most or ranks))
    settings |= {"launch.processes": ranks, "launch.strategy": strategy, "launch.offload": None}
    for key, value in settings.items():
        section, _, name = key.partition(".")
        data[section][name] = value
    return Recipe.model_validate_json(json.dumps(data), strict=True)


def find_saved_step(small: Recipe) -> int:
    """The step of its first checkpoint."""
    if small.training.method == "grpo":
        return small.rl.count_steps(divide_batch(small.training, small.launch.ranks).records)
    return SAVED


def _list_settings(asked: Recipe, most: int) -> Iterator[tuple[str, Any]]:
    yield from SMALL.items()
    if asked.lora:
        yield from ADAPTER.items()
    records = divide_batch(asked.training, asked.launch.ranks).records
    yield "training.global_batch", records
    if asked.training.method == "grpo":
        yield from EPISODES.items()
        group = min(asked.rl.group, MOST_GROUP)
        yield "rl.group", group
        yield "rl.episodes", math.lcm(records, group * most)
