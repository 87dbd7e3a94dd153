"""An evaluation's summary.json to its main figure in words: `exact: 0.845 (0.000)`, the base model's in brackets."""

import json
from pathlib import Path

from recipebook.errors import UserError
from recipebook.project import shown
from recipebook.terminal import format_decimals


def read_headline(summary: Path) -> str:
    """The main figure of an evaluation, and the base model's; empty where there was none."""
    if not summary.is_file():
        return ""
    try:
        result = json.loads(summary.read_bytes())["results"][0]
        base = f" ({_round(result['base']['mean'])})" if result["base"] else ""
        return f"{result['figure']}: {_round(result['tuned']['mean'])}{base}"
    except (OSError, ValueError, LookupError, TypeError):
        raise UserError(f"{shown(summary)} is no summary of an evaluation") from None


def _round(value: float | None) -> str:
    return "-" if value is None else format_decimals(value, 3)
