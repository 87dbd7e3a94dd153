"""A recipe without metrics that names a main figure: whether the metrics that its rows have by default measure it.

    eval.main: no figure 'exat' in the metrics; did you mean 'exact'?

A recipe with metrics is checked without its rows (recipebook/recipe/references.py).
"""

from recipebook.data.dataset import Dataset
from recipebook.data.default_metrics import choose_metrics
from recipebook.errors import UserError
from recipebook.recipe.figures import find_main_fault
from recipebook.recipe.keys import Recipe


def check_main_figure(recipe: Recipe, dataset: Dataset) -> None:
    """Refuse a figure that no evaluation of these rows would have, before hours of training."""
    settings = recipe.eval
    if settings.main is None or settings.metrics:
        return
    metrics = choose_metrics(recipe.data, dataset.path(settings.part))
    if fault := find_main_fault(settings.main, metrics):
        raise UserError(f"eval.main: {fault}")
