"""Faults that rows can have and still be rows: a dataset in, a line for each kind of fault out, with an example.

    near-duplicates   12 test rows have a train prompt that is 90 % the same, such as samples/robot.json#7: "go ahead 2"
    debris            3 rows hold _comma_ or the like, such as samples/traits.jsonl#12: "hello _comma_ you"

What a converter or the split rejects is in the account already; what Axolotl makes of rows is in the token preview.
"""

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
from rapidfuzz import fuzz, process
from xxhash import xxh3_64_intdigest

from recipebook.data.split import Leak, normalise
from recipebook.progress import ProgressLine

Row = dict[str, Any]

# Only this number of rows is compared pair by pair; the finding says so if there are more.
MOST_HELD_OUT, MOST_TRAIN = 500, 20_000
ALIKE = 90
SHOWN = 60
SHOW_EVERY = 10_000
BALANCED = ("language", "category")
DEBRIS = re.compile(r"_comma_|\{\{[^{}]*\}\}|<\|[a-z_]+\|>|\[TBR\]|\ufffd")


class Finding(NamedTuple):
    """A kind of fault, and a line about the rows that have it."""

    kind: str
    text: str


def inspect_rows(train: Path, held_out: Path, duplicates: int, leak: Leak = "prompt") -> list[Finding]:
    """Look at the rows of train, and at those held out beside them; the account has counted the duplicates of all.

    `leak` is what train must not share with the others; texts that nearly do are counted.
    """
    tallies = {kind: _Tally() for kind in _FAULTS}
    first = next(_read(train))
    values = {field: Counter[str]() for field in BALANCED if field in first["meta"]}
    rows, labels = 0, Counter[bool]()
    for row in _read_and_show(train):
        rows += 1
        labels.update(_list_labels(row))
        for kind, (is_faulty, _) in _FAULTS.items():
            if is_faulty(row):
                tallies[kind].add(row)
        for field, counts in values.items():
            counts[str(row["meta"].get(field))] += 1
    example = _find_duplicate(train, held_out) if duplicates else None
    return [
        Finding("duplicates", _format_count(duplicates, "rows repeat an earlier one", example)),
        _find_near_duplicates(train, rows, held_out, leak),
        *(Finding(kind, _format_count(tally.count, _FAULTS[kind][1], tally.first)) for kind, tally in tallies.items()),
        *(_measure_balance(field, counts) for field, counts in values.items()),
        *([_compare_labels(labels)] if "label" in first else []),
    ]


class _Tally:
    """How many rows have a fault, and the first of them."""

    def __init__(self) -> None:
        self.count = 0
        self.first: Row | None = None

    def add(self, row: Row) -> None:
        self.count += 1
        self.first = self.first or row


def _read(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        yield from map(orjson.loads, file)


def _read_and_show(path: Path) -> Iterator[Row]:
    line, size = ProgressLine("inspect"), path.stat().st_size
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            yield orjson.loads(text)
            if number % SHOW_EVERY == 0:
                line.draw(100 * file.tell() // size, 100, f" %, {number} rows")
    line.clear()


def _has_empty_turn(row: Row) -> bool:
    return any(not turn["content"].strip() and not turn.get("tool_calls") for turn in _turns(row))


def _has_debris(row: Row) -> bool:
    return any(DEBRIS.search(turn["content"]) for turn in _turns(row))


def _has_wrong_roles(row: Row) -> bool:
    """User and assistant in turn, the user first; tools answer an assistant, and one speaks for any number of them."""
    roles = [turn["role"] for turn in row["messages"] if turn["role"] != "system"]
    turns = [role for at, role in enumerate(roles) if not (role == "tool" and roles[at - 1 : at] == ["tool"])]
    follows = {("user", "assistant"), ("assistant", "user"), ("assistant", "tool"), ("tool", "assistant")}
    return turns[:1] != ["user"] or any(pair not in follows for pair in pairwise(turns))


def _has_wrong_positions(row: Row) -> bool:
    return bool(row["meta"].get("position_disagrees"))


def _turns(row: Row) -> Iterator[dict[str, Any]]:
    yield from row["messages"]
    yield from (row[key] for key in ("chosen", "rejected", "answer") if key in row)


_FAULTS: dict[str, tuple[Callable[[Row], bool], str]] = {
    "empty turns": (_has_empty_turn, "rows have a turn that says nothing"),
    "debris": (_has_debris, "rows hold _comma_, an unfilled {{name}} or a control token"),
    "roles": (_has_wrong_roles, "rows have roles that do not take turns"),
    "positions": (_has_wrong_positions, "rows name positions of calls that their annotated text contradicts"),
}


def _find_duplicate(*parts: Path) -> Row | None:
    """The first row that repeats another's content. Rows are read twice: the origins of all would be large."""
    contents = array("Q", (_hash(row) for row in chain.from_iterable(map(_read, parts))))
    ordered = np.sort(np.asarray(contents))
    repeated = set(ordered[1:][ordered[1:] == ordered[:-1]].tolist())
    origins: dict[int, str] = {}
    for row in chain.from_iterable(map(_read, parts)):
        if (content := _hash(row)) in repeated:
            origin = row["meta"]["origin"]
            # Weights repeat rows on purpose, and those are of one origin.
            if origins.setdefault(content, origin) != origin:
                return row
    return None


def _hash(row: Row) -> int:
    """Of all but the origin."""
    return xxh3_64_intdigest(orjson.dumps({**row, "meta": {**row["meta"], "origin": ""}}))


def _find_near_duplicates(train: Path, rows: int, held_out: Path, leak: Leak) -> Finding:
    read = _TEXTS[leak]
    texts = list(dict.fromkeys(normalise(read(row)) for row in islice(_read(train), MOST_TRAIN)))
    with held_out.open("rb") as file:
        others = sum(1 for _ in file)
    alike = [
        (row, found)
        for row in islice(_read(held_out), MOST_HELD_OUT)
        if (found := process.extractOne(normalise(read(row)), texts, scorer=fuzz.ratio, score_cutoff=ALIKE))
    ]
    tested = f"{others}" if others <= MOST_HELD_OUT else f"the first {MOST_HELD_OUT} of {others}"
    among = f"a train {leak}" if rows <= MOST_TRAIN else f"a {leak} of the first {MOST_TRAIN} train rows"
    what = f"of {tested} test rows have {among} that is {ALIKE} % the same or more"
    if not alike:
        return Finding("near-duplicates", f"0 {what}")
    row, (text, score, _) = max(alike, key=lambda pair: pair[1][1])
    example = f'such as {row["meta"]["origin"]}: "{_cut(read(row))}" and "{_cut(text)}" ({score:.0f} %)'
    return Finding("near-duplicates", f"{len(alike)} {what}, {example}")


def _prompt(row: Row) -> str:
    users = [turn["content"] for turn in row["messages"] if turn["role"] == "user"]
    return " ".join(users)


def _answer(row: Row) -> str:
    answers = [turn["content"] for turn in _turns(row) if turn["role"] == "assistant"]
    return str(row["chosen"]["content"]) if "chosen" in row else "".join(answers[-1:])


_TEXTS: Mapping[Leak, Callable[[Row], str]] = {
    "prompt": _prompt,
    "answer": _answer,
    "prompt and answer": lambda row: f"{_prompt(row)} {_answer(row)}",
}


def _measure_balance(field: str, counts: Counter[str]) -> Finding:
    ranked, rows = counts.most_common(), counts.total()
    (most, many), (least, few) = ranked[0], ranked[-1]
    return Finding(field, f"{len(counts)} values, from {least} ({few / rows:.1%}) to {most} ({many / rows:.1%})")


def _list_labels(row: Row) -> tuple[bool, ...]:
    """Whether each answer of a row is good, as kto takes them; none in a chat."""
    if "chosen" in row:
        return True, False
    return (row["label"],) if "label" in row else ()


def _compare_labels(labels: Counter[bool]) -> Finding:
    counted = f"{labels[True]} good answers and {labels[False]} bad ones"
    if labels[True] and labels[False]:
        return Finding("labels", counted)
    missing = "bad" if labels[True] else "good"
    return Finding("labels", f"{counted}: kto learns by comparing the two, so add {missing} answers")


def _format_count(count: int, what: str, example: Row | None) -> str:
    if example is None:
        return f"{count} {what}"
    return f'{count} {what}, such as {example["meta"]["origin"]}: "{_cut(_prompt(example))}"'


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
