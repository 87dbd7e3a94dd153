"""A recipe's name, a profile and overrides in; the whole recipe out, every key with the place that set it.

    resolve("robot-lora", profile="tiny", overrides=["training.epochs=1"])

Later wins, mappings are merged: what `extends` names < the recipe < recipes/profiles/tiny.yaml < the recipe's own
`profiles: {tiny: ...}` < the overrides. A section set to null is taken out again. A stage's own sections come right
after the recipe's, its own profiles right after the recipe's profiles.
"""

import copy
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from recipebook.errors import UserError, on_one_line
from recipebook.modules import PROFILE, describe_missing, find
from recipebook.project import PROJECT
from recipebook.recipe.faults import find_recipe_faults, format_faults, list_invalid
from recipebook.recipe.keys import Recipe
from recipebook.recipe.schema_walk import Fault
from recipebook.recipe.yaml_source import Document, KeyPath, Place, Places, Spot, forget, is_under, load, parse_value
from recipebook.suggestions import offer

NOT_IN_PROFILES = {"extends", "profiles", "stages"}
COMMAND_LINE = Spot(Place("SET"), Place("SET"))


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


@dataclass(frozen=True)
class Layers:
    """The layers that are merged into a recipe: the file with all that it extends, the profile, the overrides."""

    name: str
    source: Path
    root: Path
    recipe: Document
    profile_name: str | None
    profile: Document
    overrides: tuple[Document, ...]


def resolve(name: str, profile: str | None = None, overrides: Iterable[str] = (), root: Path = PROJECT) -> Resolved:
    """Read, merge and check a recipe; `name` is a file of recipes/ without its ending, or a path to a YAML file."""
    return merge_layers(read_layers(name, profile, overrides, root))


def read_layers(name: str, profile: str | None, overrides: Iterable[str], root: Path) -> Layers:
    """Read all that a recipe is merged from."""
    source = find_recipe(name, root)
    recipe = Document({}, {})
    for document in _read_chain(source, root):
        merge_documents(recipe, document)
        recipe.places[()] = document.places[()]
    below = read_profile(profile, root) if profile else Document({}, {})
    above = tuple(_read_override(override) for override in overrides)
    return Layers(_name_of(source, root), source, root, recipe, profile, below, above)


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
        _merge_stage(merged, stage)
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


def replace_section(document: Document, name: str, other: Document) -> None:
    """Put another document's section, with its places, in place of this one's; without one there, take it out."""
    document.data.pop(name, None)
    forget(document.places, {(name,)})
    if name in other.data:
        document.data[name] = copy.deepcopy(other.data[name])
        document.places.update((path, spot) for path, spot in other.places.items() if path[:1] == (name,))


def list_recipes(root: Path = PROJECT) -> list[str]:
    """Every recipe's name; files that start with `_` are only there to be extended."""
    folder = root / "recipes"
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml")]
    return sorted(name for name in names if not name.startswith("profiles/") and "/_" not in f"/{name}")


def find_recipe(name: str, root: Path = PROJECT) -> Path:
    """The file of a recipe, by name or by path."""
    candidates = [Path(name), root / name] if name.endswith((".yaml", ".yml")) else [root / "recipes" / f"{name}.yaml"]
    for path in candidates:
        if is_file(path):
            return path
    listed = list_recipes(root)
    raise UserError(f"no recipe '{name}' in recipes/{offer(name, listed)}")


def read_profile(name: str, root: Path = PROJECT) -> Document:
    """A profile: part of a recipe, in recipes/profiles."""
    path = find(PROFILE, name, root)
    document = load(path, format_path(path, root))
    for key in NOT_IN_PROFILES & document.data.keys():
        raise UserError(f"{document.places[(key,)].key}: a profile cannot have '{key}'")
    return document


def format_path(path: Path, root: Path) -> str:
    """A path as messages write it: from the project's folder, or from here."""
    absolute = path.absolute()
    for base in (root.absolute(), Path.cwd()):
        if absolute.is_relative_to(base):
            return str(absolute.relative_to(base))
    return str(path)


def is_file(path: Path) -> bool:
    """Whether a file exists; False too if no file can have this name."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _name_of(source: Path, root: Path) -> str:
    folder = (root / "recipes").absolute()
    absolute = source.absolute()
    if absolute.is_relative_to(folder):
        return absolute.relative_to(folder).with_suffix("").as_posix()
    return source.stem


def _read_chain(source: Path, root: Path) -> list[Document]:
    """The recipe and all that it extends, the furthest first."""
    chain: list[Document] = []
    names: list[str] = []
    name, place = _name_of(source, root), Place("")
    while True:
        if name in names:
            raise UserError(f"{place}: extends goes in a circle: {' -> '.join([*names[names.index(name) :], name])}")
        document = load(source, format_path(source, root))
        chain.insert(0, document)
        names.append(name)
        base = document.data.get("extends")
        if not isinstance(base, str):
            return chain
        place = document.places[("extends",)].value
        source = _find_base(base, place, root)
        name = _name_of(source, root)


def _find_base(name: str, place: Place, root: Path) -> Path:
    try:
        return find_recipe(name, root)
    except UserError as error:
        raise UserError(f"{place}: extends: {error}") from error


def _own_profile(merged: Document, profile: str) -> Document:
    """The recipe's own section for a profile, moved to the top; if it is no mapping, the check reports it."""
    profiles = merged.data.get("profiles")
    data = profiles.get(profile) if isinstance(profiles, dict) else None
    return lift(merged, ("profiles", profile)) if isinstance(data, dict) else Document({}, {})


def lift(document: Document, path: KeyPath) -> Document:
    """The mapping at a path, as a document of its own."""
    data: Any = document.data
    for key in path:
        data = data[key]
    depth = len(path)
    places = {known[depth:]: spot for known, spot in document.places.items() if known[:depth] == path}
    return Document(data, places)


def _read_override(text: str) -> Document:
    """`lora.r=8` as a document of its own."""
    dotted, equals, value = text.partition("=")
    path = tuple(dotted.split("."))
    if not equals or not all(path):
        hint = "" if equals else "; no blanks around ="
        raise UserError(f"SET: '{on_one_line(text)}' is not section.key=value{hint}")
    try:
        data = parse_value(value)
    except UserError as error:
        # A line and column within one argument would only confuse.
        raise UserError(f"SET: {on_one_line(dotted)}: {str(error).partition(' ')[2]}") from error
    for key in reversed(path):
        data = {key: data}
    return Document(data, dict.fromkeys(_list_paths(data, ()), COMMAND_LINE))


def _list_paths(value: Any, path: KeyPath) -> list[KeyPath]:
    if isinstance(value, dict):
        return [path, *(inner for key, item in value.items() for inner in _list_paths(item, (*path, key)))]
    if isinstance(value, list):
        return [path, *(inner for index, item in enumerate(value) for inner in _list_paths(item, (*path, index)))]
    return [path]


def merge_documents(below: Document, above: Document) -> None:
    """Lay one document over another, with its places."""
    joined: list[KeyPath] = []
    replaced: set[KeyPath] = set()
    _merge_mapping(below.data, above.data, (), joined, replaced)
    # In one pass over all places: one for each key would take minutes where there are thousands.
    forget(below.places, replaced)
    brought = {path for path in replaced if path in above.places and (len(path) > 1 or path[0] in below.data)}
    below.places.update((known, spot) for known, spot in above.places.items() if is_under(known, brought))
    below.places.update((path, above.places[path]) for path in joined)


def _merge_stage(below: Document, stage: Document) -> None:
    """Lay a stage over its recipe.

    A stage's `data` with a `source`, and its `eval` with `metrics`, replace the recipe's whole section: options belong
    to the data and metrics that they are written with.
    """
    for section, key in (("data", "source"), ("eval", "metrics")):
        if isinstance(stage.data.get(section), dict) and key in stage.data[section]:
            below.data.pop(section, None)
            forget(below.places, {(section,)})
    merge_documents(below, stage)


def _merge_mapping(
    below: dict[str, Any], above: dict[str, Any], path: KeyPath, joined: list[KeyPath], replaced: set[KeyPath]
) -> None:
    """Lay one mapping over another; note the paths of mappings that were joined, and of values that were replaced."""
    for key, value in above.items():
        inner = (*path, key)
        if value is None and not path:
            below.pop(key, None)
            replaced.add(inner)
        elif isinstance(value, dict) and isinstance(below.get(key), dict):
            joined.append(inner)
            _merge_mapping(below[key], value, inner, joined, replaced)
        else:
            below[key] = copy.deepcopy(value)
            replaced.add(inner)


def _list_inherited(places: Places, layers: Layers) -> frozenset[KeyPath]:
    for_all = {spot for path, spot in layers.recipe.places.items() if path[:1] != ("stages",)}
    for_all |= set(layers.profile.places.values())
    return frozenset(path for path, spot in places.items() if spot in for_all)


def _validate(merged: Document, profile: str | None, root: Path) -> Recipe:
    faults = [*find_recipe_faults(merged.data), *_find_profile_faults(merged.data.get("profiles"), profile, root)]
    if not faults:
        try:
            # As JSON, pydantic is strict about types and still takes a list for a tuple.
            return Recipe.model_validate_json(json.dumps(merged.data), strict=True)
        except ValidationError as error:
            faults = list_invalid(error, ())
    raise UserError("\n".join(format_faults(faults, merged.places)))


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
                yield from find_recipe_faults(part, path, part=True)
