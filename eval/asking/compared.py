"""A run in; the other trained adapters whose answers stand beside its own, and their models, out.

A placebo was trained by the same recipe on the same answers, shuffled among the prompts: what it gets right it has
from the form of answers and not from what was asked. A placebo's own evaluation has none. An adapter that the training
went on from shows what this training adds to it.
"""

from pathlib import Path
from typing import Any

from eval.asking.layout import choose_layout
from recipebook.recipe.base_model import find_base
from recipebook.recipe.keys import Recipe
from recipebook.run.begun import BEGUN
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


def find_before(run: Run) -> Path | None:
    """The run's copy of the adapter that its training went on from; None where it began with a new one."""
    return run.folder / BEGUN if (run.folder / BEGUN).is_dir() else None


def load_compared(weights: Path, recipe: Recipe) -> Any:
    """The model of an adapter's folder, loaded as the tuned one is."""
    from eval.asking import generate

    base, revision = find_base(recipe), recipe.model.revision
    layout = choose_layout(recipe, recipe.model.base)
    return generate.merge(generate.load_tuned(weights, base, revision, layout=layout).model)
