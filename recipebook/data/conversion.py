"""From records to rows, by a converter found by its file's name; nothing is dropped without a reason.

In: `converters/robot.py` and a file with `{"input": "stop", "output": "robot.stop()"}`. Out: rows as JSONL

    {"messages": [...], "meta": {"category": "uncategorised", "origin": "samples/robot.json#1"}}

and the account of every record. The file of rows is whole or absent.
"""

import gc
import multiprocessing
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import cache, partial
from itertools import chain
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, NamedTuple

import orjson
from orjson import OPT_APPEND_NEWLINE
from pydantic import BaseModel
from xxhash import xxh3_64_intdigest

from recipebook.data.account import Account, Ledger, judge
from recipebook.data.code_digest import digest_module
from recipebook.data.columns import OPTION as COLUMNS
from recipebook.data.columns import choose_by_columns, require_columns
from recipebook.data.fields import Fields, Shapes, Unread
from recipebook.data.recognise import choose
from recipebook.data.split import Leak
from recipebook.errors import UserError
from recipebook.files import replacing
from recipebook.hardware import count_cores
from recipebook.modules import AUTO, CONVERTER, load
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

Join = Callable[[Iterable[Record]], Iterator[Record]]
"""Optional step of a converter: adds to each record of one file the values that its row needs from other records."""


class Converter(NamedTuple):
    """A module of converters/."""

    name: str
    options: type[BaseModel]
    convert: Callable[[dict[str, Any], Any], list[Row]]
    hash_code: Callable[[], str]
    """Hash its code and what that builds on; it takes longer than a small file."""
    choose_join: Callable[[Any], Join | None] = lambda _: None
    """The step that the options choose; None if no record needs another."""
    strengths: tuple[str, ...] = ()
    """Names of numbers in its rows' meta; its options may leave out rows in which such a number is low."""
    fields: Fields | Shapes | None = None
    """What it reads of a record; None: it does not say."""
    notes: Mapping[str, str] = MappingProxyType({})
    """Names of numbers in its rows' meta to what they say of a row, for the notes of the account."""
    leak: Leak = "prompt"
    """What a train row must not share with held-out rows."""
    choose_fields: Callable[[Any], Fields | Shapes | None] = lambda _: None
    """What it reads of a record where the options decide that; None where they do not."""


class Converted(NamedTuple):
    """An accepted record, its rows, and the same rows as lines of JSONL with their origin."""

    record: Record
    rows: list[Row]
    lines: list[bytes]


@cache
def find_converter(name: str) -> Converter:
    """Load converters/<name>.py."""
    module = load(CONVERTER, name)
    own = vars(module)
    found = Converter(name, module.Options, module.convert, partial(digest_module, module))
    declared = {key.lower(): own[key] for key in ("STRENGTHS", "FIELDS", "LEAK", "NOTES") if key in own}
    chosen = {key: own[key] for key in ("choose_join", "choose_fields") if key in own}
    return found._replace(**declared, **chosen)


def choose_converter(
    name: str, source: str, inputs: list[Input], notes: dict[str, str], options: Mapping[str, Any]
) -> Converter:
    """Load the converter of that name; `auto` is settled by the columns in `options` or by the source's first records,
    and noted."""
    if options.get(COLUMNS) is not None:
        found = find_converter(choose_by_columns(options) if name == AUTO else name)
        columns: Any = dict(check_options(found.options, options, f"converter {found.name}"))[COLUMNS]
        require_columns(columns.list_names(), inputs[0].read({}), inputs[0].name)
        notes["converter"] = f"{source}: converter {found.name}: data.options.columns names its columns"
        return found
    if name != AUTO:
        return find_converter(name)
    choice = choose(inputs[0].read({}), inputs[0].name)
    notes["converter"] = f"{source}: {choice.reason}"
    return find_converter(choice.name)


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
    found = choose_converter(converter, source, inputs, ledger.notes, options)
    checked = check_options(found.options, options, f"converter {found.name}")
    show = partial(draw_reading, line, inputs, ledger)
    with replacing(out) as file, ExitStack() as stack:
        stack.callback(line.clear)
        for each in inputs:
            # Records that belong together may stand far apart.
            spans = None if found.choose_join(checked) else cut_input(each, ledger)
            if each.plain and spans:
                _convert_spans(found, each, each.plain, checked, spans, ledger, file, show)
            else:
                records = each.read(ledger.notes)
                for _, _, lines in _convert_all(records, each.name, found, checked, ledger, show):
                    file.writelines(lines)
        return close_account(ledger, source, rejects)


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
    """What `convert_records` yields, as plain tuples."""
    convert, dumps, remember = converter.convert, orjson.dumps, ledger.contents.remember
    where = f"{name}#"
    # The length of a line's ending, less the digits: `"origin":"data.jsonl#12"}}` and a line feed.
    end = len(b'"origin":') + len(orjson.dumps(where)) + len(b"}}\n")
    join = converter.choose_join(options)
    unread: list[Unread] = []
    notes = converter.notes
    has_none_in = frozenset(notes).isdisjoint
    fields = converter.choose_fields(options) or converter.fields
    find_unread = fields.find_in_object if fields else None
    if fields is None:
        ledger.notes["fields"] = f"converter {converter.name} declares no FIELDS: what it does not read is not counted"
    for record in join(records) if join else records:
        number, _, value = record
        ledger.records += 1
        if show and ledger.records % PROGRESS_EVERY == 0:
            show()
        try:
            if isinstance(value, BadRecord):
                raise value
            rows = convert(value, options)
            if not rows:
                raise BadRecord("gives no row")
            digits, lines, remarkable = str(number), [], False
            for row in rows:
                # It stands last, so that all before the origin can be compared.
                meta = row.pop("meta")  # type: ignore[misc]
                row["meta"] = meta
                remarkable = remarkable or not has_none_in(meta)
                meta["origin"] = where + digits
                lines.append(dumps(row, None, OPT_APPEND_NEWLINE))
            if find_unread:
                find_unread(value, unread)
                if unread:
                    ledger.unread.count(unread, name, record)
                    unread.clear()
        except LeftOut as reason:
            unread.clear()
            ledger.leave_out(name, record, str(reason))
            continue
        except BadRecord as reason:
            unread.clear()
            ledger.reject(name, record, str(reason))
            continue
        except orjson.JSONEncodeError as error:
            ledger.reject(name, record, TOO_LONG if "64-bit" in str(error) else "nested too deeply")
            continue
        # What precedes the origin is the content, by which duplicates are known.
        for text in lines:
            remember(xxh3_64_intdigest(text[: -end - len(digits)]))
        if remarkable:
            for row in rows:
                ledger.remark(name, record, [note for key, note in notes.items() if key in row["meta"]])
        ledger.rows += len(rows)
        yield record, rows, lines


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
    # Forked, so that nothing is imported twice.
    fork = multiprocessing.get_context("fork")
    # Beside the rows, where there is room for them; rows that go into a pipe have no such place.
    place = Path(str(file.name))
    beside = place.parent if place.is_file() else None
    with (
        tempfile.TemporaryDirectory(prefix=".spans.", dir=beside) as folder,
        ProcessPoolExecutor(min(_count_spans(path), count_cores()), mp_context=fork) as pool,
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
