"""The converters and their samples in; a page of what each reads out.

Which field is needed is found by trial: it is taken out of every sample record, and the record is converted again.

    | `messages[].role` | a string | the record is rejected: 'role' in a turn of 'messages' is none of user, … |
"""

import copy
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from docs.keys_page import render_keys, summarise
from recipebook.data.conversion import Converter, find_converter
from recipebook.modules import CONVERTER, EXPORT, list_names, load
from recipebook.project import PROJECT
from recipebook.records import name_kind
from recipebook.rows import BadRecord

SAMPLES = PROJECT / "tests" / "samples" / "converters"
HEADING = "| field | is | without it |\n| --- | --- | --- |"
# Objects whose keys are the data's own.
FREE = {"metadata", "traits", "arguments", "parameters"}
DEPTH = 2
INTRODUCTION = """\
# Converters

What each converter reads, generated from `converters/` and its samples by `make docs`. `data.converter` names one;
`auto` chooses by the first records. Records may have more fields, which are ignored.

Records come from JSON, JSON Lines, Parquet, CSV or text, compressed or not: see [recipes.md](recipes.md#sources). Each
becomes rows in OpenAI's form, is rejected with a reason, or is left out because the options do not ask for it; all
three are counted. `data.rejects` says how many may be rejected. `python -m recipebook convert` converts one source
without a recipe.

The tables of fields are found by trial: each field is removed from the sample records, which are then converted again.
"""
EXPORTS = """\
## Exports

Rows are written in the forms of other systems by `python -m recipebook export`. What a form cannot hold is rejected.

| form | is |
| --- | --- |"""


class Trial(NamedTuple):
    """What happened to one record without one field."""

    path: str
    kind: str
    outcome: str


def render_data() -> str:
    """The page of all converters."""
    converters = [_render_converter(name) for name in list_names(CONVERTER)]
    exports = [f"| `{name}` | {_summarise_export(name)} |" for name in list_names(EXPORT)]
    return "\n".join([INTRODUCTION, *converters, EXPORTS, *exports, ""])


def _render_converter(name: str) -> str:
    converter, module = find_converter(name), load(CONVERTER, name)
    parts = [f"## {name}\n", str(module.__doc__)]
    if wants := getattr(module, "WANTS", ""):
        parts.append(f"`converter: auto` looks for {wants}.\n")
    else:
        parts.append("`converter: auto` never chooses it.\n")
    parts += [HEADING, *_render_fields(_try_samples(converter)), "", render_keys(converter.options)]
    return "\n".join(parts)


def _summarise_export(name: str) -> str:
    return summarise(load(EXPORT, name).__doc__)


def _render_fields(trials: list[Trial]) -> Iterator[str]:
    for path in dict.fromkeys(trial.path for trial in trials):
        mine = [trial for trial in trials if trial.path == path]
        kinds = " or ".join(dict.fromkeys(trial.kind for trial in mine))
        outcomes = [trial.outcome for trial in mine if trial.outcome] or ["nothing changes"]
        yield f"| `{path}` | {kinds} | {outcomes[0].replace('|', chr(92) + '|')} |"


def _try_samples(converter: Converter) -> list[Trial]:
    """Every field of every sample record that is converted, taken out in turn."""
    lines = (SAMPLES / f"{converter.name}.jsonl").read_text(encoding="utf-8").splitlines()
    trials = []
    for sample in map(json.loads, lines):
        if "out" not in sample:
            continue
        options = converter.options.model_validate(sample.get("options", {}))
        for keys in dict.fromkeys(_list_paths(sample["in"], ())):
            record = copy.deepcopy(sample["in"])
            kinds = [name_kind(value) for value in _take_out(record, keys)]
            outcome = _convert(converter, record, options, sample["out"])
            trials.append(Trial(".".join(keys).replace(".[]", "[]"), kinds[0], outcome))
    return trials


def _convert(converter: Converter, record: Any, options: Any, before: Any) -> str:
    try:
        return "" if converter.convert(record, options) == before else "another row"
    except BadRecord as reason:
        return f"rejected: {reason}"


def _list_paths(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The paths of all fields; `[]` stands for each item of a list."""
    if isinstance(value, dict) and not (path and path[-1] in FREE):
        for key, inner in value.items():
            if sum(part != "[]" for part in path) < DEPTH:
                yield (*path, key)
                yield from _list_paths(inner, (*path, key))
    elif isinstance(value, list):
        for inner in value:
            yield from _list_paths(inner, (*path, "[]"))


def _take_out(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """Remove a field wherever its path leads; what stood there."""
    key, *rest = path
    if key == "[]" and isinstance(value, list):
        for item in value:
            yield from _take_out(item, tuple(rest))
    elif isinstance(value, dict) and key in value:
        if rest:
            yield from _take_out(value[key], tuple(rest))
        else:
            yield value.pop(key)
