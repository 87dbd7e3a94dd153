"""Prompts that train shares with the held-out parts: counted, and their records removed from train.

No prompt of test or validation is trained on. A record of train that has one is rejected where that part has a file of
its own, which should not overlap, and left out where it is a share of the same source, in which the same words may come
with other answers.
"""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Container
from operator import itemgetter
from pathlib import Path

from recipebook.data.account import Ledger
from recipebook.data.conversion import Converted
from recipebook.data.split import Part, hash_prompt
from recipebook.files import replacing
from recipebook.records import Record

HELD_OUT: tuple[Part, ...] = ("validation", "test")


class Written:
    """The rows of one part as written: their prompts' hashes, and the records they came from, numbered through."""

    def __init__(self) -> None:
        self.prompts = array("q")
        self.numbers = array("q")
        self.lines = array("q")

    def add(self, each: Converted, before: int) -> None:
        """Add the rows of a record; `before` records precede its file."""
        for row in each.rows:
            self.prompts.append(hash_prompt(row))
            self.numbers.append(before + each.record.number)
            self.lines.append(each.record.line)

    def without(self, numbers: Container[int]) -> "Written":
        """The same, less the rows of some records."""
        kept = Written()
        for prompt, number, line in zip(self.prompts, self.numbers, self.lines, strict=True):
            if number not in numbers:
                kept.prompts.append(prompt)
                kept.numbers.append(number)
                kept.lines.append(line)
        return kept


def drop_overlap(
    begun: list[tuple[int, str]], written: dict[Part, Written], path: Path, ledger: Ledger, own: set[Part]
) -> None:
    """Remove records with a held-out prompt from the file of train at `path`.

    `own` names the parts that have a file of their own. `begun` are the files read, each with the number of records
    before it.
    """
    train, reasons, mistaken = written["train"], dict[int, str](), set[int]()
    for part in HELD_OUT:
        prompts = set(written[part].prompts)
        for number, prompt in zip(train.numbers, train.prompts, strict=True):
            if prompt in prompts:
                reasons[number] = f"its prompt is also in {part}"
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
    """The rows of train whose prompt the other part has too."""
    prompts = set(other.prompts)
    return sum(prompt in prompts for prompt in train.prompts)
