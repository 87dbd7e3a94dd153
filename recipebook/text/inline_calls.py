r"""Calls that stand inside a text: found, taken out, written, marked.

In: annotated text in any of the dialects

    I need casual shirts <tool>search(query='casual shirts', max_price=2000)</tool> for the office.
    Which is warmer? [COMPARE({'items': ['coat', 'parka']})]
    The relation is [GR(GL("freebase"), "transe:relation", entity#/m/0gs9p, entity#/m/0bzk2h)-->r].

Out, for the first: `InlineCall("search", {"query": "casual shirts", "max_price": 2000}, [], 21, 79, 20)`, and by
`remove_calls` the text `I need casual shirts for the office.`, where the call's position is 20: right behind the last
character before it that is not blank. Names come in lower case, since one dialect writes them in capitals.

An opening that is never closed is text. Reading takes time linear in the text.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from recipebook.text.call_arguments import CLEAN_STRING, OPENING, find_closing, format_arguments, read_arguments

Dialect = Literal["tag", "bracket"]
Kind = Literal["tool", "position", "argument", "fluency"]

_OPENING = re.compile(r"(?:<tool>\s*+|\[)([A-Za-z_][A-Za-z0-9_.]*+)\(")
_CLOSINGS = {"<": r"(?P<closing>\)\s*+</tool>)", "[": r"(?P<closing>\)\s*+(?:-->[^\[\]()]{0,99}+)?\])"}
_CLOSING = {opener: re.compile(closing) for opener, closing in _CLOSINGS.items()}
_NEXT = {opener: re.compile(f"{closing}|{OPENING}") for opener, closing in _CLOSINGS.items()}
# Most calls have plain arguments by name; one match finds their end.
_FLAT = {
    opener: re.compile(rf"\((?:\w++=(?:{CLEAN_STRING}|[\w.+-]++)(?:,\s*+|(?=\))))*+{closing}", re.DOTALL)
    for opener, closing in _CLOSINGS.items()
}
_NO_BLANK_BEFORE = frozenset(".,;:!?।)]}…%")


class CallSpan(NamedTuple):
    """Where a call stands: from `start` to `end`, its name at `named`, its brackets at `opening` and `closing`."""

    name: str
    start: int
    named: int
    opening: int
    closing: int
    end: int


class InlineCall(NamedTuple):
    """A call, where it stands in the annotated text, and its position in the text without calls."""

    name: str
    arguments: dict[str, Any]
    positional: list[Any]
    start: int
    end: int
    position: int


class MarkedSpan(NamedTuple):
    """A stretch of annotated text, and which of the four losses it belongs to."""

    start: int
    end: int
    kind: Kind


def find_spans(text: str) -> list[CallSpan]:
    """Find the calls of a text without reading their arguments."""
    spans: list[CallSpan] = []
    at, whole = 0, True
    while opening := _OPENING.search(text, at):
        opener, bracket = text[opening.start()], opening.end() - 1
        at = bracket + 1
        limit = len(text)
        if not whole and (following := _OPENING.search(text, at)):
            limit = following.start()
        found = _FLAT[opener].match(text, bracket, limit)
        if found is None:
            closing = find_closing(text, bracket, limit)
            found = _CLOSING[opener].match(text, closing, limit) if closing else None
        if found is None:
            # From here on a call ends before the next one starts: else each opening might be read to the text's end.
            whole = False
            found = _NEXT[opener].search(text, at)
        if found and found["closing"]:
            at = found.end()
            spans.append(
                CallSpan(opening[1].lower(), opening.start(), opening.start(1), bracket, found.start("closing"), at)
            )
    return spans


def find_calls(text: str) -> list[InlineCall]:
    """Find the calls of a text with their arguments and positions."""
    spans = find_spans(text)
    _, positions = take_out(text, spans)
    return [
        InlineCall(
            span.name, *read_arguments(text, span.opening, span.closing, span.end), span.start, span.end, position
        )
        for span, position in zip(spans, positions, strict=True)
    ]


def remove_calls(text: str) -> str:
    """Return the text without its calls; one blank stays where a call stood between two words."""
    return take_out(text, find_spans(text))[0]


def take_out(text: str, spans: Sequence[CallSpan]) -> tuple[str, list[int]]:
    """Take calls out of a text: what is left, and where in it each of them stood."""
    kept: list[str] = []
    positions: list[int] = []
    at, length, gap = 0, 0, ""
    for start, end in [*((span.start, span.end) for span in spans), (len(text), len(text))]:
        piece = text[at:start]
        words = piece.strip()
        if words:
            blank = piece[: piece.index(words[0])]
            joint = blank if at == 0 else _join(gap, blank, words[0]) if length else ""
            kept += (joint, words)
            length += len(joint) + len(words)
            gap = piece[len(blank) + len(words) :]
        else:
            gap += piece
        positions.append(length)
        at = end
    return "".join(kept) + (gap if words else ""), positions[:-1]


def mark_spans(text: str) -> list[MarkedSpan]:
    """Cut a text into stretches by the loss they belong to: a call's name, its opening, its arguments, and the rest."""
    marked: list[MarkedSpan] = []
    at = 0
    for span in find_spans(text):
        if at < span.start:
            marked.append(MarkedSpan(at, span.start, "fluency"))
        at = span.closing + 1
        marked += (
            MarkedSpan(span.start, span.named, "position"),
            MarkedSpan(span.named, span.opening, "tool"),
            MarkedSpan(span.opening, at, "argument"),
        )
    if at < len(text):
        marked.append(MarkedSpan(at, len(text), "fluency"))
    return marked


def format_call(name: str, arguments: Mapping[str, Any] | str, dialect: Dialect = "tag") -> str:
    """Write a call; arguments that are text already stay as they stand. Raises ValueError if one cannot be written."""
    written = arguments if isinstance(arguments, str) else format_arguments(arguments)
    return f"<tool>{name}({written})</tool>" if dialect == "tag" else f"[{name.upper()}({written})]"


def insert_calls(text: str, calls: Sequence[str], positions: Sequence[int]) -> str:
    """Put calls into a text at rising positions, each preceded by a blank."""
    pieces: list[str] = []
    at = 0
    for call, position in zip([*calls, ""], [*positions, len(text)], strict=True):
        if at < position:
            pieces += (" " if pieces and not at else "", text[at:position])
        if call:
            pieces += (" " if pieces else "", call)
        at = position
    return "".join(pieces)


def _join(before: str, behind: str, following: str) -> str:
    """The blank that stays between two words when the calls between them go."""
    if "\n" in behind:
        return behind
    if "\n" in before:
        return before
    return " " if behind and following not in _NO_BLANK_BEFORE else ""
