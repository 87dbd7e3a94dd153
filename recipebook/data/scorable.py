"""Held-out rows and a recipe's metrics in; how many of the references each metric can score, out, before training.

    {"robot": {}} and 650 rows → ["robot: 612 of 650 test references can be scored"]

A reference that a metric cannot read scores in none of its figures, so a test set of them would say nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from recipebook.modules import METRIC, load
from recipebook.options import check_options

Row = dict[str, Any]
# To read a call takes some twenty microseconds.
MOST = 20_000


def format_scorable(metrics: Mapping[str, Mapping[str, Any]], rows: Path, part: str) -> list[str]:
    """A line for each metric."""
    read = list(islice(_read(rows), MOST))
    some = f"the first {len(read)}" if len(read) == MOST else str(len(read))
    lines = []
    for name, options in metrics.items():
        can_score = _make_test(name, options)
        lines.append(f"{name}: {sum(map(can_score, read))} of {some} {part} references can be scored")
    return lines


def _make_test(name: str, options: Mapping[str, Any]) -> Callable[[Row], bool]:
    """Whether a metric can score a row: by the texts whose likelihood it measures, or by its reader of answers."""
    module = load(METRIC, name)
    measures = getattr(module, "MEASURES", ())
    if "chosen" in measures:
        return lambda row: "chosen" in row
    if "spans" in measures:
        return lambda row: bool(row.get("spans"))
    if hasattr(module, "make_reader"):
        reader = module.make_reader(check_options(module.Options, options, f"metric {name}"))
        return lambda row: any(reader(text) is not None for text in _list_answers(row)[-1:])
    return lambda row: bool(_list_answers(row))


def _list_answers(row: Row) -> list[str]:
    turns = [row["chosen"]] if "chosen" in row else row["messages"]
    return [turn["content"] for turn in turns if turn["role"] == "assistant"]


def _read(rows: Path) -> Iterator[Row]:
    with rows.open("rb") as file:
        yield from map(orjson.loads, file)
