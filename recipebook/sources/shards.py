"""The records of a source that have some values, found by one pass for all values: `data.where`, and fleets' columns.

In: samples/persona.jsonl and the fields `persona_id`. Out: `.cache/shards/<key>/` with a JSONL file a value and
`index.json`, written last:

    {"[\\"persona_000\\"]": {"file": "0.jsonl", "records": 24}, "[\\"persona_001\\"]": {"file": "1.jsonl", …}}

A shard counts its own records from 1, so that a record more for one persona does not change another's rows. Its name
in origins and errors is `samples/persona.jsonl[persona_id=persona_000]`.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from recipebook.building import building
from recipebook.errors import UserError, on_one_line
from recipebook.files import digest, write_text
from recipebook.records import Record, name_kind, place
from recipebook.rows import BadRecord
from recipebook.sources.inputs import Input, digest_inputs, find_inputs, make_input

FORMAT = "1"
INDEX = "index.json"
BUFFERED = 64 * 2**20
MOST_FIELDS = 20


def find_shard(source: str, where: Mapping[str, str | int], root: Path, folder: Path) -> Input:
    """The records of a source whose fields have these values, as an input of its own."""
    fields = tuple(where)
    place, index = _open(source, fields, root, folder)
    key = json.dumps(list(where.values()))
    if key not in index:
        wanted = ", ".join(f"{field} {value!r}" for field, value in where.items())
        raise UserError(f"{source}: no record has {on_one_line(wanted)}{_format_some(index)}")
    path = place / index[key]["file"]
    name = f"{source}[{', '.join(f'{field}={value}' for field, value in where.items())}]"
    return make_input(path, name)


def list_values(source: str, column: str, root: Path, folder: Path) -> list[str | int]:
    """The values of a field in the order in which the source first has them."""
    return [json.loads(key)[0] for key in _open(source, (column,), root, folder)[1]]


def _open(source: str, fields: tuple[str, ...], root: Path, folder: Path) -> tuple[Path, dict[str, Any]]:
    inputs = find_inputs(source, root)
    place = folder / digest(FORMAT, _digest_once(source, root, _stamp(inputs)), *fields)
    if not (place / INDEX).is_file():
        with building(place.name, folder) as built:
            _write(inputs, fields, built)
            _publish(built, place)
    return place, _read_index(place)


def _stamp(inputs: Sequence[Input]) -> tuple[tuple[str, int, int], ...] | None:
    """Names, sizes and times of the files: while they stay the same, members need not each read the whole source."""
    found = [(each.name, each.path.stat()) for each in inputs if each.path and each.path.is_file()]
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in found) if len(found) == len(inputs) else None


@cache
def _digest_once(source: str, root: Path, stamp: tuple[tuple[str, int, int], ...] | None) -> str:
    return digest_inputs(find_inputs(source, root))


@cache
def _read_index(place: Path) -> dict[str, Any]:
    return dict(json.loads((place / INDEX).read_bytes()))


def _write(inputs: Sequence[Input], fields: tuple[str, ...], folder: Path) -> None:
    """Write all shards in one pass over the source; lines are collected in memory before they are written."""
    waiting: dict[str, list[bytes]] = {}
    index: dict[str, dict[str, Any]] = {}
    size = 0
    for each in inputs:
        for record in each.read({}):
            key = json.dumps([_take(record, field, each.name) for field in fields])
            entry = index.setdefault(key, {"file": f"{len(index)}.jsonl", "records": 0})
            entry["records"] += 1
            line = orjson.dumps(record.value, option=orjson.OPT_APPEND_NEWLINE)
            waiting.setdefault(key, []).append(line)
            size += len(line)
            if size > BUFFERED:
                _append(waiting, index, folder)
                size = 0
    _append(waiting, index, folder)
    write_text(folder / INDEX, json.dumps(index))


def _append(waiting: dict[str, list[bytes]], index: Mapping[str, Any], folder: Path) -> None:
    for key, lines in waiting.items():
        with (folder / index[key]["file"]).open("ab") as file:
            file.writelines(lines)
    waiting.clear()


def _take(record: Record, field: str, name: str) -> str | int:
    """A record's value of `field`; a record without one belongs to no shard, and would be lost silently."""
    where = place(name, record)
    if isinstance(record.value, BadRecord):
        raise UserError(f"{where}: {record.value}, so its '{on_one_line(field)}' cannot be read")
    value = record.value.get(field)
    if value is None:
        known = ", ".join(map(on_one_line, islice(record.value, MOST_FIELDS)))
        known += ", …" if len(record.value) > MOST_FIELDS else ""
        raise UserError(f"{where}: has no '{on_one_line(field)}'; it has: {known}")
    if type(value) not in (str, int):
        raise UserError(f"{where}: '{on_one_line(field)}' is {name_kind(value)}, not a string or a whole number")
    assert isinstance(value, str | int)
    return value


def _publish(built: Path, place: Path) -> None:
    try:
        built.rename(place)
    except OSError:
        # Another process was first.
        if not (place / INDEX).is_file():
            raise


def _format_some(index: Mapping[str, Any]) -> str:
    values = [", ".join(map(str, json.loads(key))) for key in list(index)[:5]]
    more = f" and {len(index) - 5} more" if len(index) > 5 else ""
    return on_one_line(f"; they have: {', '.join(values)}{more}")
