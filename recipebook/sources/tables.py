"""Records of a table: CSV with a header line, Parquet, or Arrow batches from elsewhere.

In: a CSV file

    input,output
    stop,robot.stop()

Out: `Record(1, 2, {"input": "stop", "output": "robot.stop()"})`. A CSV's fields are strings, whatever they hold. A
Parquet row is the object that it would be in JSONL; it has no line, so its place is `turns.parquet: row 7`. In a
column's objects a null is no field, since Arrow gives every object the fields of all others.
"""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from recipebook.errors import UserError, on_one_line
from recipebook.records import LARGEST, Record, Value, drop_nulls, parse, require_some
from recipebook.rows import BadRecord
from recipebook.sources.blocks import Position, open_file, read_blocks
from recipebook.sources.json_files import split_lines

if TYPE_CHECKING:
    import pyarrow

BATCH = 1024


def read_csv(path: Path, name: str, position: Position, notes: dict[str, str]) -> Iterator[Record]:
    """Yield a CSV file's rows; a row with too many or too few fields is a bad record."""
    return require_some(_read_rows(path, name, position), name)


def read_parquet(path: Path, name: str, position: Position, notes: dict[str, str]) -> Iterator[Record]:
    """Yield a Parquet file's rows, some at a time."""
    return require_some(read_batches(_read_parquet(path, name, position)), name)


def read_batches(batches: "Iterable[pyarrow.RecordBatch]") -> Iterator[Record]:
    """Yield the rows of Arrow batches, numbered through."""
    number = 0
    for batch in batches:
        for fields in _list_rows(batch):
            number += 1
            yield Record(number, 0, fields if isinstance(fields, BadRecord) else _drop_inner_nulls(_make_json(fields)))


def _read_rows(path: Path, name: str, position: Position) -> Iterator[Record]:
    csv.field_size_limit(LARGEST)
    reader = csv.reader(_read_lines(path, name, position), strict=True)
    try:
        header = next(reader, [])
        if twice := [column for at, column in enumerate(header) if column in header[:at]]:
            raise UserError(f"{name}:1: two columns are called '{on_one_line(twice[0])}'")
        number, line = 0, reader.line_num + 1
        for row in reader:
            if row:
                number += 1
                value = _make_json(dict(zip(header, row, strict=False)))
                if len(row) != len(header):
                    value = BadRecord(f"has {len(row)} fields, the header {len(header)}")
                yield Record(number, line, value)
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{name}:{reader.line_num}: not CSV: {error}") from error


def _read_lines(path: Path, name: str, position: Position) -> Iterator[str]:
    # Carriage returns are CSV's own, nothing to note; bytes that are not UTF-8 are their record's fault alone.
    for line, texts, _ in split_lines(read_blocks(path, name, position), name, {"crlf": ""}):
        for at, text in enumerate(texts, line):
            if len(text) > LARGEST:
                raise UserError(f"{name}:{at}: a line larger than {LARGEST // 2**20} MiB")
            decoded = text.decode(errors="surrogateescape")
            yield decoded.removeprefix("\ufeff") if at == 1 else decoded


def _read_parquet(path: Path, name: str, position: Position) -> "Iterator[pyarrow.RecordBatch]":
    import pyarrow
    import pyarrow.parquet

    with open_file(path, name) as file:
        try:
            for batch in pyarrow.parquet.ParquetFile(file).iter_batches(BATCH):
                position.done = file.tell()
                yield batch
        except (pyarrow.ArrowException, OSError) as error:
            raise UserError(f"{name}: cannot be read: {on_one_line(str(error).partition(chr(10))[0])}") from error


def _list_rows(batch: "pyarrow.RecordBatch") -> list[dict[str, Any] | BadRecord]:
    try:
        return list(batch.to_pylist())
    except ValueError as error:
        # One bad value spoils a whole batch, so each row is tried alone.
        if batch.num_rows == 1:
            return [
                BadRecord("not UTF-8" if isinstance(error, UnicodeDecodeError) else "holds a value that JSON has not")
            ]
        return [row for at in range(batch.num_rows) for row in _list_rows(batch.slice(at, 1))]


def _drop_inner_nulls(value: Value) -> Value:
    """A row without the nulls in its columns' objects; a column that is null itself stays."""
    if isinstance(value, BadRecord):
        return value
    for column, inner in value.items():
        if type(inner) is dict or type(inner) is list:
            value[column] = drop_nulls(inner)
    return value


def _make_json(fields: dict[str, Any]) -> Value:
    """Pass the fields through JSON, so that a row means what it would in JSONL."""
    try:
        return parse(orjson.dumps(fields))
    except orjson.JSONEncodeError as error:
        return BadRecord("not UTF-8" if "UTF-8" in str(error) else f"not JSON: {error}")
