"""`launch.strategy: auto` and a GPU in; the strategy that fits it, and the reason, out.

    choose_strategy(recipe of a 32B base on 8 processes, a GPU of 79.6 GiB)
    → ("zero3", "zero2 takes about 111.0 GiB a GPU, which has 79.6")

It is DeepSpeed's: zero2 while the whole model fits each GPU, with activations computed again where that is needed, else
zero3. It is chosen where a recipe meets a machine, so that all that follows knows one strategy.
"""

from dataclasses import replace
from typing import Literal

from recipebook.recipe.keys import Recipe
from recipebook.recipe.resolve import Resolved
from recipebook.train.cards import Card
from recipebook.train.memory import GIB, describe, estimate
from recipebook.train.memory_words import MARGIN
from recipebook.train.settle import TrainingDevice, find_device
from recipebook.train.shapes import find_shape

AUTO = "auto"
Chosen = Literal["data-parallel", "zero2", "zero3"]


def settle_strategy(resolved: Resolved, card: Card | None = None) -> Resolved:
    """The recipe with a strategy in place of `auto`, for this machine or for GPUs of the given kind."""
    if resolved.recipe.launch.strategy != AUTO:
        return resolved
    chosen, why = choose_strategy(resolved.recipe, find_device(card))
    return replace(resolved, recipe=name_strategy(resolved.recipe, chosen), strategy=f"{chosen}, since {why}")


def name_strategy(recipe: Recipe, strategy: Chosen) -> Recipe:
    """The recipe with a strategy of that name."""
    return recipe.model_copy(update={"launch": recipe.launch.model_copy(update={"strategy": strategy})})


def choose_strategy(recipe: Recipe, device: TrainingDevice) -> tuple[Chosen, str]:
    """The strategy, and why it is that."""
    if recipe.launch.ranks == 1:
        return "data-parallel", "one process has nobody to share with"
    if recipe.training.method == "grpo":
        return "zero2", "under grpo each process plays with whole weights"
    shape = find_shape(recipe.model.base)
    if shape is None:
        return "zero2", "the base's shape is not known here"
    if device.memory_gib is None:
        return "zero2", "no GPU is here whose memory counts"
    whole = describe(name_strategy(recipe, "zero2"), shape)
    spare = recipe.training.gradient_checkpointing is not False
    needed = estimate(shape, whole._replace(checkpointing=spare)) / GIB
    why = f"zero2 takes about {needed:.1f} GiB a GPU, which has {device.memory_gib:.1f}"
    return ("zero2" if needed <= device.memory_gib * (1 - MARGIN) else "zero3"), why
