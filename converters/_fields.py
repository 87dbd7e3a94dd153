"""What converters share: a text of a record, or the reason why there is none.

    take_text({"input": "stop"}, "input") → "stop"
    take_text({"input": 3}, "input") → BadRecord("'input' is a number, not a string")

The reasons name the record's fields, never their values.
"""

from typing import Any

from recipebook.records import name_kind
from recipebook.rows import BadRecord


def take_text(holder: dict[str, Any], field: str, place: str = "") -> str:
    """A text that is not empty; `place` follows the field's name in reasons, as in ` in a turn of 'messages'`."""
    text = holder.get(field)
    if type(text) is not str or "\r" in text:
        text = take_any_text(holder, field, place)
    if not text or text.isspace():
        raise BadRecord(f"'{field}'{place} is empty")
    return text


def take_any_text(holder: dict[str, Any], field: str, place: str = "") -> str:
    """A text, which may be empty; OpenAI's parts are put together where all are texts."""
    value = holder.get(field)
    if type(value) is list and value and type(value[0]) is dict:
        value = _join_parts(value, field, place)
    if type(value) is not str:
        raise BadRecord(
            f"missing '{field}'{place}" if value is None else f"'{field}'{place} is {name_kind(value)}, not a string"
        )
    return value.replace("\r\n", "\n") if "\r" in value else value


def _join_parts(parts: list[Any], field: str, place: str) -> str:
    texts = [part.get("text") if type(part) is dict and part.get("type") == "text" else None for part in parts]
    if any(type(text) is not str for text in texts):
        raise BadRecord(f"'{field}'{place} has a part that is no text")
    return "".join(str(text) for text in texts)
