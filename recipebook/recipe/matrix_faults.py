"""A recipe's matrix in; a fault for each of its keys that no member could have, out.

    matrix: {values: {training.sed: [1]}}     recipes/x.yaml:9:20: matrix.values: unknown key 'sed' under training; …

Values of columns and files are known only once the data is read; members are checked then.
"""

from collections.abc import Iterator
from typing import Any

from recipebook.recipe.faults import find_recipe_faults
from recipebook.recipe.keys import Recipe
from recipebook.recipe.schema_walk import Fault


def find_matrix_faults(recipe: Recipe) -> Iterator[Fault]:
    """One fault for each key, of the first of its values that has any."""
    if recipe.matrix is None:
        return
    for key, values in recipe.matrix.values.items():
        for value in values if isinstance(values, tuple) else ():
            faults = find_recipe_faults(_nest(key, value), part=True)
            if faults:
                yield Fault(("matrix", "values", key), True, f"matrix.values: {faults[0].text}")
                break


def _nest(key: str, value: Any) -> dict[str, Any]:
    """`{"lora": {"r": 8}}` of `lora.r` and 8."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)
