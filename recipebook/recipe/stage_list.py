"""A recipe's list of stages as it is written in; what is wrong with the list itself, as lines, out.

stages: [{name: sft}, {name: dpo, from: sft}, {name: sft}]
recipes/x.yaml:9:5: a second stage 'sft'; each needs a name of its own
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from recipebook.modules import STAGE, list_names
from recipebook.recipe.faults import format_faults
from recipebook.recipe.layers import Layers
from recipebook.recipe.merging import lift
from recipebook.recipe.places import Document
from recipebook.recipe.references import find_kind_faults
from recipebook.recipe.schema_walk import Fault, Schema, find_faults
from recipebook.recipe.section import Name, Section
from recipebook.suggestions import offer, suggest

BASE = "base"
HEAD = ("name", "from")
SECTIONS = ("model", "data", "training", "lora", "preference", "rl", "launch", "eval", "axolotl", "profiles")


class StartKeys(Section):
    """The long form of `from`, which has more than a stage's name."""

    stage: Name = Field(description="an earlier stage that has a model.")
    merged: bool = Field(
        False,
        description="its adapter is merged into its base, and a new one begins on the result. Switch it on for another "
        "shape of adapter.",
    )


class Head(Section):
    """The keys that every stage has."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]*$", description="a name of its own: STAGE=, FROM= and other stages use it."
    )
    from_: Name | StartKeys = Field(
        BASE,
        alias="from",
        description="the model that the stage starts from: base, or an earlier stage that has one; by default the "
        "nearest.",
    )


def list_documents(layers: Layers) -> list[Document]:
    """The stages as they are written, one document each."""
    return [lift(layers.recipe, ("stages", at)) for at in range(len(layers.recipe.data.get("stages") or ()))]


def take_sections(document: Document) -> Document:
    """A stage without its head and its kind."""
    return Document({key: value for key, value in document.data.items() if key in SECTIONS}, document.places)


def find_kind(document: Document) -> str | None:
    """The kind of a stage that trains nothing."""
    return next((key for key in document.data if key not in (*HEAD, *SECTIONS)), None)


def find_list_faults(documents: Sequence[Document], root: Path) -> Iterator[str]:
    """What is wrong with the list itself, as lines."""
    kinds = list_names(STAGE, root)
    names = [document.data.get("name") for document in documents]
    schema = _describe_head()
    for at, document in enumerate(documents):
        data, name = document.data, document.data.get("name")
        faults = find_faults({key: data[key] for key in HEAD if key in data}, schema, schema.get("$defs", {}))
        if name in names[:at]:
            faults.append(Fault(("name",), False, f"a second stage '{name}'; each needs a name of its own"))
        if name == BASE:
            faults.append(Fault(("name",), False, f"'{BASE}' is the name of the model before any stage"))
        chosen = [key for key in data if key in kinds]
        for key in chosen[1:]:
            faults.append(Fault((key,), True, f"a stage is of one kind; it is {chosen[0]} already"))
        for key in data.keys() - {*HEAD, *SECTIONS, *kinds}:
            hint = suggest(key, [*HEAD, *SECTIONS, *kinds]) or f"; kinds of stages are: {', '.join(kinds)}"
            faults.append(Fault((key,), True, f"unknown key '{key}' in a stage{hint}"))
        for key in chosen[:1]:
            faults += find_kind_faults(root, key, data[key], (key,))
        yield from format_faults(faults or _find_start_faults(data, at, documents), document.places)


@functools.cache
def _describe_head() -> Schema:
    return Head.model_json_schema()


def _find_start_faults(data: Mapping[str, Any], at: int, documents: Sequence[Document]) -> list[Fault]:
    named = name_start(data)
    names = [document.data.get("name") for document in documents]
    if named is None or named == BASE or named in names[:at]:
        return []
    if named not in names:
        return [Fault(("from",), False, f"no stage '{named}'{offer(named, [BASE, *map(str, names[:at])])}")]
    chain = [str(data["name"])]
    while chain.count(chain[-1]) == 1 and chain[-1] in names:
        chain.append(name_start(documents[names.index(chain[-1])].data) or BASE)
    circle = f" (a circle: {' -> '.join(chain)})" if chain[-1] in chain[:-1] else ""
    message = f"'{named}' does not come before '{data['name']}'{circle}; it may start from: "
    return [Fault(("from",), False, message + ", ".join([BASE, *map(str, names[:at])]))]


def name_start(data: Mapping[str, Any]) -> str | None:
    """What a stage writes under `from`, in its short or in its long form."""
    named = data.get("from")
    return named.get("stage") if isinstance(named, dict) else named
