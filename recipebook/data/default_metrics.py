"""The metrics of a recipe that names none: its data in; those of its converter, or of such rows, out.

    {"source": "samples/robot.json", "converter": "robot"} → {"robot": {}}

A converter names them in `METRICS`. Without that, pairs are compared by their likelihood, calls of tools by what they
call, and answers in free text, which are seldom the reference word for word, by the reference's likelihood and by the
words that both have.
"""

import json
from itertools import islice
from pathlib import Path
from typing import Any

from recipebook.data.converter import choose_converter
from recipebook.errors import UserError
from recipebook.modules import AUTO, CONVERTER, load
from recipebook.project import PROJECT
from recipebook.recipe.data_keys import Data
from recipebook.rows import find_kind
from recipebook.sources.inputs import find_inputs

OF_PAIRS: dict[str, dict[str, Any]] = {"preference": {}}
OF_CALLS: dict[str, dict[str, Any]] = {"tool_calls": {}, "likelihood": {}}
OF_ANSWERS: dict[str, dict[str, Any]] = {"likelihood": {}, "overlap": {}, "text": {}}
# A call in one of the first rows makes them rows of calls, as `auto` knows a converter by the first records.
LOOKED_AT = 100


def choose_metrics(data: Data, rows: Path) -> dict[str, dict[str, Any]]:
    """Metrics with their options; `rows` is a file of rows that the data came to."""
    first = _read_first(rows)
    if first and find_kind(first[0]) != "chat":
        return OF_PAIRS
    converter = _find_converter(data)
    own = vars(load(CONVERTER, converter)).get("METRICS") if converter else None
    return own or (OF_CALLS if any(row["messages"][-1].get("tool_calls") for row in first) else OF_ANSWERS)


def format_metrics(data: Data, rows: Path) -> str:
    """`robot, the default for these rows: the recipe's eval section names none`"""
    names = ", ".join(choose_metrics(data, rows))
    return f"{names}, the default for these rows: the recipe's eval section names none"


def _find_converter(data: Data) -> str | None:
    """The converter's name; None where `auto` chose it by records that are gone."""
    if data.converter != AUTO:
        return data.converter
    try:
        inputs = find_inputs(data.source, PROJECT)
        return choose_converter(AUTO, data.source, inputs, {}, data.options, data.rejects).name
    except UserError:
        return None


def _read_first(rows: Path) -> list[dict[str, Any]]:
    if not rows.is_file():
        return []
    with rows.open("rb") as file:
        return [json.loads(line) for line in islice(file, LOOKED_AT)]
