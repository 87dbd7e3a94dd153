"""What `SET=` gives a recipe with stages: its layers in; the same layers as one stage takes them out.

    SET="rl.control=random stages.sft.training.epochs=9"

    sft   training.epochs: 9, and no rl.control, which has no effect with training.method: sft
    rl    rl.control: random

A key that is set for all stages counts in those where it has an effect. The others leave it out: so they remain the
work that they are without it, and are not run again for it. Where all would leave a key out none does, and each check
refuses it in its own words.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from recipebook.errors import UserError
from recipebook.recipe.layers import Layers
from recipebook.recipe.merging import lift, merge_documents
from recipebook.recipe.places import Document, KeyPath, is_under
from recipebook.recipe.references import find_reference_faults
from recipebook.recipe.resolve import Resolved, join_layers
from recipebook.recipe.switches import OF_METHODS, Switch, list_switches
from recipebook.suggestions import offer

# What a recipe with stages does not use at its own top.
OF_STAGES = ("data", "training", "lora", *OF_METHODS)
METRICS = ("eval", "metrics")

Merge = Callable[[Layers], Resolved]


def take_own(layers: Layers, documents: Sequence[Document], sections: Collection[str]) -> dict[str, list[Document]]:
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
            own = {key: value for key, value in inner.items() if key in sections}
            others = {key: value for key, value in inner.items() if key not in sections}
            merge_documents(by_name[name], Document(others, lifted.places))
            found.setdefault(name, []).append(Document(own, lifted.places))
    return found


def list_shared(layers: Layers, own: Sequence[Document] = ()) -> list[KeyPath]:
    """The keys that are set for all stages; without those that a stage's `own` documents set for it alone."""
    given = {leaf for document in own for leaf in _list_leaves(document.data)}
    shared = [
        leaf for document in layers.overrides if "stages" not in document.data for leaf in _list_leaves(document.data)
    ]
    return [leaf for leaf in dict.fromkeys(shared) if leaf not in given]


def leave_out(layers: Layers, left: Collection[KeyPath]) -> Layers:
    """The layers without some of the keys that are set for all stages."""
    overrides = [one if "stages" in one.data else _cut(one, left) for one in layers.overrides]
    return replace(layers, overrides=tuple(one for one in overrides if one.data))


def find_without_effect(
    layers: Layers,
    shared: Sequence[KeyPath],
    merge: Merge,
    unused: Collection[str],
    list_more: Callable[[Resolved], Iterable[Switch]],
    made: Sequence[str],
) -> set[KeyPath]:
    """Those of the `shared` keys that a stage leaves out.

    `merge` makes the stage of layers. `unused` are sections of which it may use nothing, so that their values may not
    even fit its own; `list_more` are its switches beside those of every recipe, `made` the stages whose rows it reads.
    """
    hidden = [leaf for leaf in shared if leaf[0] in unused]
    try:
        resolved = merge(leave_out(layers, hidden))
    except UserError:
        resolved = merge(leave_out(layers, shared))
    switches = [*list_switches(resolved.recipe, resolved.root), *list_more(resolved)]
    off = {path for switch in switches for path in switch.keys}
    off |= {fault.path for fault in find_reference_faults(resolved, made) if fault.unknown_key}
    return {leaf for leaf in shared if is_under(leaf, off)}


def find_other_metrics(layers: Layers, sections: Document, own: Sequence[Document]) -> set[KeyPath]:
    """The shared options of metrics that a stage does not have."""
    shared = [leaf for leaf in list_shared(layers, own) if leaf[:2] == METRICS and len(leaf) > len(METRICS) + 1]
    if not shared:
        return set()
    evaluation = join_layers(leave_out(layers, shared), sections, own).data.get("eval")
    metrics = evaluation.get("metrics") if isinstance(evaluation, dict) else None
    return {leaf for leaf in shared if leaf[2] not in (metrics or {})}


def keep_used(found: Sequence[set[KeyPath]]) -> list[set[KeyPath]]:
    """What each stage leaves out, without what all of them would."""
    everywhere = set.intersection(*found) if found else set[KeyPath]()
    return [left - everywhere for left in found]


def _list_leaves(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _list_leaves(inner, (*path, key))
    elif path:
        yield path


def _cut(document: Document, left: Collection[KeyPath]) -> Document:
    """The document without some keys, and without the sections that had no others."""
    tops = set(left)
    places = {path: spot for path, spot in document.places.items() if not is_under(path, tops)}
    return Document(_cut_mapping(document.data, (), tops), places)


def _cut_mapping(data: dict[str, Any], path: KeyPath, left: Collection[KeyPath]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in data.items():
        if (*path, key) in left:
            continue
        inner = _cut_mapping(value, (*path, key), left) if isinstance(value, dict) and value else value
        if inner != {} or value == {}:
            kept[key] = inner
    return kept
