"""A recipe's base model: a folder of the project or anywhere, or a name on the Hub."""

from pathlib import Path

from recipebook.project import PROJECT
from recipebook.recipe.keys import Recipe


def find_base(recipe: Recipe) -> Path | str:
    """The base model's folder in the project or anywhere, or its name on the hub."""
    folder = (PROJECT / recipe.model.base).resolve()
    return folder if folder.is_dir() else recipe.model.base
