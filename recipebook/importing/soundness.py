"""A draft in; the recipe that `make check` has nothing against out, or the lines that say why there is none.

A key that another one switches off, such as the other tool's own default, is left out with a line:

    preference.beta: 0.2: beta under preference has no effect with training.method: orpo
"""

from pathlib import Path

from recipebook.errors import UserError
from recipebook.importing.draft import Draft
from recipebook.project import PROJECT
from recipebook.recipe.faults import read_recipe
from recipebook.recipe.resolve import Resolved
from recipebook.recipe.schema_walk import dotted
from recipebook.recipe.switches import find_switched_off, list_switches
from recipebook.recipe.yaml_source import parse


def make_sound(draft: Draft, path: Path, source: Path, root: Path = PROJECT) -> None:
    """Leave out what has no effect; refuse `source` if what it becomes at `path` is no recipe."""
    _take_two_at_least(draft)
    document = parse(draft.format(), str(path))
    recipe, faults = read_recipe(document.data)
    if recipe is None:
        raise UserError("\n".join(f"{source}: as a recipe, {fault.text}" for fault in faults))
    resolved = Resolved(path.stem, recipe, None, path, root, document.places)
    for fault in find_switched_off(resolved, list_switches(recipe, root)):
        draft.leave_out(dotted(fault.path), fault.text.partition("; ")[0])


def _take_two_at_least(draft: Draft) -> None:
    """kto compares the answers of a batch, which here has two or more, and there may have one."""
    training = draft.recipe["training"]
    if training.get("method") == "kto" and training.get("batch_size") == 1:
        times = training.get("gradient_accumulation", 1)
        draft.note("training.batch_size", "kto compares the answers of a batch, which has two or more", 1)
        training |= {"batch_size": 2, "gradient_accumulation": max(1, times // 2)}
