"""Numbers that say how good an answer is: a field in, a float out.

{"score": 4} → 4.0      {"score": "4.5"} → 4.5, where it may be a text
"""

from typing import Any

from recipebook.records import name_kind
from recipebook.rows import BadRecord

_LARGEST = 1e100


def take_number(holder: dict[str, Any], field: str, *, written: bool = False) -> float | None:
    """The number of a field; None where there is none. `written`: it may be a text, as tables have numbers."""
    value: Any = holder.get(field)
    if type(value) is float and -_LARGEST < value < _LARGEST:
        return value
    if value is None:
        return None
    if written and type(value) is str:
        value = _parse(value)
        if value is None:
            return None
    if type(value) not in (int, float):
        raise BadRecord(f"'{field}' is {name_kind(value)}, not a number")
    if not -_LARGEST < value < _LARGEST:
        raise BadRecord(f"'{field}' is no number of a sensible size")
    return float(value)


def _parse(text: str) -> float | str | None:
    """The number that a text is; None for an empty one, and any other as it is."""
    try:
        return float(text) if text.strip() else None
    except ValueError:
        return text
