r"""Records of a data file, one at a time, each with the place it stands at; broken ones are told, never skipped.

In: a JSON list or JSONL, told apart by its content:

    {"input": "stop", "output": "robot.stop()"}
    {"input": "come home", "output":

Out: `Record(1, 1, {"input": "stop", "output": "robot.stop()"})` and
`Record(2, 2, BadRecord("not JSON: unexpected end of data"))`.

JSONL is streamed; a JSON list is loaded whole. A file that holds no record at all is a `UserError`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from os import SEEK_END
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from recipebook.errors import UserError
from recipebook.rows import BadRecord

LARGEST = 4 * 2**20
BLOCK = 2**18
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BLANK = b" \t\r\n"


class Record(NamedTuple):
    """One record: its number and its line, both from 1, and what stands there."""

    number: int
    line: int
    value: dict[str, Any] | BadRecord


class Span(NamedTuple):
    """Whole lines of a JSONL file: its bytes from `start` to `end`, and the records and lines that stand before."""

    start: int
    end: int
    records: int
    lines: int


def read(path: Path, name: str, notes: dict[str, str]) -> Iterator[Record]:
    """Yield the records of `path`, which errors call `name`; `notes` gains a line for every oddity read past."""
    with _open(path, name) as file:
        start = _skip_byte_order_mark(file, name, notes)
        if _starts_list(file, start):
            records = _read_list(file, name, notes)
        else:
            records = _read_lines(file, name, notes, Span(start, file.seek(0, SEEK_END), 0, 0))
        first = next(records, None)
        if first is None:
            raise UserError(f"{name}: holds no records")
        yield first
        yield from records


def read_span(path: Path, name: str, notes: dict[str, str], span: Span) -> Iterator[Record]:
    """Yield the records of one span, numbered as in the whole file."""
    with _open(path, name) as file:
        yield from _read_lines(file, name, notes, span)


def cut(path: Path, name: str, notes: dict[str, str], count: int) -> list[Span]:
    """Cut a JSONL file into `count` spans or fewer; none for a JSON list, which must be read whole."""
    with _open(path, name) as file:
        start = _skip_byte_order_mark(file, name, notes)
        if _starts_list(file, start):
            return []
        size = file.seek(0, SEEK_END)
        ends = [_find_line_end(file, start + (size - start) * at // count) for at in range(1, count)]
        bounds = sorted({start, *ends, size})
        spans: list[Span] = []
        records, lines = 0, 0
        for begin, end in pairwise(bounds):
            spans.append(Span(begin, end, records, lines))
            if end < size:
                for _, texts in _split_lines(file, name, {}, spans[-1]):
                    lines += len(texts)
                    records += sum(map(_is_filled, texts))
        return spans


@contextmanager
def _open(path: Path, name: str) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror}") from error


def _find_line_end(file: IO[bytes], at: int) -> int:
    file.seek(at)
    while block := file.read(BLOCK):
        found = block.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(block)
    return at


def _skip_byte_order_mark(file: IO[bytes], name: str, notes: dict[str, str]) -> int:
    if file.read(len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK:
        notes["mark"] = f"{name}:1: starts with a byte-order mark; read without it"
    else:
        file.seek(0)
    return file.tell()


def _starts_list(file: IO[bytes], start: int) -> bool:
    """Look for a list: `[` comes first, and the first line is not a whole list with more lines to follow."""
    head = b""
    while not head and (block := file.read(BLOCK)):
        head = block.lstrip(BLANK)
    listed = head.startswith(b"[") and not _is_list_a_line(head, file)
    file.seek(start)
    return listed


def _is_list_a_line(head: bytes, file: IO[bytes]) -> bool:
    first, _, rest = head.partition(b"\n")
    if not first.rstrip(BLANK).endswith(b"]") or not (rest + file.read(BLOCK)).strip(BLANK):
        return False
    try:
        return isinstance(orjson.loads(first), list)
    except orjson.JSONDecodeError:
        return False


def _read_lines(file: IO[bytes], name: str, notes: dict[str, str], span: Span) -> Iterator[Record]:
    number, make = span.records, Record._make
    for line, texts in _split_lines(file, name, notes, span):
        for position, text in enumerate(texts, line):
            value = _parse(text)
            if isinstance(value, BadRecord):
                if not _is_filled(text):
                    continue
                if number == 0 and text.strip(BLANK) == b"{":
                    told = "an object over several lines; give a list, or an object a line"
                    raise UserError(f"{name}:{position}: {told}")
            number += 1
            yield make((number, position, value))


def _is_filled(text: bytes) -> bool:
    # A line cut for its length may be all blank so far and is a record all the same.
    return len(text) > LARGEST or bool(text.strip(BLANK))


def _split_lines(file: IO[bytes], name: str, notes: dict[str, str], span: Span) -> Iterator[tuple[int, list[bytes]]]:
    """Yield lines by the block with the first one's number; of a line that is too large, only the start is kept."""
    line, begun, left = span.lines + 1, b"", span.end - span.start
    file.seek(span.start)
    while block := file.read(min(BLOCK, left)):
        left -= len(block)
        if "crlf" not in notes and (at := (begun[-1:] + block).find(b"\r\n")) >= 0:
            _note_returns(name, line + block.count(b"\n", 0, at), notes)
        first, *more = block.split(b"\n")
        if len(begun) <= LARGEST:
            begun += first
        if more:
            yield line, [begun, *more[:-1]]
            line += len(more)
            begun = more[-1]
    if begun:
        yield line, [begun]


def _read_list(file: IO[bytes], name: str, notes: dict[str, str]) -> Iterator[Record]:
    """Find each record's extent with json and its value with orjson, so that it means the same as in JSONL."""
    data = file.read()
    if (at := data.find(b"\r\n")) >= 0:
        _note_returns(name, 1 + data.count(b"\n", 0, at), notes)
    line, counted = 1, 0
    for number, (start, end) in enumerate(_find_extents(data, name), 1):
        line += data.count(b"\n", counted, start)
        counted = start
        yield Record(number, line, _parse(data[start:end]))


def _find_extents(data: bytes, name: str) -> Iterator[tuple[int, int]]:
    # Latin-1 keeps one character a byte, so positions agree and invalid UTF-8 is its record's fault alone.
    text = data.decode("latin-1")
    scan = json.JSONDecoder(strict=False, parse_int=float).raw_decode
    at = _skip_blank(data, _skip_blank(data, 0) + 1)
    try:
        while data[at : at + 1] != b"]":
            _, end = scan(text, at)
            yield at, end
            at = _skip_blank(data, end)
            if data[at : at + 1] == b",":
                at = _skip_blank(data, at + 1)
                if data[at : at + 1] == b"]":
                    raise json.JSONDecodeError("trailing comma", text, at)
            elif data[at : at + 1] != b"]":
                raise json.JSONDecodeError("expected ',' or ']'", text, at)
        at = _skip_blank(data, at + 1)
        if at < len(data):
            raise json.JSONDecodeError("unexpected content after the list", text, at)
    except json.JSONDecodeError as error:
        raise UserError(f"{name}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from error
    except RecursionError as error:
        line = 1 + data.count(b"\n", 0, at)
        raise UserError(f"{name}:{line}: not JSON: nested too deeply") from error


def _skip_blank(data: bytes, at: int) -> int:
    while data[at : at + 1] in (b" ", b"\t", b"\r", b"\n"):
        at += 1
    return at


def _note_returns(name: str, line: int, notes: dict[str, str]) -> None:
    notes["crlf"] = f"{name}:{line}: lines end with a carriage return (CRLF); read without it"


def _parse(text: bytes) -> dict[str, Any] | BadRecord:
    if len(text) > LARGEST:
        return BadRecord(f"larger than {LARGEST // 2**20} MiB")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return BadRecord(_explain(text, error))
    if type(value) is not dict:
        return BadRecord(f"{name_kind(value)}, not an object")
    if b"\\u0000" in text and _holds_nul(value):
        return BadRecord("holds a NUL character")
    return value


def name_kind(value: object) -> str:
    """Name a JSON value's kind, for reasons that tell what was found and never the value itself."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
    return "an object"


def _explain(text: bytes, error: orjson.JSONDecodeError) -> str:
    if b"\0" in text:
        return "holds a NUL byte"
    try:
        text.decode()
    except UnicodeDecodeError:
        return "not UTF-8"
    return f"not JSON: {error.msg}"


def _holds_nul(value: object) -> bool:
    # A stack of its own: orjson reads deeper nesting than Python would recurse into.
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text if "\0" in text:
                return True
            case list() as items:
                waiting += items
            case dict() as fields:
                waiting += [*fields, *fields.values()]
    return False
