"""Fields that nobody read, counted while records pass: what was found in each record in, notes of the account out.

    read without 'mood' of a turn: 1,234 turns (first: chats.jsonl:7: record 7)

A field that changes what is learned is not passed over: images, and marks that cannot be followed, refuse their record,
as do a second answer, a label that says that the answer is bad, and a list of tools. A record that is marked as not to
be learned, or was turned down, is left out. A table may have another key in every record, so only the first kinds are
named; the others are counted together.
"""

from collections.abc import Iterator
from typing import Any

from recipebook.data.field_values import Unread
from recipebook.data.fields import is_medium
from recipebook.data.marks import MARKS, WEIGHTS, marks_parts, read_mark
from recipebook.errors import on_one_line
from recipebook.records import Record, place
from recipebook.rows import BadRecord, LeftOut

MOST = 20
"""So many fields are named."""
LONGEST = 60
"""So many characters of a field's name are shown."""
_ANSWERS = ("chosen", "rejected", "rejected_response", "rejected_messages")
# A label of 0 may be one of several classes.
_BAD = ("false", "bad", "undesirable", "rejected", "-1")
_LABELS = {"label": _BAD, **dict.fromkeys(("kto_tag", "desirable", "is_desirable"), (*_BAD, "0"))}
# What programs for labelling write of records that were turned down.
_DISCARDED = {
    "answer": ("reject", "ignore"),
    "status": ("discarded",),
    "exclude": ("true",),
    "excluded": ("true",),
    "was_cancelled": ("true",),
    "deleted": ("true",),
}
_TOOLS = ("tools", "functions", "available_tools")
_LABELLED = ("record", "turn")
# Fields of which each value has to be looked at.
_JUDGED = MARKS.union(_ANSWERS, _LABELS, _DISCARDED)


class UnreadCounts:
    """How often each field was left unread, and where first."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}
        self._first: dict[tuple[str, str], str] = {}
        self._others = 0
        # Kinds that need no more judging, whatever their values.
        self._known: set[tuple[str, str]] = set()

    def count(self, found: list[Unread], name: str, record: Record) -> None:
        """Count the unread fields of a record of the file `name`; raises what refuses the record or leaves it out."""
        known, counts = self._known, self._counts
        unknown = [unread for unread in found if unread[:2] not in known]
        kinds = [kind for unread in unknown if (kind := _judge(unread))]
        for holder, key, _ in found:
            if (holder, key) in known:
                counts[holder, key] += 1
        for kind in kinds:
            self._add(kind, 1, place(name, record))

    def _add(self, kind: tuple[str, str], count: int, first: str) -> None:
        if kind in self._counts:
            self._counts[kind] += count
        elif len(self._counts) < MOST:
            self._counts[kind], self._first[kind] = count, first
            if kind[1] not in _JUDGED and not marks_parts(kind[1], 0):
                self._known.add(kind)
        else:
            self._others += count

    def add(self, later: "UnreadCounts") -> None:
        """Add the counts of records that follow."""
        self._others += later._others
        for kind, count in later._counts.items():
            self._add(kind, count, later._first[kind])

    def list_notes(self) -> Iterator[str]:
        """A line for each field that was left unread."""
        for (holder, key), count in self._counts.items():
            things = holder if count == 1 else f"{holder.removesuffix('y')}ies" if holder[-1] == "y" else f"{holder}s"
            yield f"read without {_name(holder, key)}: {count:,} {things} (first: {self._first[holder, key]})"
        if self._others:
            times = "once" if self._others == 1 else f"{self._others:,} times"
            yield f"read without other fields than these {MOST}: {times}"


def _judge(unread: Unread) -> tuple[str, str] | None:
    """The kind of a field that is counted; None for one that says what holds anyway."""
    holder, key, value = unread
    if is_medium(key):
        if value:
            raise BadRecord(f"has {_name(holder, key)}, which no row can hold")
        return None
    if (key not in MARKS or isinstance(value, list | dict)) and marks_parts(key, value):
        raise BadRecord(f"{_name(holder, key)} weighs parts of what is learned, which cannot be followed")
    if key in MARKS:
        learned = read_mark(key, value)
        if learned:
            return None
        if holder != "record":
            raise BadRecord(f"{_name(holder, key)} is a mark that cannot be followed there")
        if learned is False:
            raise LeftOut(f"'{key}' says that it is not to be learned")
        if key in WEIGHTS:
            raise BadRecord(f"'{key}' is neither 0 nor 1, so it cannot be followed; rename it if it weighs no learning")
    if key in _TOOLS and holder in _LABELLED:
        if value not in ("", "[]", [], {}):
            raise BadRecord(f"{_name(holder, key)} lists tools, which converter tools reads in a record alone")
        return None
    if holder == "record" and str(value).lower() in _DISCARDED.get(key, ()):
        raise LeftOut(f"'{key}' says that it was turned down")
    _refuse_preference(holder, key, value)
    return holder, _shorten(key)


def _refuse_preference(holder: str, key: str, value: Any) -> None:
    """Refuse a record that another converter would learn the wrong answer from, or no answer."""
    if holder == "record" and key in _ANSWERS and type(value) in (str, list, dict):
        raise BadRecord(f"has '{key}', one of two answers, which converter preference reads")
    if holder in _LABELLED and key in _LABELS and str(value).lower() in _LABELS[key]:
        reads = "converter preference reads" if holder == "record" else "no row can hold"
        raise BadRecord(f"{_name(holder, key)} says that its answer is bad, which {reads}")


def _name(holder: str, key: str) -> str:
    """A field as reasons and notes name it: `'mood' of a turn`, and `'topic'` alone of a record."""
    named = f"'{_shorten(key)}'"
    if holder == "record":
        return named
    return f"{named} of {'an' if holder[0] in 'aeiou' else 'a'} {holder}"


def _shorten(key: str) -> str:
    shown = on_one_line(key[:LONGEST])
    return shown if len(key) <= LONGEST else f"{shown}…"
