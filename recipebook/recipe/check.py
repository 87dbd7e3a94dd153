"""A project's folder in; a line for everything in its recipes, profiles and templates that would stop a run, out.

    recipes/robot-lora.yaml:7:14: no converter 'robto' in converters/; did you mean 'robot'? it has: echo, robot

Every recipe is resolved alone and under every profile. Neither torch nor Axolotl is imported.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from recipebook.errors import UserError
from recipebook.modules import PROFILE, list_names
from recipebook.project import PROJECT
from recipebook.recipe.faults import find_recipe_faults, format_faults
from recipebook.recipe.layers import Layers, list_own_recipes, read_layers, read_profile, set_profile
from recipebook.recipe.references import check_references, check_template
from recipebook.recipe.resolve import merge_layers
from recipebook.recipe.stages import read_stages
from recipebook.recipe.switches import check_switches

_PLACE = re.compile(r".*?:\d+:\d+: ")


def check_all(root: Path = PROJECT, only: str | None = None) -> list[str]:
    """One line a problem, each once, none when all is well; with `only`, that recipe's alone."""
    if only:
        return list(dict.fromkeys(_check_recipe(only, root)))
    names = list_own_recipes(root)
    if not names:
        return ["no recipes in recipes/"]
    lines = [line for recipe in names for line in _check_recipe(recipe, root)]
    lines += [line for profile in list_names(PROFILE, root) for line in _check_profile(profile, root)]
    lines += [line for path in _list_templates(root) for line in check_template(path, root)]
    return list(dict.fromkeys(lines))


def _check_recipe(name: str, root: Path) -> Iterator[str]:
    try:
        alone = read_layers(name, None, (), root)
    except UserError as error:
        yield from str(error).split("\n")
        return
    lines = _check_layers(alone)
    yield from lines
    # A mistake in the recipe's own section for a profile: under that profile it would be named again, in other words.
    known = {place[0] for line in lines if (place := _PLACE.match(line))}
    for profile in list_names(PROFILE, root):
        try:
            layers = set_profile(alone, profile)
        except UserError as error:
            yield from str(error).split("\n")
            continue
        for line in _check_layers(layers):
            place = _PLACE.match(line)
            if not place or place[0] not in known:
                yield line


def _check_layers(layers: Layers) -> list[str]:
    try:
        resolved = merge_layers(layers)
        check_references(resolved)
        check_switches(resolved)
        read_stages(layers)
    except UserError as error:
        return str(error).split("\n")
    return []


def _check_profile(name: str, root: Path) -> Iterator[str]:
    try:
        profile = read_profile(name, root)
        yield from format_faults(find_recipe_faults(profile.data, part=True), profile.places)
    except UserError as error:
        yield str(error)


def _list_templates(root: Path) -> list[Path]:
    templates = root / "templates"
    return sorted([*templates.rglob("*.j2"), *templates.rglob("*.jinja")])
