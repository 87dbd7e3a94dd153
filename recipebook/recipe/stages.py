"""The stages of a recipe: its `stages:` list in; each as a whole recipe of its own, and where it starts, out.

    stages:
      - {name: sft, training: {method: sft, epochs: 4}}
      - {name: pairs, generate_pairs: {answers: 4}, from: sft}
      - {name: dpo, from: {stage: sft, merged: true}, data: {source: "stage:pairs", …}, training: {method: dpo}}

    → Stage(name="dpo", start=Start(stage="sft", merged=True), kind=None, options={}, resolved=Resolved(…))

A stage trains, unless one of its keys is the name of a module of stages/, which then runs with the options under it.
Its sections are merged over the recipe's. It starts from `base`, or from an earlier stage that has a model, by default
the nearest; the first from `base`.
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from recipebook.errors import UserError
from recipebook.modules import STAGE, list_names, load
from recipebook.recipe.faults import format_faults
from recipebook.recipe.keys import Recipe
from recipebook.recipe.layers import Layers
from recipebook.recipe.merging import lift, merge_documents
from recipebook.recipe.places import Document, Place, place_of
from recipebook.recipe.references import check_references, find_kind_faults
from recipebook.recipe.resolve import Resolved, join_layers, merge_layers
from recipebook.recipe.schema_walk import Fault, Schema, find_faults
from recipebook.recipe.section import Name, Section
from recipebook.recipe.switches import Switch, check_switches
from recipebook.sources.inputs import MADE
from recipebook.suggestions import offer, suggest

BASE = "base"
HEAD = ("name", "from")
SECTIONS = ("model", "data", "training", "lora", "preference", "rl", "launch", "eval", "axolotl", "profiles")
MODEL_KEYS = ("base", "revision", "chat_template")
KIND_KEYS = ("seed", "precision")
# Axolotl's keys that give the same model another tokenizer.
TOKENIZER_KEYS = ("tokenizer_config", "tokenizer_type", "tokens", "special_tokens", "added_tokens_overrides")


class Start(Section):
    """The model that a stage begins with: the recipe's base (no stage), an earlier stage's, or that merged."""

    stage: Name | None
    merged: bool = False

    def __str__(self) -> str:
        """The model as a recipe names it: `sft merged`."""
        return f"{self.stage or BASE}{' merged' if self.merged else ''}"


@dataclass(frozen=True)
class Stage:
    """One step: what it runs, on what, from where, and where that is written."""

    name: str
    start: Start
    kind: str | None
    options: dict[str, Any]
    resolved: Resolved
    place: Place

    @property
    def recipe(self) -> Recipe:
        """The recipe with the stage's own sections."""
        return self.resolved.recipe

    @property
    def has_model(self) -> bool:
        """Whether others may start from it."""
        return self.kind is None or self._reads("MAKES_MODEL", False)

    @property
    def has_rows(self) -> bool:
        """Whether others may read it as `stage:NAME`."""
        return self.kind is not None and self._reads("MAKES_ROWS", True)

    def list_sources(self) -> list[str]:
        """The stages whose rows it reads: in its data, or named by its kind's options."""
        data = self.recipe.data
        named = [name for name in (data.source, data.validation, data.test, *list_texts(self.options)) if name]
        return list(dict.fromkeys(name.removeprefix(MADE) for name in named if name.startswith(MADE)))

    def _reads(self, word: str, otherwise: bool) -> bool:
        return bool(vars(load(STAGE, str(self.kind), self.resolved.root)).get(word, otherwise))


def read_stages(layers: Layers) -> tuple[Stage, ...]:
    """The stages of a recipe, checked alone and against each other; none where it has none."""
    documents = [lift(layers.recipe, ("stages", at)) for at in range(len(layers.recipe.data.get("stages") or ()))]
    overrides = _take_overrides(layers, documents)
    _refuse(fault for fault in _find_faults(documents, layers.root))
    stages: list[Stage] = []
    for document in documents:
        stage = _read_stage(layers, document, overrides.get(document.data["name"], []), stages)
        _check(stage, stages, document)
        stages.append(stage)
    return tuple(stages)


def join_stage(layers: Layers, name: str) -> Document | None:
    """One stage's sections merged into its recipe, unchecked; None where the recipe has no such stage."""
    documents = [lift(layers.recipe, ("stages", at)) for at in range(len(layers.recipe.data.get("stages") or ()))]
    overrides = _take_overrides(layers, documents)
    found = next((document for document in documents if document.data.get("name") == name), None)
    return None if found is None else join_layers(layers, _take_sections(found), overrides.get(name, []))


def list_texts(value: Any) -> Iterator[str]:
    """All texts among nested options."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from list_texts(item)


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


def _take_overrides(layers: Layers, documents: Sequence[Document]) -> dict[str, list[Document]]:
    """Sections that `SET="stages.dpo.training.epochs=1"` sets, by stage; a kind's options go into its document."""
    found: dict[str, list[Document]] = {}
    by_name = {name: document for document in documents if isinstance(name := document.data.get("name"), str)}
    for override in layers.overrides:
        if "stages" not in override.data:
            continue
        given = override.data["stages"]
        for name, inner in given.items() if isinstance(given, dict) else [("", None)]:
            if name not in by_name or not isinstance(inner, dict):
                known = [str(name) for name in by_name]
                raise UserError(f"SET: no stage '{name}'{offer(name, known)}; write stages.NAME.SECTION.KEY=VALUE")
            lifted = lift(override, ("stages", name))
            own = {key: value for key, value in inner.items() if key in SECTIONS}
            others = {key: value for key, value in inner.items() if key not in SECTIONS}
            merge_documents(by_name[name], Document(others, lifted.places))
            found.setdefault(name, []).append(Document(own, lifted.places))
    return found


def _refuse(lines: Iterator[str]) -> None:
    found = list(lines)
    if found:
        raise UserError("\n".join(found))


def _find_faults(documents: Sequence[Document], root: Path) -> Iterator[str]:
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
    named = _name_start(data)
    names = [document.data.get("name") for document in documents]
    if named is None or named == BASE or named in names[:at]:
        return []
    if named not in names:
        return [Fault(("from",), False, f"no stage '{named}'{offer(named, [BASE, *map(str, names[:at])])}")]
    chain = [str(data["name"])]
    while chain.count(chain[-1]) == 1 and chain[-1] in names:
        chain.append(_name_start(documents[names.index(chain[-1])].data) or BASE)
    circle = f" (a circle: {' -> '.join(chain)})" if chain[-1] in chain[:-1] else ""
    message = f"'{named}' does not come before '{data['name']}'{circle}; it may start from: "
    return [Fault(("from",), False, message + ", ".join([BASE, *map(str, names[:at])]))]


def _name_start(data: Mapping[str, Any]) -> str | None:
    named = data.get("from")
    return named.get("stage") if isinstance(named, dict) else named


def _take_sections(document: Document) -> Document:
    return Document({key: value for key, value in document.data.items() if key in SECTIONS}, document.places)


def _read_stage(layers: Layers, document: Document, overrides: Sequence[Document], earlier: Sequence[Stage]) -> Stage:
    data = document.data
    kinds = [key for key in data if key not in (*HEAD, *SECTIONS)]
    resolved = merge_layers(layers, _take_sections(document), overrides)
    nearest = next((stage.name for stage in reversed(earlier) if stage.has_model), None)
    named = _name_start(data) or nearest or BASE
    merged = isinstance(data.get("from"), dict) and data["from"].get("merged", False)
    start = Start(stage=None if named == BASE else named, merged=merged)
    options = (data[kinds[0]] or {}) if kinds else {}
    return Stage(data["name"], start, kinds[0] if kinds else None, options, resolved, document.places[()].value)


def _check(stage: Stage, earlier: Sequence[Stage], document: Document) -> None:
    """Refuse the faults that only show once the sections are merged."""
    made = [other.name for other in earlier if other.has_rows]
    check_references(stage.resolved, made)
    for name in stage.list_sources():
        if name not in made:
            raise UserError(f"{stage.place}: no earlier stage '{name}' that makes rows{offer(name, made)}")
    if stage.start.stage is not None:
        _check_start(stage, earlier, document)
    check_switches(stage.resolved, _list_kind_switches(stage))


def _check_start(stage: Stage, earlier: Sequence[Stage], document: Document) -> None:
    place = place_of(document.places, ("from",) if "from" in document.data else ())
    start = next(other for other in earlier if other.name == stage.start.stage)
    if not start.has_model:
        known = ", ".join([BASE, *(other.name for other in earlier if other.has_model)])
        raise UserError(f"{place}: stage '{start.name}' has no model to start from; these have: {known}")
    _check_model(stage, start)
    if stage.kind is None and start.kind is None and not stage.start.merged:
        _check_adapter(stage, start, place)


def _list_kind_switches(stage: Stage) -> Iterator[Switch]:
    """In a stage that trains no model, the keys of training have no effect; some kinds read its seed and precision."""
    if stage.kind is None:
        return
    sections = {name: getattr(stage.recipe, name) for name in ("training", "lora", "preference", "rl")}
    for name, section in sections.items():
        keys = [key for key in type(section).model_fields if key not in KIND_KEYS] if section else []
        yield Switch(tuple((name, key) for key in keys), (stage.kind,), "no training", "a stage that trains")
    yield Switch((("launch", "strategy"), ("axolotl",)), (stage.kind,), "no training", "a stage that trains")


def _check_model(stage: Stage, start: Stage) -> None:
    """One model all along: another tokenizer or template would not fit what the earlier stage learnt."""
    ours, theirs = stage.recipe, start.recipe
    compared = [(("model", key), getattr(ours.model, key), getattr(theirs.model, key)) for key in MODEL_KEYS]
    compared += [(("axolotl", key), ours.axolotl.get(key), theirs.axolotl.get(key)) for key in TOKENIZER_KEYS]
    for path, own, other in compared:
        if own != other:
            has, names = ("none" if value is None else value for value in (other, own))
            raise UserError(
                f"{place_of(stage.resolved.places, path)}: {'.'.join(path)}: stage '{stage.name}' starts from "
                f"'{start.name}', which has {has}, and names {names}"
            )


def _check_adapter(stage: Stage, start: Stage, place: Place) -> None:
    """An adapter that is trained further keeps its shape; the engine would silently use the old shape."""
    ours, theirs = stage.recipe.lora, start.recipe.lora
    merged = f"from: {{stage: {start.name}, merged: true}}"
    if theirs is None:
        return
    if ours is None:
        raise UserError(f"{place}: stage '{stage.name}' trains all weights and cannot start from an adapter; {merged}")
    for key, value in theirs.model_dump().items():
        own = getattr(ours, key)
        if own != value:
            message = f"lora.{key}: {own}, but stage '{stage.name}' trains the adapter of '{start.name}', which has"
            at = place_of(stage.resolved.places, ("lora", key))
            raise UserError(f"{at}: {message} {value}; {merged} begins a new one")
