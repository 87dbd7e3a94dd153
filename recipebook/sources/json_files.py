r"""Records of a text file of any size: JSONL, a JSON list, an object that wraps the records, or lines of plain text.

In: a file whose layout follows from its content and not from its name:

    {"input": "stop", "output": "robot.stop()"}
    {"input": "come home", "output":

Out: a `Record` for each, with its number and line. A plain text's lines are records `{"text": "stop"}`.

All of them are streamed, also out of an archive. A file that holds no record at all is a `UserError`.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, count, pairwise
from os import SEEK_END
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson

from recipebook.errors import UserError, on_one_line
from recipebook.records import LARGEST, Record, Value, find_repeated_key, load_json, parse, parse_lines, require_some
from recipebook.rows import BadRecord
from recipebook.sources.blocks import Position, find_encoding, open_file, read_blocks
from recipebook.sources.extents import JsonText, ObjectShape, find_items, find_shape, find_wrapped
from recipebook.sources.lines import (
    BLANK,
    Lines,
    LineSpan,
    count_lines,
    find_line_end,
    is_filled,
    note_returns,
    read_between,
    split_lines,
)
from recipebook.sources.signs import refuse_other_format
from recipebook.sources.unpacking import BLOCK, Blocks

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MOST_KEYS = 8
LARGEST_TABLE = 2 * LARGEST
# The keys of a table that pandas wrote with orient="split".
_SPLIT = {"columns", "index", "data"}

Layout = Literal["lines", "list", "object"]


def read(path: Path, name: str, position: Position, notes: dict[str, str]) -> Iterator[Record]:
    """Yield the records of `path`, which errors call `name`; `notes` gains a line for every oddity read past."""
    head = _read_head(read_blocks(path, name, position), name, notes)
    # Opened again, since the beginning of a file may be too long to be kept.
    start = partial(_read_from, path, name, position, head.start)
    match _find_layout(head):
        case "list":
            return require_some(_number_items(find_items(_note_crlf(start(), name, notes), name)), name)
        case "object":
            return require_some(_read_object(start, head, name, notes), name)
    return require_some(_read_lines(start(), name, notes, parse_lines), name)


def read_text(path: Path, name: str, position: Position, notes: dict[str, str]) -> Iterator[Record]:
    """Yield the lines of a plain text that are not blank, a record each."""
    head = _read_head(read_blocks(path, name, position), name, notes)
    return require_some(_read_lines(_read_from(path, name, position, head.start), name, notes, _wrap_lines), name)


def read_span(path: Path, name: str, notes: dict[str, str], span: LineSpan) -> Iterator[Record]:
    """Yield the records of one span, numbered as in the whole file."""
    with open_file(path, name) as file:
        yield from _read_lines(read_between(file, span), name, notes, parse_lines, span.records, span.lines)


def cut(path: Path, name: str, notes: dict[str, str], count: int) -> Iterator[LineSpan] | None:
    """Cut a JSONL file into `count` spans or fewer; None for a file that must be read whole.

    Each span comes as soon as the lines before it are counted.
    """
    with open_file(path, name) as file:
        encoding = find_encoding(file.read(4))
        file.seek(0)
        head = _read_head(iter(lambda: file.read(BLOCK), b""), name, notes)
        if encoding or _find_layout(head) != "lines":
            return None
        start, size = head.start, file.seek(0, SEEK_END)
        ends = [find_line_end(file, start + (size - start) * at // count) for at in range(1, count)]
        return _number(path, name, sorted({start, *ends, size}))


def _number(path: Path, name: str, bounds: list[int]) -> Iterator[LineSpan]:
    records, lines = 0, 0
    with open_file(path, name) as file:
        for begin, end in pairwise(bounds):
            yield (span := LineSpan(begin, end, records, lines))
            if end < bounds[-1]:
                ended, filled = count_lines(file, span, name)
                lines += ended
                records += filled


class _FileHead(NamedTuple):
    """A file's beginning: its first line that is not blank, up to 4 MiB of it, and whether anything follows that."""

    start: int
    line: bytes
    more: bool


def _read_head(blocks: Blocks, name: str, notes: dict[str, str]) -> _FileHead:
    first = next(blocks, b"")
    refuse_other_format(first, name)
    start = len(BYTE_ORDER_MARK) if first.startswith(BYTE_ORDER_MARK) else 0
    if start:
        notes["mark"] = f"{name}:1: starts with a byte-order mark; read without it"
    line, size = list[bytes](), 0
    for block in chain([first[start:]], blocks):
        text, end, rest = (block if line else block.lstrip(BLANK)).partition(b"\n")
        line += [text] if text else []
        size += len(text)
        if end or size > LARGEST:
            more = size > LARGEST or bool(rest.strip(BLANK)) or any(block.strip(BLANK) for block in blocks)
            return _FileHead(start, b"".join(line).rstrip(BLANK), more)
    return _FileHead(start, b"".join(line).rstrip(BLANK), False)


def _find_layout(head: _FileHead) -> Layout:
    """Look at the first line: one that is a value of its own, with more to follow, makes a file of lines."""
    if head.line.startswith(b"["):
        return "lines" if head.more and head.line.endswith(b"]") and _is_whole(head.line) else "list"
    if head.line.startswith(b"{"):
        unfinished = head.line.endswith((b"{", b"[", b",", b":")) or len(head.line) > LARGEST
        return "object" if unfinished or (not head.more and head.line.endswith(b"}")) else "lines"
    return "lines"


def _is_whole(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _read_object(start: Callable[[], Blocks], head: _FileHead, name: str, notes: dict[str, str]) -> Iterator[Record]:
    """The records in the one object that the file seems to be; its lines when it is none after all."""
    try:
        shape = find_shape(start(), name)
    except UserError:
        if head.line == b"{":
            raise
        return _read_lines(start(), name, notes, parse_lines)
    match shape.kind:
        case "columns":
            return _read_columns(start(), name, notes)
        case "one":
            return _read_one(start()) if head.more else _read_lines(start(), name, notes, parse_lines)
    return _read_wrapped(_note_crlf(start(), name, notes), name, notes, shape)


def _read_wrapped(blocks: Blocks, name: str, notes: dict[str, str], shape: ObjectShape) -> Iterator[Record]:
    others = list[str]()
    yield from _number_items(find_wrapped(blocks, name, shape, others))
    if others:
        listed = ", ".join(f"'{key}'" for key in others[:MOST_KEYS]) + (" and others" if others[MOST_KEYS:] else "")
        notes["wrapped"] = f"{name}: the records are those under '{shape.key}'; read without {on_one_line(listed)}"


def _read_one(blocks: Blocks) -> Iterator[Record]:
    whole = _join(blocks, LARGEST)
    text = whole.strip(BLANK)
    yield Record(1, 1 + whole.count(b"\n", 0, whole.index(text)), parse(text))


def _read_columns(blocks: Blocks, name: str, notes: dict[str, str]) -> Iterator[Record]:
    """The rows of a table that holds its columns one after another, as pandas or `datasets` writes it."""
    whole = _join(blocks, LARGEST_TABLE)
    if len(whole) > LARGEST_TABLE:
        limit = f"{LARGEST_TABLE // 2**20} MiB"
        raise UserError(f"{name}: a table by columns larger than {limit}; write it with orient='records', lines=True")
    try:
        text = whole.decode(errors="replace")
        columns: dict[str, Any] = load_json(text)
    except orjson.JSONDecodeError as error:
        raise UserError(f"{name}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from error
    if repeated := find_repeated_key(text, columns):
        raise UserError(f"{name}: a table by columns that {repeated}")
    notes["columns"] = f"{name}: read as a table by columns, of which the first is '{on_one_line(next(iter(columns)))}'"
    for number, fields in enumerate(_list_rows(columns, name), 1):
        yield Record(number, 1, parse(json.dumps(fields).encode()))


def _list_rows(columns: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """The rows of columns that are objects by the rows' names, as pandas has them, or lists, as `datasets` has them."""
    held = list(columns.values())
    if type(held[0]) is not list:
        for row in dict.fromkeys(chain.from_iterable(held)):
            yield {key: column[row] for key, column in columns.items() if row in column}
        return
    if columns.keys() == _SPLIT and all(_fits(row, columns["columns"]) for row in columns["data"]):
        yield from (dict(zip(map(str, columns["columns"]), row, strict=True)) for row in columns["data"])
        return
    for key, column in columns.items():
        if len(column) != len(held[0]):
            rows = f"'{on_one_line(next(iter(columns)))}' has {len(held[0])}"
            raise UserError(
                f"{name}: a table by columns of which '{on_one_line(key)}' has {len(column)} rows, and {rows}"
            )
    yield from (dict(zip(columns, values, strict=True)) for values in zip(*held, strict=True))


def _fits(row: Any, names: list[Any]) -> bool:
    return type(row) is list and len(row) == len(names)


def _join(blocks: Blocks, limit: int) -> bytes:
    """All blocks in one; of more than `limit` bytes, those with which the limit is passed."""
    whole = bytearray()
    for block in blocks:
        whole += block
        if len(whole) > limit:
            break
    return bytes(whole)


def _number_items(items: Iterable[JsonText]) -> Iterator[Record]:
    return (Record(number, line, parse(text)) for number, (line, text) in enumerate(items, 1))


def _read_from(path: Path, name: str, position: Position, start: int) -> Blocks:
    blocks = read_blocks(path, name, position)
    yield next(blocks, b"")[start:]
    yield from blocks


def _note_crlf(blocks: Blocks, name: str, notes: dict[str, str]) -> Blocks:
    line, last = 1, b""
    for block in blocks:
        if "crlf" not in notes:
            found = (last + block).find(b"\r\n") if b"\r" in block or last == b"\r" else -1
            if found >= 0:
                note_returns(name, line + block.count(b"\n", 0, found), notes)
            line += block.count(b"\n")
            last = block[-1:]
        yield block


def _read_lines(
    blocks: Blocks,
    name: str,
    notes: dict[str, str],
    parse: Callable[[list[bytes], bool], Iterator[Value]],
    records: int = 0,
    lines: int = 0,
) -> Iterator[Record]:
    # Chained in C, a record at a time: a generator that yields each takes longer than its parsing, and a list
    # of a block's records more memory than a processor has at hand.
    return chain.from_iterable(_parse_lines(split_lines(blocks, name, notes, lines), parse, records))


def _parse_lines(
    lines: Iterator[Lines], parse: Callable[[list[bytes], bool], Iterator[Value]], number: int
) -> Iterator[Iterator[Record]]:
    make = partial(tuple.__new__, Record)
    for line, texts, odd in lines:
        at: Iterable[int] = range(line, line + len(texts))
        # The first byte of a blank line is a space or less, so the smallest line shows whether there may be one.
        if texts and min(texts)[:1] <= b" ":
            at = [position for position, text in zip(at, texts, strict=True) if is_filled(text)]
            texts = [text for text in texts if is_filled(text)]
        yield map(make, zip(count(number + 1), at, parse(texts, odd), strict=False))
        number += len(texts)


def _wrap_lines(texts: list[bytes], odd: bool) -> Iterator[Value]:
    return map(_wrap_text, texts)


def _wrap_text(text: bytes) -> Value:
    if len(text) > LARGEST:
        return BadRecord(f"larger than {LARGEST // 2**20} MiB")
    if b"\0" in text:
        return BadRecord("holds a NUL byte")
    try:
        return {"text": text.removesuffix(b"\n").removesuffix(b"\r").decode()}
    except UnicodeDecodeError:
        return BadRecord("not UTF-8")
