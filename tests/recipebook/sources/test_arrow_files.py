"""Arrow's types become JSON's, one way each, and a broken or odd file ends in one line."""

import random
import resource
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from recipebook.data.conversion import convert_file
from recipebook.errors import UserError
from recipebook.sources.inputs import find_inputs

MEMORY, SECONDS = 256 * 1024, 10


def read_all(path: Path) -> list[Any]:
    found = [record.value for each in find_inputs(path.name, path.parent) for record in each.read({})]
    return [value if isinstance(value, dict) else str(value) for value in found]


def read_column(folder: Path, values: list[Any], kind: Any = None) -> list[Any]:
    """The values of a column `a` after Parquet, or the reasons why its rows are bad."""
    path = folder / "x.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"a": pyarrow.array(values, kind)}), path)
    return [value["a"] if isinstance(value, dict) else value for value in read_all(path)]


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        ([Decimal("4.50"), Decimal("-3"), None], pyarrow.decimal128(9, 2), [4.5, -3.0, None]),
        ([Decimal(7), Decimal(10**20)], pyarrow.decimal128(30, 0), [7, "100000000000000000000"]),
        ([Decimal("0.1234567890123456789")], pyarrow.decimal128(30, 19), ["0.1234567890123456789"]),
        ([datetime(2026, 11, 20, 14, 15, 3)], pyarrow.timestamp("us"), ["2026-11-20T14:15:03"]),
        ([datetime(2026, 11, 20, 14, tzinfo=UTC)], pyarrow.timestamp("s", "UTC"), ["2026-11-20T14:00:00+00:00"]),
        ([1_500_000_001], pyarrow.timestamp("ns"), ["1970-01-01T00:00:01.500000001"]),
        ([date(2026, 11, 20)], pyarrow.date32(), ["2026-11-20"]),
        ([clock(14, 15)], pyarrow.time64("us"), ["14:15:00"]),
        ([timedelta(seconds=90)], pyarrow.duration("ms"), [90.0]),
        ([{"b": 1, "c": [True]}, {"b": None, "c": None}], None, [{"b": 1, "c": [True]}, {}]),
        ([[("x", 1), ("y", 2)], []], pyarrow.map_(pyarrow.string(), pyarrow.int8()), [{"x": 1, "y": 2}, {}]),
        ([[(1, "x")]], pyarrow.map_(pyarrow.int8(), pyarrow.string()), [{"1": "x"}]),
        ([b"text", b"\xff"], pyarrow.binary(), ["text", "'a' holds bytes that are no text"]),
        (["x", "x"], pyarrow.dictionary(pyarrow.int8(), pyarrow.string()), ["x", "x"]),
        ([2**63, None], pyarrow.uint64(), [2**63, None]),
        ([[[1], None], None], pyarrow.list_(pyarrow.list_(pyarrow.int8())), [[[1], None], None]),
        ([2**50, 0], pyarrow.timestamp("s"), ["'a' holds a date or a time out of range", "1970-01-01T00:00:00"]),
        (
            [0],
            pyarrow.timestamp("s", "Mars/Base"),
            ["'a' holds a value that JSON has not: 'Mars/Base'"],
        ),
    ],
)
def test_value_becomes_this(tmp_path: Path, values: list[Any], kind: Any, read: list[Any]) -> None:
    assert read_column(tmp_path, values, kind) == read


@pytest.mark.parametrize("ending", [".arrow", ".feather"])
@pytest.mark.parametrize("write", [pyarrow.ipc.new_file, pyarrow.ipc.new_stream])
def test_arrow_files_are_read_in_both_formats(tmp_path: Path, write: Callable[..., Any], ending: str) -> None:
    table = pyarrow.table({"a": [1, 2, 3]})
    with write(tmp_path / f"x{ending}", table.schema) as file:
        file.write_table(table, 2)
    assert read_all(tmp_path / f"x{ending}") == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_columns_without_a_name_of_their_own_are_refused(tmp_path: Path) -> None:
    column = pyarrow.array([1])
    for names, why in (
        (["a", "a"], "x.parquet: two columns are called 'a'"),
        (["a", b"\xff"], "x.parquet: a column's name is not UTF-8"),
    ):
        schema = pyarrow.schema([pyarrow.field(name, pyarrow.int64()) for name in names])
        table = pyarrow.Table.from_arrays([column, column], schema=schema)
        pyarrow.parquet.write_table(table, tmp_path / "x.parquet", store_schema=False)
        with pytest.raises(UserError) as error:
            read_all(tmp_path / "x.parquet")
        assert str(error.value) == why


def make_files() -> dict[str, bytes]:
    """A small file of each format, with text, lists, structs, decimals and times."""
    table = pyarrow.table(
        {
            "messages": [[{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello!"}], []] * 20,
            "score": pyarrow.array([Decimal("1.5"), None] * 20, pyarrow.decimal128(9, 3)),
            "when": pyarrow.array([0, 2**40] * 20, pyarrow.timestamp("s", "UTC")),
            "kind": pyarrow.array(["x", "y"] * 20).dictionary_encode(),
        }
    )
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink)
    stream = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(stream, table.schema) as file:
        file.write_table(table, 16)
    return {"x.parquet": sink.getvalue().to_pybytes(), "x.arrow": stream.getvalue().to_pybytes()}


def mutate(content: bytes, chance: random.Random) -> bytes:
    """The same with some bytes changed, cut out or repeated, or cut short."""
    changed = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 8])):
        at = chance.randrange(len(changed))
        match chance.randrange(5):
            case 0 | 1:
                changed[at] = chance.choice([0, 1, 127, 128, 255, changed[at] ^ 1 << chance.randrange(8)])
            case 2:
                del changed[at : at + chance.choice([1, 4, 40])]
            case 3:
                changed[at:at] = changed[at : at + chance.choice([1, 4, 40])]
            case _:
                # The footer of Parquet, which says where everything is.
                end = len(changed) - chance.randrange(1, min(400, len(changed)))
                changed[end] = chance.randrange(256)
    return bytes(changed)


def check_all(contents: Callable[[int], tuple[str, bytes]], count: int, folder: Path) -> None:
    """Convert each of the contents: rows or one line, in seconds, and with no more memory than the first ones."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(count):
        name, content = contents(number)
        (folder / name).write_bytes(content)
        begun = time.process_time()
        for converter in ("auto", "chat"):
            try:
                convert_file(converter, str(folder / name), folder / "rows.jsonl", {}, "100%")
            except UserError as error:
                assert "\n" not in str(error), (number, error)
        assert time.process_time() - begun < SECONDS, number
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY


@pytest.mark.parametrize("count", [40, pytest.param(5000, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", ["x.parquet", "x.arrow"])
def test_mutated_file_ends_in_rows_or_one_line(tmp_path: Path, name: str, count: int) -> None:
    content = make_files()[name]
    check_all(lambda number: (name, mutate(content, random.Random(number))), count, tmp_path)


KINDS: tuple[tuple[Any, Callable[[random.Random], Any]], ...] = (
    (pyarrow.string(), lambda chance: chance.choice(["hi", "", "\0", "é" * 300, "\x1b[2J"])),
    (pyarrow.binary(), lambda chance: chance.choice([b"", b"hi", b"\xff\xd8"])),
    (pyarrow.int64(), lambda chance: chance.choice([0, -(2**63), 2**63 - 1])),
    (pyarrow.float32(), lambda chance: chance.choice([0.1, float("nan"), float("-inf")])),
    (pyarrow.decimal128(38, 10), lambda chance: Decimal(chance.randrange(10**20)) / 10**9),
    (pyarrow.date32(), lambda chance: chance.choice([0, -(2**31), 2**31 - 1])),
    (pyarrow.date64(), lambda chance: chance.choice([0, -(2**62), 2**62])),
    (pyarrow.timestamp("ns", "Nowhere/City"), lambda chance: chance.choice([0, 2**62])),
    (pyarrow.timestamp("s", "+99:99"), lambda chance: chance.choice([0, 2**62])),
    (pyarrow.timestamp("ms"), lambda chance: chance.choice([0, 2**61, -(2**61)])),
    (pyarrow.duration("s"), lambda chance: chance.choice([0, 2**62])),
    (pyarrow.time64("ns"), lambda chance: chance.choice([0, 86_399 * 10**9 + 1])),
    (pyarrow.null(), lambda chance: None),
    (pyarrow.map_(pyarrow.string(), pyarrow.int8()), lambda chance: chance.choice([[("a", 1), ("a", 2)], []])),
    (pyarrow.list_(pyarrow.struct([("role", pyarrow.string())])), lambda chance: chance.choice([[None], [{}], []])),
    (pyarrow.struct([("a", pyarrow.struct([("b", pyarrow.null())]))]), lambda chance: chance.choice([{}, None])),
)
NAMES = (
    "messages",
    "prompt",
    "completion",
    "instruction",
    "output",
    "input",
    "text",
    "",
    "a\nb",
    "\x1b[2J",
    "n" * 5000,
)


def make_odd_table(number: int) -> tuple[str, bytes]:
    """A table of odd types under odd names in Parquet, or odd lines of CSV."""
    chance = random.Random(number)
    if number % 4 == 3:
        parts = [",", '"', "\n", ";", "\t", "\r\n", "a", "", "\0", "\ufeff", "é", "prompt", "completion"]
        content = "".join(chance.choice(parts) for _ in range(chance.choice([3, 30, 3000])))
        return "x.csv", content.encode(chance.choice(["utf-8", "utf-16", "latin-1", "utf-32"]), errors="replace")
    rows = chance.choice([1, 3, 40])
    chosen = [chance.choice(KINDS) for _ in range(chance.randrange(1, 6))]
    columns = [
        pyarrow.array([None if chance.random() < 0.2 else make(chance) for _ in range(rows)], kind)
        for kind, make in chosen
    ]
    names = [b"\xff" if chance.random() < 0.02 else chance.choice(NAMES) for _ in columns]
    fields = [pyarrow.field(name, column.type) for name, column in zip(names, columns, strict=True)]
    sink = pyarrow.BufferOutputStream()
    if number % 4 == 2:
        with pyarrow.ipc.new_file(sink, pyarrow.schema(fields)) as file:
            file.write_batch(pyarrow.RecordBatch.from_arrays(columns, schema=pyarrow.schema(fields)))
        return "x.arrow", sink.getvalue().to_pybytes()
    table = pyarrow.Table.from_arrays(columns, schema=pyarrow.schema(fields))
    write = partial(pyarrow.parquet.write_table, store_schema=chance.random() < 0.8)
    try:
        write(table, sink)
    except (pyarrow.ArrowException, UnicodeDecodeError):
        # What Parquet itself does not take.
        return "x.csv", b"a\n1\n"
    return "x.parquet", sink.getvalue().to_pybytes()


@pytest.mark.parametrize("count", [40, pytest.param(2000, marks=pytest.mark.long)])
def test_odd_table_ends_in_rows_or_one_line(tmp_path: Path, count: int) -> None:
    check_all(make_odd_table, count, tmp_path)


def test_fifty_thousand_columns_take_no_longer_than_their_bytes(tmp_path: Path) -> None:
    header = ",".join(f"column{number}" for number in range(50_000))
    begun = time.process_time()
    check_all(lambda _: ("x.csv", f"{header}\n{',' * 49_999}\n".encode()), 1, tmp_path)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize("nested", [False, True])
def test_a_value_of_more_items_than_a_record_may_have_is_refused_before_it_is_read(
    tmp_path: Path, nested: bool
) -> None:
    lists = pyarrow.ListArray.from_arrays(pyarrow.array([0, 2, 2_200_000, 2_200_001]), pyarrow.nulls(2_200_001))
    column = pyarrow.StructArray.from_arrays([lists], ["b"]) if nested else lists
    pyarrow.parquet.write_table(pyarrow.table({"a": column}), tmp_path / "x.parquet")
    first, large, last = read_all(tmp_path / "x.parquet")
    assert large == "larger than 4 MiB"
    assert ("a" in first, "a" in last) == (True, True)
