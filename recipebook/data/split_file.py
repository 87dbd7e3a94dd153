"""A split made elsewhere: a file that lists, for each persona, which of the dialogues are in which part.

    {"persona_000": {"train": [0, 1, 4], "val": [2], "test": [3], "online": [0, 4]},
     "persona_001": {"train": [5, 6, 9], "val": [7], "test": [8], "online": [5]}}

with `data.split: {file: splits.json, by: [persona_id]}`. In: the records of the source. Out: the part of each. Records
are counted from 0: through the whole source, or, where two personas list the same number, from 0 for each persona.
`online` is a part of train and takes no record from it. Records in no list are left out and counted.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from recipebook.data.split import Part
from recipebook.errors import UserError, on_one_line
from recipebook.files import digest_file
from recipebook.records import Record, name_kind, place
from recipebook.rows import LeftOut
from recipebook.sources.blocks import open_file

NAMES: dict[str, Part] = {"train": "train", "val": "validation", "test": "test"}
ONLINE = "online"


class SplitFile:
    """The lists of a file, and which records of the source they turn out to mean."""

    def __init__(self, path: Path, name: str, by: str) -> None:
        self.name = name
        self.lists = _read(path, name)
        self.digest = digest_file(path)
        self._by = by
        self._owners = {at: owner for owner, at in self.lists}
        self._shared = len(self._owners) < len(self.lists)
        self._counts = Counter[str]()
        self._parts: dict[int, Part] = {}
        self._chosen = set[Part]()

    def note(self) -> str:
        """How the file was read, for the account."""
        way = f"for each {self._by} apart" if self._shared else "through the whole source"
        return f"{self.name}: its numbers count records from 0, {way}"

    def follow(self, records: Iterable[Record], name: str, before: int) -> Iterator[Record]:
        """The same records of the file `name`; the part of each is known once it has passed."""
        for record in records:
            owner = _find_owner(record, self._by)
            if self._shared and owner is None:
                raise UserError(f"{place(name, record)}: has no '{self._by}', by which {self.name} counts records")
            counted = owner if self._shared and owner is not None else ""
            at = self._counts[counted]
            self._counts[counted] += 1
            listed = owner if self._shared else self._owners.get(at)
            if owner is not None and listed is not None and owner != listed:
                raise UserError(
                    f"{place(name, record)}: is of '{on_one_line(owner)}', but {self.name} lists its number, {at}, "
                    f"under '{on_one_line(listed)}'"
                )
            if listed is not None and (listed, at) in self.lists:
                self._parts[before + record.number] = self.lists[listed, at]
            yield record

    def choose(self, number: int) -> Part:
        """The part of a record that has passed; `number` counts through all files."""
        if number not in self._parts:
            raise LeftOut(f"in no list of {self.name}")
        part = self._parts[number]
        self._chosen.add(part)
        return part

    def check(self) -> None:
        """Once all records have passed: refuse listed numbers without a record, and parts without rows."""
        for (owner, at), part in self.lists.items():
            count = self._counts[owner if self._shared else ""]
            if at >= count:
                whose = f"{count} records are of it" if self._shared else f"the source has {count} records"
                raise UserError(f"{self.name}: {on_one_line(owner)}: {part} lists {at}, but {whose}")
        for part in dict.fromkeys(self.lists.values()):
            if part not in self._chosen:
                raise UserError(f"{self.name}: {part} is empty: none of the records that it lists became a row")


def _find_owner(record: Record, by: str) -> str | None:
    value = record.value.get(by) if isinstance(record.value, dict) else None
    return str(value) if type(value) in (str, int) else None


def _read(path: Path, name: str) -> dict[tuple[str, int], Part]:
    try:
        with open_file(path, name) as file:
            document = json.loads(file.read(), object_pairs_hook=_make_object)
    except (ValueError, RecursionError) as error:
        raise UserError(on_one_line(f"{name}: not a split file: {error}")) from error
    if type(document) is not dict or not document:
        raise UserError(f"{name}: holds no object of personas and their lists")
    lists: dict[tuple[str, int], Part] = {}
    for owner, parts in document.items():
        where = on_one_line(f"{name}: {owner}")
        for part, numbers in _check_lists(parts, where).items():
            for at in numbers if part != ONLINE else ():
                if other := lists.get((owner, at)):
                    raise UserError(f"{where}: {at} is in {other} and in {NAMES[part]}")
                lists[owner, at] = NAMES[part]
        for at in parts.get(ONLINE, ()):
            if lists.get((owner, at)) != "train":
                raise UserError(f"{where}: {at} is in online, but not in train, of which online is a part")
    return lists


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"'{twice}' stands twice")
    return made


def _check_lists(parts: Any, where: str) -> dict[str, list[int]]:
    if type(parts) is not dict:
        raise UserError(f"{where}: {name_kind(parts)}, not an object of lists")
    for part, numbers in parts.items():
        if part not in NAMES and part != ONLINE:
            raise UserError(on_one_line(f"{where}: no part '{part}'; the parts are: {', '.join([*NAMES, ONLINE])}"))
        if type(numbers) is not list or any(type(at) is not int or at < 0 for at in numbers):
            raise UserError(f"{where}: {part} is not a list of numbers from 0")
    checked: dict[str, list[int]] = parts
    return checked
