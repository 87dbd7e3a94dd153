"""From records to rows, by a converter found by its file's name; nothing is dropped without a reason.

In: `converters/robot.py` and a file with `{"input": "stop", "output": "robot.stop()"}`. Out: rows as JSONL

    {"messages": [...], "meta": {"category": "uncategorised", "origin": "samples/robot.json#1"}}

and the account of every record. The file of rows is whole or absent.
"""

import importlib
import inspect
import multiprocessing
import os
import pkgutil
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson
from pydantic import BaseModel, ValidationError

import converters
from recipebook.account import Account, Ledger, judge
from recipebook.errors import UserError
from recipebook.files import digest, replacing
from recipebook.json_files import Span, cut, read, read_span
from recipebook.records import Record
from recipebook.rows import BadRecord, Row

PROGRESS_EVERY = 10_000
SPAN = 4 * 2**20
COPIED = 2**20

_ORIGIN = b'"origin":'

Progress = Callable[[int], None]


class Converter(NamedTuple):
    """A module of converters/, and the hash of its source."""

    name: str
    options: type[BaseModel]
    convert: Callable[[dict[str, Any], Any], Iterator[Row]]
    code: str


class Converted(NamedTuple):
    """An accepted record, its rows, and the same rows as lines of JSONL."""

    record: Record
    rows: list[Row]
    lines: list[bytes]


def list_converters() -> list[str]:
    """Names of the modules in converters/."""
    return sorted(module.name for module in pkgutil.iter_modules(converters.__path__))


def find_converter(name: str) -> Converter:
    """Load converters/<name>.py."""
    if name not in list_converters():
        raise UserError(f"no '{name}' in converters/; it has: {', '.join(list_converters())}")
    module = importlib.import_module(f"converters.{name}")
    return Converter(name, module.Options, module.convert, digest(inspect.getsource(module)))


def read_options(converter: Converter, given: dict[str, Any]) -> BaseModel:
    """Check a recipe's options against the converter's own."""
    try:
        return converter.options.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        known = ", ".join(converter.options.model_fields)
        if first["type"] == "extra_forbidden":
            raise UserError(f"converter {converter.name}: no option '{key}'; it has: {known}") from error
        raise UserError(f"converter {converter.name}: option '{key}': {first['msg']}") from error


def convert_file(
    converter: str,
    source: Path,
    out: Path,
    options: dict[str, Any],
    rejects: int | str = 0,
    progress: Progress | None = None,
) -> Account:
    """Convert one file to rows; more rejected records than allowed leave nothing behind but the error."""
    found = find_converter(converter)
    checked = read_options(found, options)
    ledger = Ledger()
    with replacing(out) as file:
        spans = _cut(source, ledger)
        if len(spans) > 1:
            _convert_spans(found, source, checked, spans, ledger, file, progress)
        else:
            records = read(source, str(source), ledger.notes)
            for each in convert_records(records, str(source), found, checked, ledger, progress):
                file.writelines(each.lines)
        account = ledger.close()
        judge(account, rejects)
        if not account.rows:
            raise UserError(f"{source}: none of its {account.records} records became a row")
    return account


def convert_records(
    records: Iterable[Record],
    name: str,
    converter: Converter,
    options: BaseModel,
    ledger: Ledger,
    progress: Progress | None = None,
) -> Iterator[Converted]:
    """Yield what becomes rows, with their origin; the ledger gains every record, rejected ones by reason."""
    convert, dumps, see = converter.convert, orjson.dumps, ledger.contents.see
    for record in records:
        number, _, value = record
        ledger.records += 1
        if progress and ledger.records % PROGRESS_EVERY == 0:
            progress(ledger.records)
        try:
            if isinstance(value, BadRecord):
                raise value
            rows = list(convert(value, options))
            if not rows:
                raise BadRecord("gives no row")
        except BadRecord as reason:
            ledger.reject(name, record, str(reason))
            continue
        lines = []
        for row in rows:
            # The origin comes last: what precedes it is the row's content, by which duplicates are known.
            fields: dict[str, Any] = {**row}
            meta = fields.pop("meta")
            meta["origin"] = f"{name}#{number}"
            fields["meta"] = meta
            line = dumps(fields, option=orjson.OPT_APPEND_NEWLINE)
            see(line[: line.rindex(_ORIGIN)])
            lines.append(line)
        ledger.rows += len(rows)
        yield Converted._make((record, rows, lines))


def _cut(source: Path, ledger: Ledger) -> list[Span]:
    """Cut a big file into one span a processor; none if it is small."""
    size = source.stat().st_size if source.is_file() else 0
    count = min(len(os.sched_getaffinity(0)), size // SPAN)
    return cut(source, str(source), ledger.notes, count) if count > 1 else []


def _convert_spans(
    converter: Converter,
    source: Path,
    options: BaseModel,
    spans: list[Span],
    ledger: Ledger,
    file: IO[bytes],
    progress: Progress | None,
) -> None:
    # Forked, so that all processes share one seed of `hash`, by which duplicates are counted.
    fork = multiprocessing.get_context("fork")
    with (
        tempfile.TemporaryDirectory(prefix=".spans.", dir=Path(file.name).parent) as folder,
        ProcessPoolExecutor(len(spans), mp_context=fork) as pool,
    ):
        pieces = [Path(folder, str(at)) for at in range(len(spans))]
        convert = partial(_convert_span, converter.name, source, options)
        for piece, later in zip(pieces, pool.map(convert, spans, pieces), strict=True):
            ledger.add(later)
            with piece.open("rb") as rows:
                shutil.copyfileobj(rows, file, COPIED)
            piece.unlink()
            if progress:
                progress(ledger.records)


def _convert_span(converter: str, source: Path, options: BaseModel, span: Span, piece: Path) -> Ledger:
    ledger = Ledger()
    records = read_span(source, str(source), ledger.notes, span)
    with piece.open("wb") as file:
        for each in convert_records(records, str(source), find_converter(converter), options, ledger):
            file.writelines(each.lines)
    return ledger
