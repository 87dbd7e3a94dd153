"""Pydantic models in; tables of their keys out, with type, unit, default and description.

class Lora(Section):
    r: Rank = Field(32, description="rank of the adapter's matrices. Raise it when …")

| `r` | a whole number (greater than 0) | rank | 32 | rank of the adapter's matrices. Raise it when … |
"""

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from recipebook.modules import STAGE, list_names, load
from recipebook.recipe.faults import recipe_schema
from recipebook.recipe.schema_walk import Schema, describe, resolve_reference
from recipebook.recipe.stage_list import Head

COLUMNS = ["key", "type", "unit", "default", "what it does, and when to change it"]
INTRODUCTION = """\
# Recipe keys

Every key that a recipe may have. This page is generated from the models by `make docs`.

Each section has one table. *Required* keys have no default. A section or key whose default is `null` is switched off.
Only numbers have units. The recipe's [inheritance](recipes.md#inheritance) says which file wins.
"""
STAGES = """\
## stages

Each item of the list `stages` has a name and a start. It may also have the sections `model`, `data`, `training`,
`lora`, `preference`, `launch`, `eval`, `axolotl` and `profiles`, which are merged over the recipe's. See
[stages.md](stages.md).
"""
KINDS = """\
## Stage kinds

A stage that has one of these keys trains nothing; it runs the module of that name with the options below.
"""


def render_recipe() -> str:
    """The page of every key of a recipe, of its stages and of their kinds."""
    schema = recipe_schema()
    parts = [INTRODUCTION, *_render_sections(schema, schema["$defs"], ""), STAGES, render_keys(Head), KINDS]
    for kind, module in load_kinds().items():
        parts += [f"### {kind}\n\n{summarise(module.__doc__)}\n", render_keys(module.Options)]
    return "\n".join(parts)


def load_kinds() -> dict[str, ModuleType]:
    """The modules of stages/ by name."""
    return {name: load(STAGE, name) for name in list_names(STAGE)}


def render_keys(options: type[BaseModel]) -> str:
    """The table of one model's keys, those of nested models after it; a line where it has none."""
    schema = options.model_json_schema()
    for name, text in read_attribute_docstrings(options).items():
        schema["properties"][name].setdefault("description", text)
    if not schema.get("properties"):
        return "It has no options.\n"
    definitions = schema.get("$defs", {})
    return "\n".join(
        [_render_table(schema, definitions), *_render_sections(schema, definitions, "", level=4, own=False)]
    )


def summarise(docstring: str | None) -> str:
    """A docstring's first paragraph, as one line."""
    return " ".join((docstring or "").partition("\n\n")[0].split())


def read_attribute_docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The text below each attribute of a class and of those that it extends, which Python itself forgets."""
    if model is BaseModel:
        return {}
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(definition, ast.ClassDef)
    found = read_attribute_docstrings(model.__base__) if model.__base__ else {}
    for before, after in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name) and isinstance(after, ast.Expr):
            found[before.target.id] = str(ast.literal_eval(after.value))
    return found


def _render_sections(schema: Schema, definitions: Schema, path: str, level: int = 2, own: bool = True) -> Iterator[str]:
    """A heading and a table for a section, then for those in it."""
    if own:
        title = path or "Recipe"
        yield f"{'#' * level} {title}\n\n{summarise(schema.get('description'))}\n\n{_render_table(schema, definitions)}"
    for key, value in schema["properties"].items():
        inner = f"{path}.{key}" if path else key
        for branch in _list_models(value, definitions):
            yield from _render_sections(branch, definitions, inner, min(level + (1 if path else 0), 4))
        for branch in _list_models(value.get("additionalProperties"), definitions):
            yield from _render_sections(branch, definitions, f"{inner}: {branch['title']}", 4)


def _list_models(schema: Any, definitions: Schema) -> list[Schema]:
    """The models among what a key may be."""
    if not isinstance(schema, dict):
        return []
    branches = [resolve_reference(branch, definitions) for branch in schema.get("anyOf", [schema])]
    return [branch for branch in branches if branch.get("properties")]


def _render_table(schema: Schema, definitions: Schema) -> str:
    required = schema.get("required", [])
    lines = [_list_cells(key, value, definitions, key in required) for key, value in schema["properties"].items()]
    kept = [at for at in range(len(COLUMNS)) if any(line[at] for line in lines)]
    rows = [[line[at] for at in kept] for line in [COLUMNS, ["---"] * len(COLUMNS), *lines]]
    return "\n".join([*(f"| {' | '.join(row)} |" for row in rows), ""])


def _list_cells(key: str, value: Schema, definitions: Schema, required: bool) -> list[str]:
    branches = [branch for branch in value.get("anyOf", [value]) if branch.get("type") != "null"]
    is_section = len(_list_models(value, definitions)) == len(branches)
    kind = "a section" if is_section else describe(value, definitions)
    default = "*required*" if required else _format_default(value, is_section)
    cells = (f"`{key}`", kind, _find_unit(value), default, value.get("description", ""))
    return [" ".join(cell.replace("|", "\\|").split()) for cell in cells]


def _format_default(schema: Schema, is_section: bool) -> str:
    # pydantic leaves out what a factory makes, and all of ours make an empty mapping.
    default = schema.get("default", {} if schema.get("type") == "object" else None)
    if is_section and default is not None:
        return "see its table"
    return f"`{default if isinstance(default, str) else json.dumps(default, ensure_ascii=False)}`"


def _find_unit(schema: Any) -> str:
    """The unit of a number, wherever in the schema it stands."""
    if not isinstance(schema, dict):
        return ""
    inner = [*schema.get("anyOf", []), schema.get("items"), schema.get("additionalProperties")]
    return schema.get("unit") or next(filter(None, map(_find_unit, inner)), "")
