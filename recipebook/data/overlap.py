"""What train shares with the held-out parts: counted, and its records removed from train.

The converter says what may not be shared (its `LEAK`): the prompt; the answer, where one prompt is asked of many rows,
such as `Respond in a way that is wise:`; or both together. A record of train that shares it is rejected where that part
has a file of its own, which should not overlap, and left out where it is a share of the same source, in which the same
words may come again.
"""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Container
from operator import itemgetter
from pathlib import Path

from recipebook.data.account import Ledger
from recipebook.data.conversion import Converted
from recipebook.data.split import HASHES, Leak, Part
from recipebook.files import replacing
from recipebook.records import Record

HELD_OUT: tuple[Part, ...] = ("validation", "test")


class Written:
    """The rows of one part as written: hashes of what would leak, and the records they came from, numbered through."""

    def __init__(self, leak: Leak = "prompt") -> None:
        self.leak = leak
        self.hashes = array("q")
        self.numbers = array("q")
        self.lines = array("q")

    def add(self, each: Converted, before: int) -> None:
        """Add the rows of a record; `before` records precede its file."""
        hash_leak = HASHES[self.leak]
        for row in each.rows:
            self.hashes.append(hash_leak(row))
            self.numbers.append(before + each.record.number)
            self.lines.append(each.record.line)

    def without(self, numbers: Container[int]) -> "Written":
        """The same, less the rows of some records."""
        kept = Written(self.leak)
        for hashed, number, line in zip(self.hashes, self.numbers, self.lines, strict=True):
            if number not in numbers:
                kept.hashes.append(hashed)
                kept.numbers.append(number)
                kept.lines.append(line)
        return kept


def drop_overlap(
    begun: list[tuple[int, str]], written: dict[Part, Written], path: Path, ledger: Ledger, own: set[Part]
) -> None:
    """Remove records that would leak a held-out row from the file of train at `path`.

    `own` names the parts that have a file of their own. `begun` are the files read, each with the number of records
    before it.
    """
    train, reasons, mistaken = written["train"], dict[int, str](), set[int]()
    verb = "are" if train.leak == "prompt and answer" else "is"
    for part in HELD_OUT:
        held_out = set(written[part].hashes)
        for number, hashed in zip(train.numbers, train.hashes, strict=True):
            if hashed in held_out:
                reasons[number] = f"its {train.leak} {verb} also in {part}"
                mistaken |= {number} if part in own else set()
    if not reasons:
        return
    rows, lines = Counter(train.numbers), dict(zip(train.numbers, train.lines, strict=True))
    for number in sorted(reasons):
        before, name = begun[bisect_left(begun, number, key=itemgetter(0)) - 1]
        take_out = ledger.withdraw if number in mistaken else ledger.set_aside
        take_out(name, Record(number - before, lines[number], {}), rows[number], reasons[number])
    with path.open("rb") as whole, replacing(path) as file:
        kept = zip(train.numbers, whole, strict=True)
        file.writelines(line for number, line in kept if number not in reasons)
    written["train"] = train.without(reasons)


def count_overlap(train: Written, other: Written) -> int:
    """The rows of train that share with the other part what may not be shared."""
    held_out = set(other.hashes)
    return sum(hashed in held_out for hashed in train.hashes)
