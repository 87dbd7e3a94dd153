"""Blocks of bytes in; their lines out, many at a time, with the first one's number.

In: `b'{"a": 1}\n{"a"'` and `b': 2}\n'`. Out: `Lines(1, [b'{"a": 1}\n'], True)` and `Lines(2, [b'{"a": 2}\n'], True)`.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import IO, NamedTuple

from recipebook.records import LARGEST
from recipebook.sources.unpacking import BLOCK, Blocks

BLANK = b" \t\r\n"


class LineSpan(NamedTuple):
    """Whole lines of a JSONL file: its bytes from `start` to `end`, and the records and lines that stand before."""

    start: int
    end: int
    records: int
    lines: int


class Lines(NamedTuple):
    """Some lines, the first one's number, and whether one may be too large."""

    number: int
    texts: list[bytes]
    odd: bool


def split_lines(blocks: Blocks, name: str, notes: dict[str, str], before: int = 0) -> Iterator[Lines]:
    """Yield lines with their line feeds, by the block; of a line that is too large, only the start is kept."""
    line, begun = before + 1, b""
    for block in filter(None, blocks):
        if not begun and block.isspace() and b"\v" not in block and b"\f" not in block:
            # Nothing but blank lines, which are counted without a list of them all.
            ended = block.rfind(b"\n") + 1
            line, begun = line + block.count(b"\n"), block[ended:]
            continue
        returns = b"\r" in block or begun.endswith(b"\r")
        if returns and "crlf" not in notes and (at := (begun[-1:] + block).find(b"\r\n")) >= 0:
            note_returns(name, line + block.count(b"\n", 0, at), notes)
        # Five times as fast as bytes.split, which looks at every byte.
        first, *more = BytesIO(block).readlines()
        if len(begun) <= LARGEST:
            begun += first
        if first.endswith(b"\n"):
            yield Lines(line, [begun], True)
            begun = more.pop() if more and not block.endswith(b"\n") else b""
            yield Lines(line + 1, more, False)
            line += 1 + len(more)
    if begun:
        yield Lines(line, [begun], True)


def count_lines(file: IO[bytes], span: LineSpan, name: str) -> tuple[int, int]:
    """How many lines there are, and how many of them are not blank; each is looked at only where some may be blank."""
    # Four times as fast as counting in bytes, for which others may be waiting.
    import numpy as np

    lines, before = 0, b"\n"
    for block in read_between(file, span):
        codes = np.frombuffer(before + block, np.uint8)
        ends = codes == ord("\n")
        if (ends[:-1] & (codes[1:] <= ord(" "))).any():
            return _count_doubtful_lines(file, span, name)
        lines += int(np.count_nonzero(ends[1:]))
        before = block[-1:]
    return lines, lines


def _count_doubtful_lines(file: IO[bytes], span: LineSpan, name: str) -> tuple[int, int]:
    lines = sum(block.count(b"\n") for block in read_between(file, span))
    filled = sum(sum(map(is_filled, texts)) for _, texts, _ in split_lines(read_between(file, span), name, {}))
    return lines, filled


def is_filled(text: bytes) -> bool:
    """Whether a line is a record, and not blank."""
    # A line cut for its length may be all blank so far and is a record all the same.
    return len(text) > LARGEST or bool(text.strip(BLANK))


def note_returns(name: str, line: int, notes: dict[str, str]) -> None:
    """Note the first line that ends with a carriage return."""
    notes["crlf"] = f"{name}:{line}: lines end with a carriage return (CRLF); read without it"


def read_between(file: IO[bytes], span: LineSpan) -> Blocks:
    """Yield the bytes of a span."""
    left = span.end - span.start
    file.seek(span.start)
    while block := file.read(min(BLOCK, left)):
        left -= len(block)
        yield block


def find_line_end(file: IO[bytes], at: int) -> int:
    """Where the line ends that stands at this byte."""
    file.seek(at)
    while block := file.read(BLOCK):
        found = block.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(block)
    return at
