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

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from recipebook.errors import UserError
from recipebook.modules import STAGE, load
from recipebook.recipe.keys import Recipe
from recipebook.recipe.layers import Layers
from recipebook.recipe.places import Document, KeyPath, Place, place_of
from recipebook.recipe.references import check_references
from recipebook.recipe.resolve import Resolved, join_layers, merge_layers
from recipebook.recipe.schema_walk import dotted
from recipebook.recipe.section import Name, Section
from recipebook.recipe.stage_list import (
    BASE,
    SECTIONS,
    find_kind,
    find_list_faults,
    list_documents,
    name_start,
    take_sections,
)
from recipebook.recipe.stage_overrides import (
    OF_STAGES,
    find_other_metrics,
    find_without_effect,
    keep_used,
    leave_out,
    list_shared,
    take_own,
)
from recipebook.recipe.switches import OF_METHODS, Switch, check_switches
from recipebook.recipe.training_keys import Lora
from recipebook.sources.inputs import MADE
from recipebook.suggestions import offer

MODEL_KEYS = ("base", "revision", "chat_template")
KIND_KEYS = ("seed", "precision")
OF_TRAINING = ("training", "lora", *OF_METHODS)
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
    left_out: tuple[str, ...] = ()
    """Keys that were set for all stages and have no effect in this one: it is as if they had not been set."""

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
    documents = list_documents(layers)
    overrides = take_own(layers, documents, SECTIONS)
    if lines := list(find_list_faults(documents, layers.root)):
        raise UserError("\n".join(lines))
    own = [overrides.get(document.data["name"], []) for document in documents]
    found = [_find_left_out(layers, *both, documents) for both in zip(documents, own, strict=True)]
    stages: list[Stage] = []
    for document, mine, left in zip(documents, own, keep_used(found), strict=True):
        stage = _read_stage(leave_out(layers, left), document, mine, stages, left)
        _check(stage, stages, document)
        stages.append(stage)
    return tuple(stages)


def merge_top(layers: Layers) -> Resolved:
    """The recipe around its stages; what is set for all of them needs not fit the recipe's own sections."""
    unused = [leaf for leaf in list_shared(layers) if leaf[0] in OF_METHODS]
    try:
        return merge_layers(leave_out(layers, unused))
    except UserError:
        return merge_layers(leave_out(layers, [leaf for leaf in list_shared(layers) if leaf[0] in OF_STAGES]))


def join_stage(layers: Layers, name: str) -> Document | None:
    """One stage's sections merged into its recipe, unchecked; None where the recipe has no such stage."""
    documents = list_documents(layers)
    overrides = take_own(layers, documents, SECTIONS)
    names = [document.data.get("name") for document in documents]
    if name not in names:
        return None
    sections, own = [*map(take_sections, documents)], [overrides.get(str(each), []) for each in names]
    left = keep_used([find_other_metrics(layers, *both) for both in zip(sections, own, strict=True)])
    at = names.index(name)
    return join_layers(leave_out(layers, left[at]), sections[at], own[at])


def list_texts(value: Any) -> Iterator[str]:
    """All texts among nested options."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from list_texts(item)


def _find_left_out(
    layers: Layers, document: Document, overrides: Sequence[Document], documents: Sequence[Document]
) -> set[KeyPath]:
    """The keys set for all stages that have no effect in this one."""
    shared = list_shared(layers, overrides)
    if not shared:
        return set()
    kind, sections = find_kind(document), take_sections(document)
    made = [str(other.data["name"]) for other in documents[: documents.index(document)] if find_kind(other)]
    without = find_without_effect(
        layers,
        shared,
        lambda some: merge_layers(some, sections, overrides),
        OF_TRAINING if kind else OF_METHODS,
        lambda resolved: _list_kind_switches(kind, resolved.recipe),
        made,
    )
    return without | find_other_metrics(layers, sections, overrides)


def _read_stage(
    layers: Layers,
    document: Document,
    overrides: Sequence[Document],
    earlier: Sequence[Stage],
    left_out: Collection[KeyPath],
) -> Stage:
    data, kind = document.data, find_kind(document)
    resolved = merge_layers(layers, take_sections(document), overrides)
    nearest = next((stage.name for stage in reversed(earlier) if stage.has_model), None)
    named = name_start(data) or nearest or BASE
    merged = isinstance(data.get("from"), dict) and data["from"].get("merged", False)
    start = Start(stage=None if named == BASE else named, merged=merged)
    options = (data[kind] or {}) if kind else {}
    left = tuple(sorted(map(dotted, left_out)))
    return Stage(data["name"], start, kind, options, resolved, document.places[()].value, left)


def _check(stage: Stage, earlier: Sequence[Stage], document: Document) -> None:
    """Refuse the faults that only show once the sections are merged."""
    made = [other.name for other in earlier if other.has_rows]
    check_references(stage.resolved, made)
    for name in stage.list_sources():
        if name not in made:
            raise UserError(f"{stage.place}: no earlier stage '{name}' that makes rows{offer(name, made)}")
    if stage.start.stage is not None:
        _check_start(stage, earlier, document)
    check_switches(stage.resolved, _list_kind_switches(stage.kind, stage.recipe))


def _check_start(stage: Stage, earlier: Sequence[Stage], document: Document) -> None:
    place = place_of(document.places, ("from",) if "from" in document.data else ())
    start = next(other for other in earlier if other.name == stage.start.stage)
    if not start.has_model:
        known = ", ".join([BASE, *(other.name for other in earlier if other.has_model)])
        raise UserError(f"{place}: stage '{start.name}' has no model to start from; these have: {known}")
    _check_model(stage, start)
    if stage.kind is None and start.kind is None and not stage.start.merged:
        _check_adapter(stage, start, place)


def _list_kind_switches(kind: str | None, recipe: Recipe) -> Iterator[Switch]:
    """In a stage that trains no model, the keys of training have no effect; some kinds read its seed and precision."""
    if kind is None:
        return
    of, good = (kind,), "a stage that trains"
    for name in OF_TRAINING:
        section = Lora() if name == "lora" else getattr(recipe, name)
        keys = [key for key in type(section).model_fields if key not in KIND_KEYS]
        yield Switch(tuple((name, key) for key in keys), of, "no training", good)
    yield Switch((("launch", "strategy"), ("axolotl",)), of, "no training", good)


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
