"""The first lines of every command that trains or plans: the recipe, the service, and what became of the records."""

import textwrap
from collections.abc import Mapping
from typing import Any

from recipebook.data.dataset import Dataset
from recipebook.hardware import APPLE_GPU, Hardware, detect
from recipebook.recipe.base_model import find_stand_in, format_notice, read_origin
from recipebook.recipe.keys import Recipe
from recipebook.recipe.resolve import Resolved
from recipebook.terminal import print_field
from recipebook.train.continuing import format_begun

WIDTH = 80
# Adapters of the embedded model learn next to nothing below it.
LEAST_TINY_RATE = 1e-3


def print_recipe(resolved: Resolved) -> None:
    """Print the first lines of output, with a notice if another model stands in for the recipe's base."""
    base = resolved.recipe.model.base
    if notice := format_notice(find_stand_in(base)):
        print(textwrap.fill(notice, WIDTH))
    print_field("recipe", f"{resolved.name}, profile {resolved.profile}, base {base}")
    if origin := read_origin(base):
        print_field("weights", origin)
    if resolved.recipe.lora is None:
        print_field("adapter", "none, since there is no lora section: all weights are trained")
    if begun := format_begun(resolved.recipe):
        print_field("adapter", begun)
    if resolved.strategy:
        print_field("strategy", f"auto: {resolved.strategy}")
    if resolved.recipe.remote:
        print_field("service", f"{resolved.recipe.remote.service} trains, and chooses optimizer, seed and packing")
    if note := format_low_rate(resolved.recipe):
        print_field("note", note)
    if note := format_unused_gpus(resolved.recipe, detect()):
        print_field("device", note)


def format_low_rate(recipe: Recipe) -> str:
    """A note on a rate that suits larger bases, where the embedded model stands in for one; empty elsewhere."""
    rate, several = recipe.training.learning_rate, recipe.stages or recipe.matrix
    if find_stand_in(recipe.model.base) != "tiny" or recipe.lora is None or several or rate >= LEAST_TINY_RATE:
        return ""
    return (
        f"the tiny model learns little at a rate of {rate:g}: "
        "profiles: {tiny: {training: {epochs: 6, learning_rate: 3e-3}}} in the recipe"
    )


def format_weights(found: Mapping[str, Any]) -> str:
    """`81,920 weights, 7.4 % of the model's`, of what the trainer found in the files that it saved (weights.json).

    A whole model is all of it, and a service does not say how many its model has.
    """
    share = found["parameters"] / found["of"] if found.get("of") else 1.0
    return f"{found['parameters']:,} weights" + (f", {100 * share:.2g} % of the model's" if share < 1 else "")


def format_unused_gpus(recipe: Recipe, machine: Hardware) -> str:
    """A note on GPUs that a training on the processor leaves unused; empty where there are none."""
    if machine.gpu or recipe.launch.device == "mps" or not machine.other_gpus:
        return ""
    if APPLE_GPU in machine.other_gpus:
        return "the processor; PROFILE=mps trains on this machine's Apple GPU"
    names = " and ".join(dict.fromkeys(machine.other_gpus))
    return f"the processor; Recipebook trains on NVIDIA and Apple GPUs, and not on this machine's {names}"


def format_packed(*, gpu: bool, bf16: bool) -> str:
    """How packed rows are kept apart, and which of Axolotl's warnings means nothing."""
    if not gpu:
        return "each row sees itself alone, by a mask"
    if not bf16:
        return "each row sees itself alone, by a mask: this GPU has no kernel of varlen attention"
    return (
        "each row sees itself alone, by torch's varlen attention; before Hopper, Axolotl warns of losses of 0.0, which "
        "concerns attention without it"
    )


def print_dataset(dataset: Dataset) -> None:
    """Print how many records became rows, and how many were rejected or repeat."""
    account = dataset.account
    parts = ", ".join(f"{count} {part}" for part, count in dataset.rows.items())
    print_field("data", f"{account.records} records, {account.rejects} rejected: {parts} rows")
    shared = f"{account.overlap_test} train rows share their {account.leak} with test"
    print_field("", f"{shared}, {account.duplicates} duplicate rows")
    for line in account.lines()[1:]:
        print_field("", line)
