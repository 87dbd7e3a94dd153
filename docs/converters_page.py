"""The converters and their samples in; a page of what each reads out.

Which field is needed is found by trial: it is taken out of every sample record, and the record is converted again.

    | `messages[].role` | a string | the record is rejected: 'role' in a turn of 'messages' is none of user, … |
"""

import copy
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from docs.files_page import render_files
from docs.keys_page import render_keys, summarise
from recipebook.data.converter import Converter, find_converter
from recipebook.data.fields import IDS, ORIGINS, RECORD_HARMLESS, SIZES, Fields, Shapes, WrittenJson
from recipebook.data.marks import MARKS
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
`auto` chooses by the first records.

Records come from JSON, JSON Lines, Parquet, CSV or text, compressed or not: see [recipes.md](recipes.md#sources). Each
becomes rows in OpenAI's form, is rejected with a reason, or is left out because the options do not ask for it; all
three are counted. `data.rejects` says how many may be rejected. `python -m recipebook convert` converts one source
without a recipe.

The tables of fields are found by trial: each field is removed from the sample records, which are then converted again.

## Fields that no converter reads

None is dropped in silence. A field of a record, a turn, a call or a tool that is not null is

- **read**, if the converter's section names it; a field of another shape of the same converter, such as `output` beside
  `messages`, is not;
- **carried**, if it is a turn's `name`, or what the assistant thought (`reasoning_content`, `reasoning`, `thinking`,
  `thought`, `tool_plan`), also beside a question and its answer: chat templates may write them;
- **obeyed**, if it marks a turn of a chat as not to be learned (`weight: 0`, `train: false`, `masked: true` and the
  others below): the turn is masked in training, and not asked for in evaluation. A chat without an answer to learn, a
  record that is marked as a whole, and one that was turned down where it was labelled (`answer: reject`,
  `status: discarded`, `was_cancelled: true`, `exclude: true`, `deleted: true` and the like) are left out;
- **refused** with its record, if it changes what is learned and cannot be followed: images, video and audio beside the
  text, a mark of a turn that is neither yes nor no, a record's weight that is neither 0 nor 1, tools in a turn, and
  in a chat a second answer or a label that calls the answer bad;
- **counted** otherwise: `read without 'mood' of a turn: 1,234 turns (first: chats.jsonl:7: record 7)` stands in what
  `convert` and `make plan` print, and in the account of the rows. So is each null in tools and arguments that are
  objects, where a null is no value: `read without 'arguments.day: null' of a call: 3 calls (first: …)`.

A value of the metadata whose name is one that rows have with another value is kept as `metadata_` and the name, such as
`metadata_tool`.

Only these are harmless, and not counted:

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
    return "\n".join([INTRODUCTION + _render_harmless(), *converters, render_files(), EXPORTS, *exports, ""])


def _render_harmless() -> str:
    rows = [
        ("names and numbers of things", IDS),
        ("sizes and dates", SIZES),
        ("where a record comes from, of a record", ORIGINS),
        ("marks that say what holds anyway, such as `weight: 1`", MARKS),
    ]
    lines = [f"| {what} | {_quote(keys)} |" for what, keys in rows]
    return "\n".join(["| harmless | fields |", "| --- | --- |", *lines, ""])


def _quote(keys: Iterable[str]) -> str:
    return ", ".join(f"`{key}`" for key in sorted(keys))


def _list_declared(fields: Any) -> Iterator[Fields]:
    """The fields of every kind of object that a converter reads, in the order in which one is in another."""
    if isinstance(fields, Shapes):
        for shape in fields.fields:
            yield from _list_declared(shape)
    elif isinstance(fields, WrittenJson):
        yield from _list_declared(fields.fields)
    elif isinstance(fields, Fields):
        yield fields
        for inner in fields.read.values():
            yield from _list_declared(inner)


def _render_declared(fields: Any) -> str:
    read: dict[str, dict[str, None]] = {}
    harmless: dict[str, set[str]] = {}
    for each in _list_declared(fields):
        read.setdefault(each.holder, {}).update(dict.fromkeys(key for key in each.read if key not in MARKS))
        harmless.setdefault(each.holder, set()).update(each.harmless - RECORD_HARMLESS)
    lines = [f"- of {_add_article(holder)}: {', '.join(f'`{key}`' for key in keys)}" for holder, keys in read.items()]
    lines += [f"- harmless in {_add_article(holder)}: {_quote(keys)}" for holder, keys in harmless.items() if keys]
    return "\n".join(["It reads, in one shape or another,\n", *lines, ""])


def _add_article(holder: str) -> str:
    return f"{'an' if holder[0] in 'aeiou' else 'a'} {holder}"


def _render_converter(name: str) -> str:
    converter, module = find_converter(name), load(CONVERTER, name)
    parts = [f"## {name}\n", str(module.__doc__)]
    if wants := getattr(module, "WANTS", ""):
        parts.append(f"`converter: auto` looks for {wants}.\n")
    else:
        parts.append("`converter: auto` never chooses it.\n")
    parts += [HEADING, *_render_fields(_try_samples(converter)), "", _render_declared(converter.fields)]
    parts.append(render_keys(converter.options))
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
