r"""Records of a text file of any size: JSONL, a JSON list, an object that wraps the records, or lines of plain text.

In: a file whose layout follows from its content and not from its name:

    {"input": "stop", "output": "robot.stop()"}
    {"input": "come home", "output":

Out: a `Record` for each, with its number and line. A plain text's lines are records `{"text": "stop"}`.

Lines are streamed, also out of an archive; a list or an object is loaded whole. A file that holds no record at all
is a `UserError`.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from io import BytesIO
from itertools import chain, count, pairwise, repeat
from os import SEEK_END
from pathlib import Path
from typing import IO, Literal, NamedTuple

import orjson

from recipebook.errors import UserError, on_one_line
from recipebook.records import LARGEST, Record, Value, holds_long_number, parse, require_some
from recipebook.rows import BadRecord
from recipebook.sources.blocks import BLOCK, Blocks, Position, open_file, read_blocks
from recipebook.sources.extents import WRAPPERS, Extent, find_items, find_wrapped

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BLANK = b" \t\r\n"

Layout = Literal["lines", "list", "object"]


class LineSpan(NamedTuple):
    """Whole lines of a JSONL file: its bytes from `start` to `end`, and the records and lines that stand before."""

    start: int
    end: int
    records: int
    lines: int


class Lines(NamedTuple):
    """Some lines, the first one's number, and whether an escaped NUL or a long number may be in them."""

    number: int
    texts: list[bytes]
    odd: bool


def read(path: Path, name: str, position: Position, notes: dict[str, str]) -> Iterator[Record]:
    """Yield the records of `path`, which errors call `name`; `notes` gains a line for every oddity read past."""
    head = _read_head(read_blocks(path, name, position), name, notes)
    layout = _find_layout(head)
    if layout == "lines":
        return require_some(_read_lines(head.blocks, name, notes, parse), name)
    whole = b"".join(head.blocks)
    extents = find_items(whole, name) if layout == "list" else _unwrap(whole, head, name, notes)
    if extents is None:
        return require_some(_read_lines(iter([whole]), name, notes, parse), name)
    return require_some(_read_extents(whole, extents, name, position, notes), name)


def read_text(path: Path, name: str, position: Position, notes: dict[str, str]) -> Iterator[Record]:
    """Yield the lines of a plain text that are not blank, a record each."""
    head = _read_head(read_blocks(path, name, position), name, notes)
    return require_some(_read_lines(head.blocks, name, notes, _wrap_text), name)


def read_span(path: Path, name: str, notes: dict[str, str], span: LineSpan) -> Iterator[Record]:
    """Yield the records of one span, numbered as in the whole file."""
    with open_file(path, name) as file:
        yield from _read_lines(_read_between(file, span), name, notes, parse, span.records, span.lines)


def cut(path: Path, name: str, notes: dict[str, str], count: int) -> Iterator[LineSpan] | None:
    """Cut a JSONL file into `count` spans or fewer; None for a file that must be read whole.

    Each span comes as soon as the lines before it are counted.
    """
    with open_file(path, name) as file:
        head = _read_head(iter(lambda: file.read(BLOCK), b""), name, notes)
        if _find_layout(head) != "lines":
            return None
        start, size = head.start, file.seek(0, SEEK_END)
        ends = [_find_line_end(file, start + (size - start) * at // count) for at in range(1, count)]
        return _number(path, name, sorted({start, *ends, size}))


def _number(path: Path, name: str, bounds: list[int]) -> Iterator[LineSpan]:
    records, lines = 0, 0
    with open_file(path, name) as file:
        for begin, end in pairwise(bounds):
            yield (span := LineSpan(begin, end, records, lines))
            if end < bounds[-1]:
                ended, filled = _count_lines(file, span, name)
                lines += ended
                records += filled


def split_lines(blocks: Blocks, name: str, notes: dict[str, str], before: int = 0) -> Iterator[Lines]:
    """Yield lines with their line feeds, by the block; of a line that is too large, only the start is kept."""
    line, begun = before + 1, b""
    for block in filter(None, blocks):
        returns = b"\r" in block or begun.endswith(b"\r")
        if returns and "crlf" not in notes and (at := (begun[-1:] + block).find(b"\r\n")) >= 0:
            _note_returns(name, line + block.count(b"\n", 0, at), notes)
        # Five times as fast as bytes.split, which looks at every byte.
        first, *more = BytesIO(block).readlines()
        if len(begun) <= LARGEST:
            begun += first
        if first.endswith(b"\n"):
            yield Lines(line, [begun], True)
            begun = more.pop() if more and not block.endswith(b"\n") else b""
            # Most blocks hold no backslash at all, which is found out much faster.
            yield Lines(line + 1, more, (b"\\" in block and b"\\u0000" in block) or holds_long_number(block))
            line += 1 + len(more)
    if begun:
        yield Lines(line, [begun], True)


def _count_lines(file: IO[bytes], span: LineSpan, name: str) -> tuple[int, int]:
    """How many lines there are, and how many of them are not blank; each is looked at only where some may be blank."""
    # Four times as fast as counting in bytes, for which others may be waiting.
    import numpy as np

    lines, before = 0, b"\n"
    for block in _read_between(file, span):
        codes = np.frombuffer(before + block, np.uint8)
        ends = codes == ord("\n")
        if (ends[:-1] & (codes[1:] <= ord(" "))).any():
            return _count_doubtful_lines(file, span, name)
        lines += int(np.count_nonzero(ends[1:]))
        before = block[-1:]
    return lines, lines


def _count_doubtful_lines(file: IO[bytes], span: LineSpan, name: str) -> tuple[int, int]:
    lines = filled = 0
    for _, texts, _ in split_lines(_read_between(file, span), name, {}):
        lines += len(texts)
        filled += sum(map(_is_filled, texts))
    return lines, filled


class _FileHead(NamedTuple):
    """A file's beginning: the first line that is not blank, whether anything follows, and all blocks from `start`."""

    start: int
    line: bytes
    more: bool
    blocks: Blocks


def _read_head(blocks: Blocks, name: str, notes: dict[str, str]) -> _FileHead:
    first = next(blocks, b"")
    start = len(BYTE_ORDER_MARK) if first.startswith(BYTE_ORDER_MARK) else 0
    if start:
        notes["mark"] = f"{name}:1: starts with a byte-order mark; read without it"
    taken, line, ended, more = list[bytes](), list[bytes](), False, False
    for block in chain([first[start:]], blocks):
        taken.append(block)
        if not ended:
            text, end, block = (block if line else block.lstrip(BLANK)).partition(b"\n")
            line += [text] if text else []
            ended = bool(end)
        if more := ended and bool(block.strip(BLANK)):
            break
    return _FileHead(start, b"".join(line).rstrip(BLANK), more, chain(taken, blocks))


def _find_layout(head: _FileHead) -> Layout:
    """Look at the first line: one that is a value of its own, with more to follow, makes a file of lines."""
    if head.line.startswith(b"["):
        return "lines" if head.more and head.line.endswith(b"]") and _is_whole(head.line) else "list"
    if head.line.startswith(b"{"):
        unfinished = head.line.endswith((b"{", b"[", b",", b":"))
        return "object" if unfinished or (not head.more and head.line.endswith(b"}")) else "lines"
    return "lines"


def _is_whole(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _unwrap(whole: bytes, head: _FileHead, name: str, notes: dict[str, str]) -> Iterable[Extent] | None:
    """Find the records in the one object that the file seems to be; None when it is lines after all."""
    try:
        wrapped = find_wrapped(whole, name)
    except UserError:
        if head.line == b"{":
            raise
        return None
    if wrapped is None:
        if head.more:
            line = 1 + whole.count(b"\n", 0, whole.index(b"{"))
            layouts = f"a list, an object a line, or the records under '{WRAPPERS[0]}'"
            raise UserError(f"{name}:{line}: an object over several lines; give {layouts}")
        return None
    if wrapped.others:
        others = on_one_line(", ".join(f"'{key}'" for key in wrapped.others))
        notes["wrapped"] = f"{name}: the records are those under '{wrapped.key}'; read without {others}"
    return wrapped.extents


def _read_lines(
    blocks: Blocks,
    name: str,
    notes: dict[str, str],
    parse: Callable[[bytes, bool], Value],
    records: int = 0,
    lines: int = 0,
) -> Iterator[Record]:
    # Chained in C, a record at a time: a generator that yields each takes longer than its parsing, and a list
    # of a block's records more memory than a processor has at hand.
    return chain.from_iterable(_parse_lines(split_lines(blocks, name, notes, lines), parse, records))


def _parse_lines(
    lines: Iterator[Lines], parse: Callable[[bytes, bool], Value], number: int
) -> Iterator[Iterator[Record]]:
    make = partial(tuple.__new__, Record)
    for line, texts, odd in lines:
        at: Iterable[int] = range(line, line + len(texts))
        # The first byte of a blank line is a space or less, so the smallest line shows whether there may be one.
        if texts and min(texts)[:1] <= b" ":
            at = [position for position, text in zip(at, texts, strict=True) if _is_filled(text)]
            texts = [text for text in texts if _is_filled(text)]
        yield map(make, zip(count(number + 1), at, map(parse, texts, repeat(odd)), strict=False))
        number += len(texts)


def _is_filled(text: bytes) -> bool:
    # A line cut for its length may be all blank so far and is a record all the same.
    return len(text) > LARGEST or bool(text.strip(BLANK))


def _wrap_text(text: bytes, odd: bool) -> Value:
    if len(text) > LARGEST:
        return BadRecord(f"larger than {LARGEST // 2**20} MiB")
    if b"\0" in text:
        return BadRecord("holds a NUL byte")
    try:
        return {"text": text.removesuffix(b"\n").removesuffix(b"\r").decode()}
    except UnicodeDecodeError:
        return BadRecord("not UTF-8")


def _read_extents(
    data: bytes, extents: Iterable[Extent], name: str, position: Position, notes: dict[str, str]
) -> Iterator[Record]:
    if (at := data.find(b"\r\n")) >= 0:
        _note_returns(name, 1 + data.count(b"\n", 0, at), notes)
    # All bytes are read by now; from here on, the position shows how far they are parsed.
    line, counted, size = 1, 0, position.done
    for number, (start, end) in enumerate(extents, 1):
        position.done = size * end // len(data)
        line += data.count(b"\n", counted, start)
        counted = start
        yield Record(number, line, parse(data[start:end]))


def _note_returns(name: str, line: int, notes: dict[str, str]) -> None:
    notes["crlf"] = f"{name}:{line}: lines end with a carriage return (CRLF); read without it"


def _read_between(file: IO[bytes], span: LineSpan) -> Blocks:
    left = span.end - span.start
    file.seek(span.start)
    while block := file.read(min(BLOCK, left)):
        left -= len(block)
        yield block


def _find_line_end(file: IO[bytes], at: int) -> int:
    file.seek(at)
    while block := file.read(BLOCK):
        found = block.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(block)
    return at
