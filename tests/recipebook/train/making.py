"""For tests: a recipe, and what was seen of its rows.

see({"lengths": (10, 12), "passed": 1}) → PartPreview(rows=2, lengths=(10, 12), trained=(4, 5), passed=1, …)
"""

from typing import Any

from recipebook.recipe.keys import Recipe
from recipebook.train.preview import PartPreview, TextFault

GOOD: dict[str, Any] = {
    "rows": 2,
    "lengths": (10, 12),
    "trained": (4, 5),
    "examples": ((("asked", False), ("said", True)),),
    "first": "x.jsonl#1",
    "passed": 2,
}


def see(changes: dict[str, Any]) -> PartPreview:
    """Two good rows but for the changes."""
    return PartPreview.model_validate({**GOOD, **changes})


def find(kind: str, count: int, text: str = "is wrong") -> TextFault:
    """What is found in some rows."""
    return TextFault(kind=kind, text=text, note=kind == "opening", count=count, first="x.jsonl#2")


def write_recipe(**training: Any) -> Recipe:
    """A recipe with these settings of training."""
    return Recipe.model_validate(
        {
            "description": "x",
            "model": {"base": "models/mine"},
            "data": {"source": "x.jsonl", "converter": "chat"},
            "training": training,
        }
    )
