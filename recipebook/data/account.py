"""The account of a conversion: every record that went in is in the rows, rejected or left out, for a reason.

    {"records": 12, "rows": 11, "rejected": [{"reason": "missing 'output'", "count": 1,
     "places": ["data.jsonl:7: record 7"]}], "left_out": [], "duplicates": 0, "notes": []}

Records that are left out are good but not selected, so they do not count against the limit of rejects.
A `Ledger` is written while records pass, and closed into an `Account`.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from recipebook.data.split import Leak
from recipebook.data.unread import UnreadCounts
from recipebook.errors import UserError
from recipebook.frozen import Frozen
from recipebook.records import Record, place

PLACES = 3
# Reasons name fields and types, of which a broken file may have another in every record.
MOST_REASONS = 1000
OTHER_REASONS = f"other reasons than the first {MOST_REASONS:,}"
# More values are counted by numpy, which takes as long to import as a set of these to fill.
SET_VALUES = 100_000


class Rejection(Frozen):
    """One reason, how many records had it, and where the first few stand."""

    reason: str
    count: int
    places: tuple[str, ...]


class Account(Frozen):
    """What became of every record; `records` is the accepted, the rejected and the left out together."""

    records: int
    rows: int
    rejected: tuple[Rejection, ...] = ()
    left_out: tuple[Rejection, ...] = ()
    duplicates: int = 0
    overlap_test: int = 0
    overlap_validation: int = 0
    leak: Leak = "prompt"
    """What the overlaps count."""
    notes: tuple[str, ...] = ()

    @property
    def rejects(self) -> int:
        """Records rejected, whatever the reason."""
        return sum(rejection.count for rejection in self.rejected)

    @property
    def accepted(self) -> int:
        """Records that became rows."""
        return self.records - self.rejects - sum(each.count for each in self.left_out)

    def lines(self) -> list[str]:
        """The account as lines for a reader."""
        lines = [f"{self.records} records, {self.rows} rows, {self.rejects} rejected, {self.duplicates} duplicates"]
        lines += [f"{each.count} x {each.reason} (first: {each.places[0]})" for each in self.rejected]
        lines += [f"{each.count} left out: {each.reason} (first: {each.places[0]})" for each in self.left_out]
        return lines + list(self.notes)

    def format_reasons(self, name: str = "") -> str:
        """The most frequent reasons why records, of the file `name` if given, became no row: `: 2 x missing 'output'
        (x.jsonl:1: record 1)`; empty if none was rejected or left out.
        """
        reasons = [each for each in (*self.rejected, *self.left_out) if each.places[0].startswith(name)]
        reasons.sort(key=lambda each: -each.count)
        listed = [f"{each.count} x {each.reason} ({each.places[0]})" for each in reasons[:PLACES]]
        more = [f"{len(reasons) - PLACES} other reasons"] if len(reasons) > PLACES else []
        return f": {'; '.join([*listed, *more])}" if listed else ""


class Ledger:
    """The account while it is being written."""

    def __init__(self, notes: Mapping[str, str] = MappingProxyType({})) -> None:
        self.records = 0
        self.rows = 0
        self.notes = dict(notes)
        self.contents = Repeats()
        self.unread = UnreadCounts()
        self._rejected = _Reasons()
        self._left_out = _Reasons()
        self._remarks = _Reasons()

    def reject(self, name: str, record: Record, reason: str) -> None:
        """Count a record of the file `name` as rejected; its place is kept if it is among the reason's first."""
        self._rejected.count(name, record, reason)

    def leave_out(self, name: str, record: Record, reason: str) -> None:
        """Count a record as left out: good, but not selected by the recipe."""
        self._left_out.count(name, record, reason)

    def remark(self, name: str, record: Record, remarks: Iterable[str]) -> None:
        """Count what is remarkable about a row that a record gave."""
        for remark in remarks:
            self._remarks.count(name, record, remark)

    def withdraw(self, name: str, record: Record, rows: int, reason: str) -> None:
        """Reject a record after all, taking back the rows it gave."""
        self.rows -= rows
        self.reject(name, record, reason)

    def set_aside(self, name: str, record: Record, rows: int, reason: str) -> None:
        """Leave a record out after all, taking back the rows it gave."""
        self.rows -= rows
        self.leave_out(name, record, reason)

    def add(self, later: "Ledger") -> None:
        """Add the counts of another ledger, whose records follow this one's."""
        self.records += later.records
        self.rows += later.rows
        for kind, note in later.notes.items():
            self.notes.setdefault(kind, note)
        self.contents.add(later.contents)
        self.unread.add(later.unread)
        self._rejected.add(later._rejected)
        self._left_out.add(later._left_out)
        self._remarks.add(later._remarks)

    def close(self, leak: Leak = "prompt", **overlaps: int) -> Account:
        """Sum up."""
        return Account(
            records=self.records,
            rows=self.rows,
            rejected=self._rejected.list(),
            left_out=self._left_out.list(),
            duplicates=self.contents.count(),
            notes=(*self.notes.values(), *self.unread.list_notes(), *self._list_remarks()),
            leak=leak,
            **overlaps,
        )

    def _list_remarks(self) -> Iterator[str]:
        for remark, count, places in self._remarks.list_counts():
            rows = "row" if count == 1 else "rows"
            yield f"{remark}: {count:,} {rows} (first: {places[0]})"


class Repeats:
    """Counts values seen before by their 64-bit hashes, 8 bytes a value."""

    def __init__(self) -> None:
        self._hashes = array("Q")

    @property
    def remember(self) -> Callable[[int], None]:
        """Take in the hash of one value, such as `xxh3_64_intdigest` of its bytes."""
        return self._hashes.append

    def add(self, other: "Repeats") -> None:
        """Take over what another one has seen."""
        self._hashes.extend(other._hashes)

    def count(self) -> int:
        """Count the values that equal an earlier one; many are sorted by numpy, since a set of them would be large."""
        if len(self._hashes) <= SET_VALUES:
            return len(self._hashes) - len(set(self._hashes))
        import numpy as np

        ordered = np.sort(np.asarray(self._hashes))
        return int((ordered[1:] == ordered[:-1]).sum())


def find_limit(allowed: int | str, records: int) -> float:
    """How many of the records may be rejected."""
    text = str(allowed)
    return float(text[:-1]) * records / 100 if text.endswith("%") else float(text)


def judge(account: Account, allowed: int | str, name: str) -> None:
    """Raise when more records were rejected than `allowed`, a number or a share such as 10%, which is set by `name`."""
    if account.rejects <= find_limit(allowed, account.records):
        return
    first = account.rejected[0]
    raise UserError(
        f"{first.places[0]}: {first.reason} ({account.rejects} of {account.records} records rejected, "
        f"{allowed} allowed; raise {name} to continue)"
    )


class _Reasons:
    """How many records had each reason, and where the first few stand."""

    def __init__(self) -> None:
        self._places: dict[str, list[str]] = {}
        self._counts: dict[str, int] = {}

    def count(self, name: str, record: Record, reason: str) -> None:
        reason = self._limit(reason)
        self._counts[reason] = self._counts.get(reason, 0) + 1
        places = self._places.setdefault(reason, [])
        if len(places) < PLACES:
            places.append(place(name, record))

    def add(self, later: "_Reasons") -> None:
        for own, places in later._places.items():
            reason = self._limit(own)
            self._counts[reason] = self._counts.get(reason, 0) + later._counts[own]
            self._places[reason] = [*self._places.get(reason, []), *places][:PLACES]

    def _limit(self, reason: str) -> str:
        """The reason itself, or what stands for all that come after the first `MOST_REASONS`."""
        return reason if reason in self._counts or len(self._counts) < MOST_REASONS else OTHER_REASONS

    def list(self) -> tuple[Rejection, ...]:
        return tuple(
            Rejection(reason=reason, count=count, places=places) for reason, count, places in self.list_counts()
        )

    def list_counts(self) -> Iterator[tuple[str, int, tuple[str, ...]]]:
        """Each reason, how many records had it, and where the first few stand."""
        return ((reason, count, tuple(self._places[reason])) for reason, count in self._counts.items())
