"""Records of Arrow's formats: Parquet, an Arrow file, or Arrow batches from elsewhere.

In: `turns.parquet` with the columns `input` and `when`. Out:
`Record(7, 0, {"input": "stop", "when": "2026-11-20T14:15:03"})`: the object that the row would be in JSONL. A row has
no line, so its place is `turns.parquet: row 7`.

Dates and times become text in ISO 8601, durations seconds, maps objects, bytes text if they are UTF-8, and decimals
numbers, or text where a number would lose digits. A row with any other value is a bad record. In a column's objects a
null is no field, since Arrow gives every object the fields of all others.
"""

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from os import SEEK_END
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import orjson

from recipebook.errors import UserError, on_one_line, take_first_line
from recipebook.records import LARGEST, Record, Value, drop_nulls, parse, require_some
from recipebook.rows import BadRecord
from recipebook.sources.blocks import FREE, RATIO, Position, open_file

if TYPE_CHECKING:
    import pyarrow

BATCH = 1024
LARGEST_INTEGER = 2**63
# An item takes two characters of JSON or more.
MOST_ITEMS = LARGEST // 2

Batches = Iterator["pyarrow.RecordBatch"]


def read_parquet(path: Path, name: str, position: Position, notes: dict[str, str]) -> Iterator[Record]:
    """Yield a Parquet file's rows, some at a time."""
    return require_some(read_batches(_read_file(path, name, position, _open_parquet), name), name)


def read_arrow(path: Path, name: str, position: Position, notes: dict[str, str]) -> Iterator[Record]:
    """Yield the rows of an Arrow file, in either of its formats."""
    return require_some(read_batches(read_arrow_batches(path, name, position), name), name)


def read_arrow_batches(path: Path, name: str, position: Position) -> Batches:
    """Yield the batches of an Arrow file, whose columns are what they claim to be."""
    return _read_file(path, name, position, _open_arrow)


def read_batches(batches: "Iterable[pyarrow.RecordBatch]", name: str) -> Iterator[Record]:
    """Yield the rows of Arrow batches, numbered through."""
    number, checked = 0, None
    for batch in batches:
        if batch.schema is not checked:
            _check_columns(batch.schema, name)
            checked = batch.schema
        for fields in _list_rows(batch):
            number += 1
            yield Record(number, 0, fields if isinstance(fields, BadRecord) else _drop_inner_nulls(_make_json(fields)))


def _read_file(path: Path, name: str, position: Position, open_batches: Callable[[IO[bytes], str], Batches]) -> Batches:
    with open_file(path, name) as file:
        try:
            for batch in open_batches(file, name):
                position.done = file.tell()
                yield batch
        except UserError:
            raise
        except UnicodeDecodeError as error:
            raise UserError(f"{name}: a column's name is not UTF-8") from error
        except Exception as error:  # a broken file may lead the library to any
            raise UserError(f"{name}: cannot be read: {take_first_line(error)}") from error


def _open_parquet(file: IO[bytes], name: str) -> Batches:
    import pyarrow.parquet

    opened = pyarrow.parquet.ParquetFile(file)
    # Not asked for by column, which ends the process where the list of columns is broken.
    size = sum(opened.metadata.row_group(group).total_byte_size for group in range(opened.metadata.num_row_groups))
    if size > max(FREE, RATIO * file.seek(0, SEEK_END)):
        raise UserError(f"{name}: more than {RATIO} times as large unpacked; unpack it first if that is right")
    return opened.iter_batches(BATCH)  # type: ignore[no-any-return]


def _open_arrow(file: IO[bytes], name: str) -> Batches:
    import pyarrow

    if file.read(6) == b"ARROW1":
        opened = pyarrow.ipc.open_file(file)
        batches = map(opened.get_batch, range(opened.num_record_batches))
    else:
        file.seek(0)
        batches = iter(pyarrow.ipc.open_stream(file))
    for batch in batches:
        # Unlike Parquet's, these are read as they lie there, and a broken one would end the process.
        batch.validate(full=True)
        yield from (batch.slice(at, BATCH) for at in range(0, batch.num_rows, BATCH))


def _check_columns(schema: "pyarrow.Schema", name: str) -> None:
    try:
        columns = schema.names
    except UnicodeDecodeError as error:
        raise UserError(f"{name}: a column's name is not UTF-8") from error
    if len(set(columns)) < len(columns):
        twice = Counter(columns).most_common(1)[0][0]
        raise UserError(f"{name}: two columns are called '{on_one_line(twice)[:100]}'")


def _list_rows(batch: "pyarrow.RecordBatch") -> list[dict[str, Any] | BadRecord]:
    if sum(map(_count_items, batch.columns)) > MOST_ITEMS:
        return _list_halves(batch) if batch.num_rows > 1 else [BadRecord(f"larger than {LARGEST // 2**20} MiB")]
    try:
        return list(batch.to_pylist(maps_as_pydicts="strict"))
    except Exception as error:  # a date out of range, an unknown time zone, text that is not UTF-8: each has its own
        # One bad value spoils a whole batch, so each row is tried alone.
        if batch.num_rows == 1:
            return [BadRecord(_find_fault(batch, error))]
        return _list_halves(batch)


def _list_halves(batch: "pyarrow.RecordBatch") -> list[dict[str, Any] | BadRecord]:
    half = batch.num_rows // 2
    return [*_list_rows(batch.slice(0, half)), *_list_rows(batch.slice(half))]


def _count_items(column: "pyarrow.Array") -> int:
    """The items of a column's lists and maps, and of those in them."""
    import pyarrow

    kind = str(column.type)
    if kind.startswith("map"):
        column = pyarrow.ListArray.from_arrays(column.offsets, column.items)
    if kind.startswith(("map", "list", "large_list", "fixed_size_list")):
        items = column.flatten()
        return len(items) + _count_items(items)
    if kind.startswith("struct"):
        return sum(map(_count_items, column.flatten()))
    return 0


def _find_fault(row: "pyarrow.RecordBatch", error: Exception) -> str:
    """The column that has no value in Python, and why."""
    for column in row.schema.names:
        try:
            row.column(column).to_pylist(maps_as_pydicts="strict")
        except UnicodeDecodeError:
            return f"'{on_one_line(column)[:100]}' is not UTF-8"
        except OverflowError:
            return f"'{on_one_line(column)[:100]}' holds a date or a time out of range"
        except Exception as fault:  # as above
            return f"'{on_one_line(column)[:100]}' holds a value that JSON has not: {_shorten(fault)}"
    return f"holds a value that JSON has not: {_shorten(error)}"


def _shorten(error: Exception) -> str:
    return take_first_line(error)[:100]


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
        return parse(orjson.dumps(fields, _simplify))
    except orjson.JSONEncodeError:
        # One by one: which it is, and whether it is only a map whose keys are numbers.
        for column, value in fields.items():
            try:
                orjson.dumps({column: value}, _simplify, orjson.OPT_NON_STR_KEYS)
            except orjson.JSONEncodeError as error:
                return BadRecord(f"'{on_one_line(column)[:100]}' {_explain(error)}")
        return parse(orjson.dumps(fields, _simplify, orjson.OPT_NON_STR_KEYS))


def _explain(error: orjson.JSONEncodeError) -> str:
    cause = error.__cause__
    if isinstance(cause, UnicodeDecodeError):
        return "holds bytes that are no text"
    return "is not UTF-8" if "UTF-8" in str(error) else f"holds a value that JSON has not: {cause or error}"


def _simplify(value: object) -> object:
    """A value that JSON has, for one that it has not."""
    match value:
        case bytes():
            return value.decode()
        case Decimal():
            return _make_number(value)
        case datetime.timedelta():
            return value.total_seconds()
        case datetime.datetime() | datetime.time():
            return value.isoformat()
        case tuple():
            return list(value)
    raise TypeError(type(value).__name__)


def _make_number(value: Decimal) -> float | int | str:
    if not value.is_finite():
        return str(value)
    if value.as_tuple().exponent == 0:
        return int(value) if abs(value) < LARGEST_INTEGER else str(value)
    return float(value) if Decimal(repr(float(value))) == value else str(value)
