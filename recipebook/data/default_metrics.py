"""The metrics of a recipe that names none: its data in; those of its converter, or of such rows, out.

    {"source": "samples/robot.json", "converter": "robot"} → {"robot": {}}

A converter names them in `METRICS`. Without that, pairs are compared by their likelihood and answers by their text.
"""

import json
from pathlib import Path
from typing import Any

from recipebook.data.conversion import choose_converter
from recipebook.errors import UserError
from recipebook.modules import AUTO, CONVERTER, load
from recipebook.project import PROJECT
from recipebook.recipe.data_keys import Data
from recipebook.rows import find_kind
from recipebook.sources.inputs import find_inputs

OF_PAIRS: dict[str, dict[str, Any]] = {"preference": {}}
OF_ANSWERS: dict[str, dict[str, Any]] = {"text": {}}


def choose_metrics(data: Data, rows: Path) -> dict[str, dict[str, Any]]:
    """Metrics with their options; `rows` is a file of rows that the data came to."""
    if _has_preferences(rows):
        return OF_PAIRS
    converter = _find_converter(data)
    return vars(load(CONVERTER, converter)).get("METRICS", OF_ANSWERS) if converter else OF_ANSWERS


def format_metrics(data: Data, rows: Path) -> str:
    """`robot, the default for these rows: the recipe's eval section names none`"""
    names = ", ".join(choose_metrics(data, rows))
    return f"{names}, the default for these rows: the recipe's eval section names none"


def _find_converter(data: Data) -> str | None:
    """The converter's name; None where `auto` chose it by records that are gone."""
    if data.converter != AUTO:
        return data.converter
    try:
        return choose_converter(AUTO, data.source, find_inputs(data.source, PROJECT), {}, data.options).name
    except UserError:
        return None


def _has_preferences(rows: Path) -> bool:
    if not rows.is_file():
        return False
    with rows.open("rb") as file:
        first = file.readline()
    return bool(first.strip()) and find_kind(json.loads(first)) != "chat"
