"""A merged recipe as plain data in; what is wrong with it out, one line each, with its place.

{"training": {"lerning_rate": 1}, ...}
recipes/x.yaml:12:3: unknown key 'lerning_rate' under training; did you mean 'learning_rate'?
"""

import functools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from recipebook.errors import on_one_line
from recipebook.recipe.axolotl_keys import RECIPE_KEYS, find_section_faults, known_keys
from recipebook.recipe.keys import Recipe
from recipebook.recipe.other_names import OTHER_NAMES
from recipebook.recipe.places import KeyPath, Places, place_of
from recipebook.recipe.schema_walk import Fault, Schema, dotted, find_faults, resolve_reference
from recipebook.suggestions import quote

MOST = 50
# An address with a name or password before its host, or with a key among its parameters.
_SECRET = re.compile(
    r"[a-z][a-z0-9+.-]*://"
    r"(?:[^/?#\s]*@|\S*[?&#](?:[\w.-]*(?:key|token|secret|signature|passw(?:or)?d|pwd|credential)|auth|authorization|sig)=)",
    re.IGNORECASE,
)

# What a schema lets pass and a model does not.
_NUMBERS = {
    "int_type": "is not a whole number: write it without a point and without e",
    "finite_number": "is not a finite number",
}


def read_recipe(data: dict[str, Any]) -> tuple[Recipe | None, list[Fault]]:
    """The recipe; or None, and everything that is wrong with its keys and values."""
    if list(_find_secrets(data, ())) or _find_engine_faults(data, ()):
        return None, find_recipe_faults(data)
    try:
        # As JSON, pydantic is strict about types and still takes a list for a tuple.
        return Recipe.model_validate_json(json.dumps(data), strict=True), []
    except ValidationError as error:
        return None, find_recipe_faults(data) or list_invalid(error, ())


def find_recipe_faults(data: dict[str, Any], path: KeyPath = (), part: bool = False) -> list[Fault]:
    """Everything wrong with the keys and values of a recipe, or of a part of one, such as a profile, at `path`."""
    if secrets := list(_find_secrets(data, path)):
        # Alone: another fault's line could repeat the value.
        return secrets
    schema = recipe_schema()
    if part:
        # A part may lack any key, and take a section out by null.
        data = {key: value for key, value in data.items() if value is not None}
    faults = [_explain(fault) for fault in find_faults(data, schema, schema["$defs"], path)]
    faults += _find_engine_faults(data, path)
    return [fault for fault in faults if not (part and fault.missing)]


def format_faults(faults: Iterable[Fault], places: Places) -> list[str]:
    """The faults as lines, in the order in which they are written in the files; each once; the first `MOST`."""
    placed = sorted((place_of(places, fault.path, fault.on_key), fault.text) for fault in faults)
    lines = list(dict.fromkeys(f"{place}: {on_one_line(text)}" for place, text in placed))
    more = [f"{placed[-1][0].file}: {len(lines) - MOST} more faults"] if len(lines) > MOST else []
    return lines[:MOST] + more


def list_invalid(error: ValidationError, path: KeyPath) -> list[Fault]:
    """The faults that a model's own validators found, which its schema cannot express."""
    faults = []
    for problem in error.errors(include_url=False):
        at, text = (*path, *problem["loc"]), problem["msg"].removeprefix("Value error, ")
        if words := _NUMBERS.get(problem["type"]):
            text = f"{quote(problem['input'])} {words}"
        place = f"{dotted(at)}: " if at else ""
        named = tuple(_list_named(text, problem["input"]))
        faults.append(Fault((*at, *named), bool(named), place + text))
    return faults


def _list_named(text: str, section: Any) -> Iterator[str]:
    """The keys on the way to the one with which a text about a section begins, as far as they are written there.

    ("training.global_batch: 30 records do not …", {"training": {"global_batch": 30}})  → training, global_batch
    """
    for key in text.partition(" ")[0].rstrip(":").split("."):
        if not (isinstance(section, dict) and key in section):
            return
        yield key
        section = section[key]


@functools.cache
def recipe_schema() -> Schema:
    """The recipe model as JSON Schema."""
    return Recipe.model_json_schema()


def _find_engine_faults(data: dict[str, Any], path: KeyPath) -> list[Fault]:
    section = data.get("axolotl")
    return find_section_faults(section, (*path, "axolotl")) if isinstance(section, dict) else []


def _find_secrets(value: Any, path: KeyPath) -> Iterator[Fault]:
    """Addresses with a password: they would be written into the run's folder. The lines do not repeat them."""
    if isinstance(value, dict | list):
        items: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from _find_secrets(inner, (*path, key))
    elif isinstance(value, str) and "://" in value and _SECRET.search(value):
        text = "an address with a user name, password or key in it; keys belong into environment variables"
        yield Fault(path, False, f"{dotted(path)}: {text}")


def _explain(fault: Fault) -> Fault:
    """Name the section that an unknown key belongs to, if it is in the wrong one."""
    if fault.unknown_key is None:
        return fault
    key = fault.unknown_key
    text = fault.text.partition(";")[0]
    if key in OTHER_NAMES and OTHER_NAMES[key] != dotted((*fault.path[:-1], key)):
        return replace(fault, text=f"{text}; write {OTHER_NAMES[key]}")
    homes = [section for section, keys in _sections().items() if key in keys]
    if "did you mean" in fault.text:
        return fault
    if homes:
        return replace(fault, text=f"{text}; it belongs under {' or '.join(homes)}")
    if key in RECIPE_KEYS:
        return replace(fault, text=f"{text}; write {RECIPE_KEYS[key]}")
    if key in known_keys():
        return replace(fault, text=f"{text}; Axolotl's own keys go under axolotl")
    return fault


@functools.cache
def _sections() -> dict[str, list[str]]:
    schema = recipe_schema()
    found = {}
    for name, section in schema["properties"].items():
        branches = [resolve_reference(branch, schema["$defs"]) for branch in section.get("anyOf", [section])]
        found[name] = [key for branch in branches for key in branch.get("properties", {})]
    return found
