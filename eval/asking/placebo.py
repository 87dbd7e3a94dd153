"""A run in; the trained placebo that it is compared with, and its model, out.

The placebo was trained by the same recipe on the same answers, shuffled among the prompts: what it gets right it has
from the form of answers and not from what was asked. A placebo's own evaluation has none.
"""

from typing import Any

from recipebook.recipe.base_model import find_base
from recipebook.recipe.keys import Recipe
from recipebook.run.placebo import find_placebo
from recipebook.run.rundir import Run


def choose_placebo(run: Run, recipe: Recipe) -> Run | None:
    """The placebo, whose weights are its own; None where the recipe names none."""
    from recipebook.run.own_weights import check_own

    if not recipe.eval.placebo or run.read().placebo_of:
        return None
    placebo = find_placebo(run)
    check_own(placebo, placebo.read(), recipe, placebo.folder / "model")
    return placebo


def load_placebo(placebo: Run, recipe: Recipe) -> Any:
    """The placebo's model, loaded as the tuned one is."""
    from eval.asking import generate

    weights = placebo.folder / "model"
    return generate.merge(generate.load_tuned(weights, find_base(recipe), recipe.model.revision).model)
