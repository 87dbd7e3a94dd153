"""A value and a JSON Schema in; what is wrong with the value out, in words and with the path to it.

    {"epochs": "three"} and {"properties": {"epochs": {"type": "number", "exclusiveMinimum": 0}}} give
    Fault(path=("epochs",), on_key=False, text="epochs: 'three' is not a number (greater than 0)")

It knows the part of JSON Schema that pydantic writes. An object with properties refuses others unless they are allowed.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from recipebook.recipe.places import KeyPath
from recipebook.suggestions import quote, suggest

Schema = dict[str, Any]
# To find the nearest of 400 keys takes two milliseconds.
MOST_SUGGESTED = 50
# The bound of numbers that have no other: no training has more of anything. It is named where it is broken.
MOST = 1_000_000_000


@dataclass(frozen=True)
class Fault:
    """Something wrong at `path`; `on_key`: the key is wrong and not its value."""

    path: KeyPath
    on_key: bool
    text: str
    unknown_key: str | None = None
    missing: bool = False


def find_faults(value: Any, schema: Schema, definitions: Schema, path: KeyPath = ()) -> list[Fault]:
    """Everything that is wrong with `value`, in the value's own order; `$ref` looks its names up in `definitions`."""
    return list(_walk(value, schema, definitions, path))


def resolve_reference(schema: Schema, definitions: Schema) -> Schema:
    """The schema itself, or the definition that it refers to."""
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    return schema


def dotted(path: KeyPath) -> str:
    """`eval.metrics.robot`, the way overrides are written."""
    return ".".join(str(part) for part in path)


def _walk(value: Any, schema: Schema, definitions: Schema, path: KeyPath) -> Iterator[Fault]:
    schema = resolve_reference(schema, definitions)
    if "anyOf" in schema:
        yield from _walk_any(value, schema, definitions, path)
    elif not _fits(value, schema):
        yield _make_misfit(value, schema, definitions, path)
    elif isinstance(value, dict):
        yield from _walk_object(value, schema, definitions, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, _item_schema(schema, index), definitions, (*path, index))


def _walk_any(value: Any, schema: Schema, definitions: Schema, path: KeyPath) -> Iterator[Fault]:
    branches = [resolve_reference(branch, definitions) for branch in schema["anyOf"]]
    tries = [list(_walk(value, branch, definitions, path)) for branch in branches]
    if all(tries):
        # The faults in a branch of the right shape help more than the message that no branch fits.
        inner = [faults for faults in tries if faults[0].path != path or faults[0].on_key]
        if inner and isinstance(value, dict | list):
            yield from min(inner, key=len)
        else:
            yield _make_misfit(value, schema, definitions, path)


def _make_misfit(value: Any, schema: Schema, definitions: Schema, path: KeyPath) -> Fault:
    allowed = describe(schema, definitions)
    hint = ""
    if isinstance(value, bool) and "text" in allowed:
        hint = "; YAML reads yes, no, on and off as true and false: put the word in quotes"
    if _is_above_most(value, schema, definitions):
        hint = f"; the most is {MOST}"
    return Fault(path, False, f"{dotted(path)}: {quote(value)} is not {allowed}{hint}")


def _is_above_most(value: Any, schema: Schema, definitions: Schema) -> bool:
    branches = [resolve_reference(branch, definitions) for branch in schema.get("anyOf", [schema])]
    bounded = any(branch.get("maximum") == MOST for branch in branches)
    return bounded and isinstance(value, int | float) and value > MOST


def _walk_object(value: dict[str, Any], schema: Schema, definitions: Schema, path: KeyPath) -> Iterator[Fault]:
    properties: Schema = schema.get("properties", {})
    others = schema.get("additionalProperties", not properties)
    unknown = 0
    for key, item in value.items():
        if key in properties:
            yield from _walk(item, properties[key], definitions, (*path, key))
        elif isinstance(others, dict):
            yield from _walk(item, others, definitions, (*path, key))
        elif not others:
            under = f" under {dotted(path)}" if path else ""
            unknown += 1
            hint = suggest(key, sorted(properties)) if unknown <= MOST_SUGGESTED else ""
            yield Fault((*path, key), True, f"unknown key '{key}'{under}{hint}", unknown_key=key)
    for key in schema.get("required", []):
        if key not in value:
            under = f" under {dotted(path)}" if path else ""
            yield Fault(path, True, f"missing key '{key}'{under}", missing=True)


def _item_schema(schema: Schema, index: int) -> Schema:
    fixed: list[Schema] = schema.get("prefixItems", [])
    item: Schema = fixed[index] if index < len(fixed) else schema.get("items", {})
    return item


def _fits(value: Any, schema: Schema) -> bool:
    if "const" in schema:
        return type(value) is type(schema["const"]) and value == schema["const"]
    if "enum" in schema:
        return any(type(value) is type(member) and value == member for member in schema["enum"])
    return _has_type(value, schema.get("type")) and _within(value, schema)


def _has_type(value: Any, name: str | None) -> bool:
    # A bool is an int to Python and not to anyone who writes a recipe; 3.0 is whole to JSON Schema and to pydantic.
    match name:
        case "integer":
            return (isinstance(value, int) and not isinstance(value, bool)) or (
                isinstance(value, float) and value.is_integer()
            )
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case None:
            return True
        case _:
            return isinstance(value, _TYPES[name])


_TYPES: dict[str, type] = {"string": str, "boolean": bool, "null": type(None), "array": list, "object": dict}


def _within(value: Any, schema: Schema) -> bool:
    if isinstance(value, str):
        return (
            bool(len(value) >= schema.get("minLength", 0)) and re.search(schema.get("pattern", ""), value) is not None
        )
    if isinstance(value, list):
        return bool(schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)))
    if isinstance(value, int | float):
        return all(holds(value, schema[name]) for name, (_, holds) in _COMPARE.items() if name in schema)
    return True


_COMPARE: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "minimum": ("at least", lambda value, bound: value >= bound),
    "exclusiveMinimum": ("greater than", lambda value, bound: value > bound),
    "maximum": ("at most", lambda value, bound: value <= bound),
    "exclusiveMaximum": ("less than", lambda value, bound: value < bound),
}


def describe(schema: Schema, definitions: Schema) -> str:
    """The values that a schema allows, in words: `a number (greater than 0)`, `one of: 4bit, 8bit`."""
    schema = resolve_reference(schema, definitions)
    if "anyOf" in schema:
        words = [describe(branch, definitions) for branch in schema["anyOf"]]
        return " or ".join(dict.fromkeys(word for word in words if word != "null"))
    if "const" in schema:
        return quote(schema["const"])
    if "enum" in schema:
        return f"one of: {', '.join(str(member) for member in schema['enum'])}"
    word = _WORDS.get(schema.get("type", ""), "a value")
    given = [name for name in _COMPARE if name in schema and schema[name] != MOST]
    bounds = [f"{_COMPARE[name][0]} {_format_bound(schema[name])}" for name in given]
    if "minLength" in schema:
        bounds.append("not empty")
    if "minItems" in schema:
        bounds.append(f"of {schema['minItems']} or more")
    if "pattern" in schema:
        bounds.append(f"matching {schema['pattern']}")
    return f"{word} ({', '.join(bounds)})" if bounds else word


def _format_bound(bound: float) -> str:
    return f"{bound:g}" if abs(bound) < 1_000_000 else str(bound)


_WORDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "a mapping",
}
