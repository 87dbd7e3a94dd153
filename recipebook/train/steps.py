"""How many steps a training takes: a recipe and the number of its rows in; the steps out, or why the only one is idle.

    count_steps(recipe with batch_size 4 and 2 epochs, 10 rows)      → 5
    find_idle_step(recipe of dpo with max_steps 1, 100 rows)         → "training.warmup_ratio: …"

A warm-up's first step has a learning rate of 0. A training of that one step would end with the weights as they were.
"""

import math

from recipebook.recipe.batches import divide_batch
from recipebook.recipe.keys import Recipe

PREFERENCES = ("dpo", "ipo", "orpo", "kto")


def count_steps(recipe: Recipe, rows: int) -> int:
    """The optimizer's steps, where `rows` are not packed."""
    training = recipe.training
    batch = divide_batch(training, recipe.launch.ranks)
    if training.method == "grpo":
        return training.max_steps or recipe.rl.count_steps(batch.records) * recipe.rl.collections
    # Axolotl ends by this number of steps, and so within the last epoch where rows do not fill each epoch's last step.
    return training.max_steps or math.ceil(rows * training.epochs / batch.records)


def find_idle_step(recipe: Recipe, rows: int) -> str | None:
    """Why a training of one step would change nothing; None where it has more of them, or no warm-up."""
    training = recipe.training
    warms_up = training.warmup_ratio and training.scheduler != "constant"
    if recipe.remote or not warms_up or count_steps(recipe, rows) > 1 or not _begins_idle(recipe, rows):
        return None
    return (
        "training.warmup_ratio: this training has one step, the first of the warm-up, whose learning rate is 0: "
        "training.warmup_ratio=0, or more steps"
    )


def _begins_idle(recipe: Recipe, rows: int) -> bool:
    """Whether a warm-up has a step at all, by each engine's own count of all steps."""
    training = recipe.training
    if training.method in ("simpo", "grpo"):
        # TRL rounds the share up.
        return True
    if training.method not in PREFERENCES:
        # Axolotl rounds down, and a share of one step is none.
        return False
    # Of preferences, Axolotl counts the steps without a look at max_steps.
    whole = rows * training.epochs / divide_batch(training, recipe.launch.ranks).records
    return int(training.warmup_ratio * math.ceil(whole)) > 0
