"""From records to rows, by a converter found by its file's name; nothing is dropped without a reason.

In: `converters/robot.py` and a file with `{"input": "stop", "output": "robot.stop()"}`. Out: rows as JSONL

    {"messages": [...], "meta": {"category": "uncategorised", "origin": "samples/robot.json#1"}}

and the account of every record. The file of rows is whole or absent.
"""

import gc
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson
from orjson import OPT_APPEND_NEWLINE
from pydantic import BaseModel
from xxhash import xxh3_64_intdigest

from recipebook.data.account import Account, Ledger, judge
from recipebook.data.converter import Converter, Join, choose_converter, find_converter
from recipebook.data.field_values import Unread
from recipebook.data.fields import READ, Fields, Shapes
from recipebook.errors import UserError
from recipebook.files import replacing
from recipebook.hardware import count_cores
from recipebook.locks import die_with_parent
from recipebook.options import check_options
from recipebook.progress import ProgressLine
from recipebook.records import Record
from recipebook.rows import BadRecord, LeftOut, Row
from recipebook.sources.inputs import Input, find_inputs, measure, note_deeper
from recipebook.sources.json_files import cut, read_span
from recipebook.sources.lines import LineSpan

PROGRESS_EVERY = 10_000
SPAN = 4 * 2**20
BUFFER = 2**20
TOO_LONG = "holds an integer of more than 64 bits outside of a text or the arguments of a call"


class Converted(NamedTuple):
    """An accepted record, its rows, and the same rows as lines of JSONL with their origin."""

    record: Record
    rows: list[Row]
    lines: list[bytes]


def convert_file(
    converter: str,
    source: str,
    out: Path,
    options: Mapping[str, Any],
    rejects: int | str = 0,
) -> Account:
    """Convert a source to one file of rows; with more rejected records than allowed, only an error is left."""
    ledger, line = Ledger(), ProgressLine("convert")
    inputs = find_inputs(source, Path())
    ledger.notes |= note_deeper(source, inputs)
    found = choose_converter(converter, source, inputs, ledger.notes, options, rejects)
    checked = check_options(found.options, options, f"converter {found.name}")
    show = partial(draw_reading, line, inputs, ledger)
    join = found.choose_join(checked)
    with replacing(out) as file, ExitStack() as stack:
        stack.callback(line.clear)
        for each, records in read_inputs(inputs, ledger.notes, join):
            # Records that belong together may stand far apart.
            spans = None if join else cut_input(each, ledger)
            if each.plain and spans:
                _convert_spans(found, each, each.plain, checked, spans, ledger, file, show)
            else:
                for _, _, lines in _convert_all(records, each.name, found, checked, ledger, show):
                    file.writelines(lines)
        return close_account(ledger, source, rejects)


def read_inputs(
    inputs: Sequence[Input], notes: dict[str, str], join: Join | None
) -> Iterator[tuple[Input, Iterator[Record]]]:
    """Each input with its records, to be read before the next one; those that belong together may stand in several."""
    if join is None:
        yield from ((each, each.read(notes)) for each in inputs)
        return
    held = [[*each.read(notes)] for each in inputs]
    joined = join(chain.from_iterable(held))
    yield from ((each, islice(joined, len(records))) for each, records in zip(inputs, held, strict=True))


def close_account(ledger: Ledger, source: str, rejects: int | str) -> Account:
    """The account of a whole source; raises where too many records were rejected, or none became a row."""
    account = ledger.close()
    judge(account, rejects, "--rejects")
    if not account.rows:
        raise UserError(f"{source}: none of its {account.records} records became a row{account.format_reasons()}")
    return account


def convert_records(
    records: Iterable[Record],
    name: str,
    converter: Converter,
    options: BaseModel,
    ledger: Ledger,
    show: Callable[[], None] | None = None,
) -> Iterator[Converted]:
    """Yield each accepted record with its rows, whose lines have their origin; the ledger counts every record, and
    every field that the converter does not read.

    `show` is called after each `PROGRESS_EVERY` records.
    """
    # A third faster than calling the class, as in every step below that is taken a million times.
    make = partial(tuple.__new__, Converted)
    return map(make, _convert_all(records, name, converter, options, ledger, show))


def _convert_all(
    records: Iterable[Record],
    name: str,
    converter: Converter,
    options: BaseModel,
    ledger: Ledger,
    show: Callable[[], None] | None = None,
) -> Iterator[tuple[Record, list[Row], list[bytes]]]:
    """What `convert_records` yields, as plain tuples; what all records need is looked up once."""
    convert, remember, dumps = converter.convert, ledger.contents.remember, orjson.dumps
    fields, unread = _choose_fields(converter, options, ledger), list[Unread]()
    find_unread, clean, sign = fields.find_in_object, fields.clean, fields.sign
    start, noted = f"{name}#", converter.notes.keys()
    end = _measure_end(name)
    for record in records:
        ledger.records += 1
        if show and ledger.records % PROGRESS_EVERY == 0:
            show()
        number, _, value = record
        try:
            if isinstance(value, BadRecord):
                raise value
            rows = convert(value, options)
            lines, digits, remarkable = [], str(number), False
            for row in rows:
                # It stands last, so that all before the origin can be compared.
                meta = row.pop("meta")  # type: ignore[misc]
                row["meta"] = meta
                if not noted.isdisjoint(meta):
                    remarkable = True
                meta["origin"] = start + digits
                lines.append(dumps(row, None, OPT_APPEND_NEWLINE))
            if not lines:
                raise BadRecord("gives no row")
            if id(value) not in READ:
                signature = sign(value)
                if signature not in clean:
                    find_unread(value, unread, signature)
                    if unread:
                        found, unread = unread, []
                        ledger.unread.count(found, name, record)
            # A record that is done with takes no memory.
            READ.clear()
        except BadRecord as reason:
            (ledger.leave_out if isinstance(reason, LeftOut) else ledger.reject)(name, record, str(reason))
        except orjson.JSONEncodeError as error:
            ledger.reject(name, record, TOO_LONG if "64-bit" in str(error) else "nested too deeply")
        else:
            for line in lines:
                # What precedes the origin is the content, by which duplicates are known.
                remember(xxh3_64_intdigest(line[: -end - len(digits)]))
            ledger.rows += len(lines)
            if remarkable:
                _remark(rows, name, record, converter.notes, ledger)
            yield record, rows, lines


def _choose_fields(converter: Converter, options: BaseModel, ledger: Ledger) -> Fields | Shapes:
    """What the converter reads of a record; where it declares nothing, all."""
    fields = converter.choose_fields(options) or converter.fields
    if fields is None:
        what = f"converter {converter.name} declares no FIELDS"
        ledger.notes["fields"] = f"{what}: what it does not read is not counted"
        return Shapes(lambda _: None, ())
    return fields


def _measure_end(name: str) -> int:
    """The length of a line's ending, less the digits: `"origin":"data.jsonl#12"}}` and a line feed."""
    return len(b'"origin":') + len(orjson.dumps(f"{name}#")) + len(b"}}\n")


def _remark(rows: list[Row], name: str, record: Record, notes: Mapping[str, str], ledger: Ledger) -> None:
    """Count what its converter finds remarkable about each row of a record."""
    for row in rows:
        ledger.remark(name, record, [notes[key] for key in notes if key in row["meta"]])


def draw_reading(line: ProgressLine, inputs: list[Input], ledger: Ledger) -> None:
    """Draw how far the inputs are read."""
    done, total = measure(inputs)
    if total:
        line.draw(100 * done // total, 100, f" %, {ledger.records} records")
    else:
        line.wait(f"{ledger.records} records,")


def cut_input(source: Input, ledger: Ledger) -> Iterator[LineSpan] | None:
    """Cut a big file into spans, the same number for each processor; None if it is small."""
    path = source.plain
    count = _count_spans(path) if path and path.is_file() else 0
    return cut(path, source.name, ledger.notes, count) if path and count > 1 else None


def _count_spans(path: Path) -> int:
    count = path.stat().st_size // SPAN
    return count - count % count_cores() or count


def _convert_spans(
    converter: Converter,
    source: Input,
    path: Path,
    options: BaseModel,
    spans: Iterator[LineSpan],
    ledger: Ledger,
    file: IO[bytes],
    show: Callable[[], None],
) -> None:
    # Forked, so that nothing is imported twice; and killed with this process, or they would wait for work for ever.
    fork, count = multiprocessing.get_context("fork"), min(_count_spans(path), count_cores())
    # Beside the rows, where there is room for them; rows that go into a pipe have no such place.
    place = Path(str(file.name))
    beside = place.parent if place.is_file() else None
    with (
        tempfile.TemporaryDirectory(prefix=".spans.", dir=beside) as folder,
        ProcessPoolExecutor(count, fork, die_with_parent, (os.getpid(),)) as pool,
    ):
        convert = partial(_convert_span, converter.name, path, source.name, options, Path(folder))
        for piece, later, end in pool.map(convert, spans):
            with piece.open("rb") as rows:
                shutil.copyfileobj(rows, file, BUFFER)
            piece.unlink()
            ledger.add(later)
            source.position.done = end
            show()


def _convert_span(
    converter: str, path: Path, name: str, options: BaseModel, folder: Path, span: LineSpan
) -> tuple[Path, Ledger, int]:
    # Records make no cycles, and looking for them takes a tenth of the time; this process ends with its spans.
    gc.disable()
    ledger = Ledger()
    piece = folder / str(span.start)
    with piece.open("wb", BUFFER) as file:
        records = read_span(path, name, ledger.notes, span)
        converted = _convert_all(records, name, find_converter(converter), options, ledger)
        file.writelines(chain.from_iterable(map(itemgetter(2), converted)))
    return piece, ledger, span.end
