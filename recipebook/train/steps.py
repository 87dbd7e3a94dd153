"""How many steps a training takes: a recipe and the number of its rows in; the steps out, or why the only one is idle.

    count_steps(recipe with batch_size 4 and 2 epochs, 10 rows)      → 6
    find_idle_step(recipe with max_steps 1 and a warm-up, 10 rows)   → "training.warmup_ratio: …"

A warm-up's first step has a learning rate of 0. A training of that one step would end with the weights as they were.
"""

import math

from recipebook.recipe.batches import divide_batch
from recipebook.recipe.keys import Recipe


def count_steps(recipe: Recipe, rows: int) -> int:
    """The optimizer's steps, where `rows` are not packed."""
    training = recipe.training
    batch = divide_batch(training, recipe.launch.ranks)
    if training.method == "grpo":
        return training.max_steps or recipe.rl.count_steps(batch.records) * recipe.rl.collections
    return training.max_steps or math.ceil(math.ceil(rows / batch.records) * training.epochs)


def find_idle_step(recipe: Recipe, rows: int) -> str | None:
    """Why a training of one step would change nothing; None where it has more of them, or no warm-up."""
    training = recipe.training
    warms_up = training.warmup_ratio and training.scheduler != "constant"
    # KTO makes two rows of a pair. Packing makes fewer rows, and so no more steps.
    most = count_steps(recipe, 2 * rows if training.method == "kto" else rows)
    if recipe.remote or not warms_up or most > 1:
        return None
    return (
        "training.warmup_ratio: this training has one step, the first of the warm-up, whose learning rate is 0: "
        "training.warmup_ratio=0, or more steps"
    )
