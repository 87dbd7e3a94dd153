"""What converters share: a text of a record, or the reason why there is none.

    take_text({"input": "stop"}, "input") → "stop"
    take_text({"input": 3}, "input") → BadRecord("'input' is a number, not a string")

The reasons name the record's fields, never their values.
"""

from typing import Any

from recipebook.records import name_kind
from recipebook.rows import BadRecord

_TEXT_PARTS = ("text", "input_text", "output_text")
PART_TEXTS = ("text", "value", "content")


def take_text(holder: dict[str, Any], field: str, place: str = "") -> str:
    """A text that is not empty; `place` follows the field's name in reasons, as in ` in a turn of 'messages'`."""
    text = holder.get(field)
    if type(text) is not str or "\r" in text:
        text = take_any_text(holder, field, place)
    if not text or text.isspace():
        raise BadRecord(f"'{field}'{place} is empty")
    return text


def take_any_text(holder: dict[str, Any], field: str, place: str = "") -> str:
    """A text, which may be empty; OpenAI's parts are put together where all are texts, under whichever name."""
    value = holder.get(field)
    if type(value) is list and value and type(value[0]) is dict:
        value = _join_parts(value, field, place)
    if type(value) is not str:
        raise BadRecord(
            f"missing '{field}'{place}" if value is None else f"'{field}'{place} is {name_kind(value)}, not a string"
        )
    return value.replace("\r\n", "\n") if "\r" in value else value


def _join_parts(parts: list[Any], field: str, place: str) -> str:
    texts = [_take_part(part) for part in parts]
    if None in texts:
        raise BadRecord(f"'{field}'{place} has a part that is no text")
    return "".join(str(text) for text in texts)


def _take_part(part: Any) -> str | None:
    """The text of a part; None for an image, and where two names hold one."""
    if type(part) is not dict or part.get("type", "text") not in _TEXT_PARTS:
        return None
    texts = [part[name] for name in PART_TEXTS if part.get(name) is not None]
    return texts[0] if len(texts) == 1 and type(texts[0]) is str else None
