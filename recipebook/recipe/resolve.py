"""A recipe's name, a profile and overrides in; the whole recipe out, every key with the place that set it.

    resolve("robot-lora", profile="tiny", overrides=["training.epochs=1"])

Later wins, mappings are merged: what `extends` names < the recipe < recipes/profiles/tiny.yaml < the recipe's own
`profiles: {tiny: ...}` < the overrides. A section set to null is taken out again. A stage's own sections come right
after the recipe's, its own profiles right after the recipe's profiles.
"""

import functools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipebook.errors import UserError
from recipebook.modules import PROFILE, describe_missing
from recipebook.project import PROJECT
from recipebook.recipe.faults import find_recipe_faults, format_faults, read_recipe
from recipebook.recipe.keys import Recipe
from recipebook.recipe.layers import NOT_IN_PROFILES, Layers, read_layers
from recipebook.recipe.merging import lift, merge_documents, merge_stage
from recipebook.recipe.places import Document, KeyPath, Places, forget
from recipebook.recipe.schema_walk import Fault


@dataclass(frozen=True)
class Resolved:
    """A recipe as it will run, and the place where each part of it is written."""

    name: str
    recipe: Recipe
    profile: str | None
    source: Path
    root: Path
    places: Places
    inherited: frozenset[KeyPath] = frozenset()
    """In a stage: the keys that the recipe or a profile sets for all stages."""
    fleet_suffix: str = ""
    """What follows the recipe's name in that of its fleet's folder."""
    strategy: str = ""
    """Which strategy `launch.strategy: auto` came to be, and why; empty where the recipe names one."""


def resolve(name: str, profile: str | None = None, overrides: Iterable[str] = (), root: Path = PROJECT) -> Resolved:
    """Read, merge and check a recipe; `name` is a file of recipes/ without its ending, or a path to a YAML file."""
    return merge_layers(read_layers(name, profile, overrides, root))


def merge_layers(layers: Layers, stage: Document | None = None, stage_overrides: Iterable[Document] = ()) -> Resolved:
    """Merge and check the layers; a stage's own sections come between the recipe and the profile."""
    merged = join_layers(layers, stage, stage_overrides)
    recipe = _validate(merged, layers.profile_name, layers.root)
    inherited = _list_inherited(merged.places, layers) if stage else frozenset[KeyPath]()
    return Resolved(layers.name, recipe, layers.profile_name, layers.source, layers.root, merged.places, inherited)


def join_layers(layers: Layers, stage: Document | None = None, stage_overrides: Iterable[Document] = ()) -> Document:
    """Merge the layers as `merge_layers` does, without a check of what comes out."""
    merged = Document({}, {})
    merge_documents(merged, layers.recipe)
    merged.places[()] = layers.recipe.places[()]
    own = stage or Document({}, {})
    if stage:
        merged.data.pop("stages", None)
        forget(merged.places, {("stages",)})
        merge_stage(merged, stage)
    if layers.profile_name:
        merge_documents(merged, layers.profile)
        merge_documents(merged, _own_profile(layers.recipe, layers.profile_name))
        merge_documents(merged, _own_profile(own, layers.profile_name))
    for override in layers.overrides:
        if "stages" not in override.data:
            merge_documents(merged, override)
    for override in stage_overrides:
        merge_documents(merged, override)
    return merged


def _own_profile(merged: Document, profile: str) -> Document:
    """The recipe's own section for a profile, moved to the top; if it is no mapping, the check reports it."""
    profiles = merged.data.get("profiles")
    data = profiles.get(profile) if isinstance(profiles, dict) else None
    return lift(merged, ("profiles", profile)) if isinstance(data, dict) else Document({}, {})


def _list_inherited(places: Places, layers: Layers) -> frozenset[KeyPath]:
    for_all = {spot for path, spot in layers.recipe.places.items() if path[:1] != ("stages",)}
    for_all |= set(layers.profile.places.values())
    return frozenset(path for path, spot in places.items() if spot in for_all)


def _validate(merged: Document, profile: str | None, root: Path) -> Recipe:
    recipe, faults = read_recipe(merged.data)
    faults += _find_profile_faults(merged.data.get("profiles"), profile, root)
    if recipe is None or faults:
        raise UserError("\n".join(format_faults(faults, merged.places)))
    return recipe


def _find_profile_faults(profiles: Any, chosen: str | None, root: Path) -> Iterator[Fault]:
    """What is wrong with the recipe's own sections for profiles; the chosen one's is checked where it was merged."""
    for name, part in profiles.items() if isinstance(profiles, dict) else ():
        path = ("profiles", name)
        missing = describe_missing(PROFILE, str(name), root)
        if missing:
            yield Fault(path, True, missing)
        if isinstance(part, dict):
            yield from (
                Fault((*path, key), True, f"a profile cannot have '{key}'") for key in NOT_IN_PROFILES & part.keys()
            )
            if name != chosen:
                yield from _find_part_faults(json.dumps(part), path)


@functools.lru_cache(maxsize=256)
def _find_part_faults(part: str, path: KeyPath) -> list[Fault]:
    """Cached, since `make check` looks at a recipe's own sections for profiles once for every profile."""
    return find_recipe_faults(json.loads(part), path, part=True)
