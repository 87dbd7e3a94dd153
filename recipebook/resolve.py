"""A recipe's name, a profile and overrides in; the whole recipe out, every key with the place that set it.

    resolve("robot-lora", profile="tiny", overrides=["training.epochs=1"])

Later wins, mappings are merged: what `extends` names < the recipe < recipes/profiles/tiny.yaml < the recipe's own
`profiles: {tiny: ...}` < the overrides. A section set to null is taken out again.
"""

import copy
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from recipebook.errors import UserError, on_one_line
from recipebook.recipe import PROJECT, Recipe
from recipebook.recipe_faults import find_recipe_faults, tell, tell_invalid
from recipebook.schema_walk import Fault, offer
from recipebook.yaml_source import Document, KeyPath, Place, Places, Spot, forget, load, parse_value

NOT_IN_PROFILES = {"extends", "profiles"}
COMMAND_LINE = Spot(Place("SET"), Place("SET"))


@dataclass(frozen=True)
class Resolved:
    """A recipe as it will run, and where each part of it was said."""

    name: str
    recipe: Recipe
    profile: str | None
    source: Path
    root: Path
    places: Places


def resolve(name: str, profile: str | None = None, overrides: Iterable[str] = (), root: Path = PROJECT) -> Resolved:
    """Read, merge and check a recipe; `name` is a file of recipes/ without its ending, or a path to a YAML file."""
    source = find_recipe(name, root)
    merged = Document({}, {})
    for document in _read_chain(source, root):
        _merge(merged, document)
        merged.places[()] = document.places[()]
    if profile:
        _merge(merged, read_profile(profile, root))
        _merge(merged, _own_profile(merged, profile))
    for override in overrides:
        _merge(merged, _read_override(override))
    recipe = _validate(merged, profile, root)
    return Resolved(_name_of(source, root), recipe, profile, source, root, merged.places)


def list_recipes(root: Path = PROJECT) -> list[str]:
    """Every recipe's name; files that start with `_` are only there to be extended."""
    folder = root / "recipes"
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml")]
    return sorted(name for name in names if not name.startswith("profiles/") and "/_" not in f"/{name}")


def list_profiles(root: Path = PROJECT) -> list[str]:
    """Every profile's name."""
    return sorted(path.stem for path in (root / "recipes" / "profiles").glob("*.yaml"))


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
    known = list_profiles(root)
    if name not in known:
        raise UserError(f"no profile '{name}' in recipes/profiles/{offer(name, known)}")
    path = root / "recipes" / "profiles" / f"{name}.yaml"
    document = load(path, show(path, root))
    for key in NOT_IN_PROFILES & document.data.keys():
        raise UserError(f"{document.places[(key,)].key}: a profile cannot have '{key}'")
    return document


def show(path: Path, root: Path) -> str:
    """A path as messages write it: from the project's folder, or from here."""
    absolute = path.absolute()
    for base in (root.absolute(), Path.cwd()):
        if absolute.is_relative_to(base):
            return str(absolute.relative_to(base))
    return str(path)


def is_file(path: Path) -> bool:
    """Whether a file stands there; what no file can be called is none."""
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
        document = load(source, show(source, root))
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
    """The recipe's own section for a profile, moved to the top; what is no mapping is left for the check to tell."""
    root: KeyPath = ("profiles", profile)
    profiles = merged.data.get("profiles")
    data = profiles.get(profile) if isinstance(profiles, dict) else None
    if not isinstance(data, dict):
        return Document({}, {})
    places = {path[2:]: spot for path, spot in merged.places.items() if path[:2] == root}
    return Document(data, places)


def _read_override(text: str) -> Document:
    """`lora.r=8` as a document of its own."""
    dotted, equals, value = text.partition("=")
    path = tuple(dotted.split("."))
    if not equals or not all(path):
        raise UserError(f"SET: '{on_one_line(text)}' is not section.key=value")
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


def _merge(below: Document, above: Document) -> None:
    """Lay one document over another, with its places."""
    _merge_mapping(below.data, above.data, (), below.places, above.places)


def _merge_mapping(below: dict[str, Any], above: dict[str, Any], path: KeyPath, places: Places, new: Places) -> None:
    for key, value in above.items():
        inner = (*path, key)
        if value is None and not path:
            below.pop(key, None)
            forget(places, inner)
        elif isinstance(value, dict) and isinstance(below.get(key), dict):
            places[inner] = new[inner]
            _merge_mapping(below[key], value, inner, places, new)
        else:
            forget(places, inner)
            below[key] = copy.deepcopy(value)
            places.update((known, spot) for known, spot in new.items() if known[: len(inner)] == inner)


def _validate(merged: Document, profile: str | None, root: Path) -> Recipe:
    faults = [*find_recipe_faults(merged.data), *_find_profile_faults(merged.data.get("profiles"), profile, root)]
    if not faults:
        try:
            # As JSON, pydantic is strict about types and still takes a list for a tuple.
            return Recipe.model_validate_json(json.dumps(merged.data), strict=True)
        except ValidationError as error:
            faults = tell_invalid(error, ())
    raise UserError("\n".join(tell(faults, merged.places)))


def _find_profile_faults(profiles: Any, chosen: str | None, root: Path) -> Iterator[Fault]:
    """What is wrong with the recipe's own sections for profiles; the chosen one's is checked where it was merged."""
    for name, part in profiles.items() if isinstance(profiles, dict) else ():
        path = ("profiles", name)
        known = list_profiles(root)
        if name not in known:
            yield Fault(path, True, f"no profile '{name}' in recipes/profiles/{offer(name, known)}")
        if isinstance(part, dict):
            yield from (
                Fault((*path, key), True, f"a profile cannot have '{key}'") for key in NOT_IN_PROFILES & part.keys()
            )
            if name != chosen:
                yield from find_recipe_faults(part, path, part=True)
