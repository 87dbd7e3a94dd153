"""A file of rows in; the rows that a preview looks at out: all of a small file, and of a large one those that may fail.

    choose_rows(Path("train.jsonl"), first=20_000, longest=1_000, words=["</think>"])
    → the first 20,000 lines, and of the others, in the file's order: the 1,000 longest, the 1,000 with the most
    characters of which each may be a token, the first of each shape, and the first with and without each word

A template that refuses some rows does so for their shape, which is what turns follow each other and what each has
beside its text, or for a text that the template itself names. A row that is too long in tokens is among the longest
in bytes, or has more digits, signs or letters beyond ASCII than most.
"""

import heapq
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from string import ascii_letters
from typing import Any, NamedTuple

import orjson

MOST_SHAPES = 1_000
BEGIN: tuple[str, ...] = ()
ANSWERS = ("chosen", "rejected", "answer")
# Letters in a row share a token, and a space is part of the next one.
CHEAP = (ascii_letters + " ").encode()
# Most data has a few lists of tools, each many times over.
TOOL_LISTS = 64

Shape = frozenset[Any]


class ChosenRow(NamedTuple):
    """One line of the file, and whether it is among the first."""

    line: bytes
    first: bool


def choose_rows(path: Path, first: int, longest: int, words: Sequence[str] = ()) -> Iterator[ChosenRow]:
    """Read the file once for the first rows, and go on to choose among the others."""
    seen = _Seen(words)
    with path.open("rb") as file:
        for _, line in zip(range(first), file, strict=False):
            seen.add(orjson.loads(line))
            yield ChosenRow(line, True)
        for offset in sorted(_choose_others(file, longest, seen)):
            file.seek(offset)
            yield ChosenRow(file.readline(), False)


def list_words(template: str) -> list[str]:
    """The texts that a chat template names, which it may look for in a turn."""
    # Late, since what counts rows needs no template.
    from jinja2 import Environment, TemplateSyntaxError

    try:
        tokens = list(Environment().lexer.tokenize(template))
    except TemplateSyntaxError:
        # Each row says so.
        return []
    return list(dict.fromkeys(token.value for token in tokens if token.type == "string" and token.value))


def read_shape(row: dict[str, Any]) -> Shape:
    """What of a row a template may refuse: pairs of turns that follow each other, tools, and kinds of answers."""
    turns = [_describe(turn) for turn in row["messages"]]
    answers = (f"{key}:{_describe(row[key])}" for key in ANSWERS if key in row)
    tools = _describe_tools(orjson.dumps(row["tools"])) if row.get("tools") else None
    return frozenset([*pairwise([BEGIN, *turns, BEGIN]), *answers, tools])


def count_rows(path: Path) -> int:
    """The rows of a file."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


class _Seen:
    """The shapes of the rows so far; and for each role the words that no turn of it has, and those that all have."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._shapes: set[Shape] = set()
        self._missing: dict[str, list[str]] = {}
        self._everywhere: dict[str, list[str]] = {}

    def add(self, row: dict[str, Any]) -> bool:
        """Whether a row is new in its shape, or in what its turns say or do not say."""
        turns = (*row["messages"], *(row[key] for key in ANSWERS if key in row))
        new_turns = [turn for turn in turns if self._is_new(turn)]
        if len(self._shapes) < MOST_SHAPES and (shape := read_shape(row)) not in self._shapes:
            self._shapes.add(shape)
            return True
        return bool(new_turns)

    def _is_new(self, turn: dict[str, Any]) -> bool:
        role, text = turn["role"], turn.get("content") or ""
        missing, everywhere = self._missing.get(role), self._everywhere.get(role)
        if missing is None or everywhere is None:
            missing, everywhere = list(self._words), list(self._words)
        has = [word for word in missing if word in text]
        lacks = [word for word in everywhere if word not in text]
        if has or lacks or role not in self._missing:
            self._missing[role] = [word for word in missing if word not in has]
            self._everywhere[role] = [word for word in everywhere if word not in lacks]
        return bool(has or lacks)


class _Largest:
    """Where the lines with the largest of some number begin; of those with the same number, the first ones."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._heap: list[tuple[int, int]] = []

    def add(self, number: int, offset: int) -> None:
        # The offset is negative, so that of lines with one number the first ones stay.
        if len(self._heap) < self._most:
            heapq.heappush(self._heap, (number, -offset))
        elif (number, -offset) > self._heap[0]:
            heapq.heapreplace(self._heap, (number, -offset))

    def list_places(self) -> set[int]:
        return {-place for _, place in self._heap}


def _choose_others(file: Any, longest: int, seen: _Seen) -> set[int]:
    """Where the lines begin that are to be looked at, of those that are left."""
    chosen: set[int] = set()
    long, dense = _Largest(longest), _Largest(longest)
    offset = file.tell()
    while line := file.readline():
        long.add(len(line), offset)
        dense.add(len(line.translate(None, CHEAP)), offset)
        if seen.add(orjson.loads(line)):
            chosen.add(offset)
        offset += len(line)
    return chosen | long.list_places() | dense.list_places()


def _describe(turn: dict[str, Any]) -> tuple[str, ...]:
    """The role of a turn, and the keys beside it that are not empty."""
    return (turn["role"], *(key for key, value in turn.items() if value and key != "role"))


@lru_cache(TOOL_LISTS)
def _describe_tools(written: bytes) -> Shape:
    """What the tools of a list have: the keys of each, of its parameters, and of the properties of these."""
    functions = [tool.get("function", tool) for tool in orjson.loads(written)]
    return frozenset(part for function in functions for part in _describe_function(function))


def _describe_function(function: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    yield ("tool", *sorted(function))
    parameters = function.get("parameters")
    if isinstance(parameters, dict):
        yield ("parameters", *sorted(parameters))
        properties = parameters.get("properties")
        held = properties.values() if isinstance(properties, dict) else ()
        yield from (("property", *sorted(one)) for one in held if isinstance(one, dict))
