"""A file of rows in; the rows that a preview looks at out: all of a small file, and of a large one those that may fail.

    choose_rows(Path("train.jsonl"), first=20_000, longest=1_000)
    → the first 20,000 lines, and of the others the 1,000 longest and the first of each shape, in the file's order

A template that refuses some rows does so for their shape: which turns follow each other, and what each has beside its
text. A row that is too long in tokens is among the longest in bytes.
"""

import heapq
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import orjson

MOST_SHAPES = 1_000
BEGIN: tuple[str, ...] = ()

Shape = frozenset[Any]


class ChosenRow(NamedTuple):
    """One line of the file, and whether it is among the first."""

    line: bytes
    first: bool


def choose_rows(path: Path, first: int, longest: int) -> Iterator[ChosenRow]:
    """Read the file once for the first rows, and go on to choose among the others."""
    shapes: set[Shape] = set()
    with path.open("rb") as file:
        for _, line in zip(range(first), file, strict=False):
            shapes.add(read_shape(orjson.loads(line)))
            yield ChosenRow(line, True)
        for offset in sorted(_choose_others(file, longest, shapes)):
            file.seek(offset)
            yield ChosenRow(file.readline(), False)


def read_shape(row: dict[str, Any]) -> Shape:
    """What of a row a template may refuse: pairs of turns that follow each other, tools, and kinds of answers."""
    turns = [_describe(turn) for turn in row["messages"]]
    answers = (f"{key}:{_describe(row[key])}" for key in ("chosen", "rejected", "answer") if key in row)
    return frozenset([*pairwise([BEGIN, *turns, BEGIN]), *answers, bool(row.get("tools"))])


def count_rows(path: Path) -> int:
    """The rows of a file."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _choose_others(file: Any, longest: int, shapes: set[Shape]) -> set[int]:
    """Where the longest of the lines that are left begin, and the first of each shape that is not in `shapes`."""
    chosen: set[int] = set()
    heap: list[tuple[int, int]] = []
    offset = file.tell()
    while line := file.readline():
        # The offset is negative, so that of lines of one length the first ones stay.
        entry = (len(line), -offset)
        if len(heap) < longest:
            heapq.heappush(heap, entry)
        elif entry > heap[0]:
            heapq.heapreplace(heap, entry)
        if len(shapes) < MOST_SHAPES and (shape := read_shape(orjson.loads(line))) not in shapes:
            shapes.add(shape)
            chosen.add(offset)
        offset += len(line)
    return chosen | {-place for _, place in heap}


def _describe(turn: dict[str, Any]) -> tuple[str, ...]:
    """The role of a turn, and the keys beside it that are not empty."""
    return (turn["role"], *(key for key, value in turn.items() if value and key != "role"))
