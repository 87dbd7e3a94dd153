"""What converters share: a text of a record, or the reason why there is none.

    take_text({"input": "stop"}, "input") → "stop"
    take_text({"input": 3}, "input") → BadRecord("'input' is a number, not a string")

The reasons name the record's fields, never their values.
"""

from typing import Any

from recipebook.errors import on_one_line
from recipebook.records import name_kind
from recipebook.rows import BadRecord

_TEXT_PARTS = ("text", "input_text", "output_text")
_MOST_FIELDS = 3
_LONGEST_NAME = 40
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
    texts: list[str] = []
    for part in parts:
        text = _take_part(part)
        if text is None:
            raise refuse_part(part, f"'{field}'{place}")
        texts.append(text)
    return "".join(texts)


def refuse_part(part: Any, what: str) -> BadRecord:
    """Why a part of `what` cannot be read, by its type or, where it names none, by its fields."""
    if type(part) is not dict:
        return BadRecord(f"{what} has a part that is {name_kind(part)}, not an object")
    kind = part.get("type")
    if type(kind) is str and kind not in _TEXT_PARTS:
        return BadRecord(f"{what} has a part of the type {_quote(kind)}, which is no text")
    fields = [_quote(key) for key in part if key != "type" and part[key] is not None][:_MOST_FIELDS]
    return BadRecord(f"{what} has a part that is not one text: it has {', '.join(fields) or 'nothing'}")


def _quote(name: str) -> str:
    shown = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
    return f"'{on_one_line(shown)}'"


def _take_part(part: Any) -> str | None:
    """The text of a part; None for an image, and where two names hold one."""
    if type(part) is not dict or part.get("type", "text") not in _TEXT_PARTS:
        return None
    texts = [part[name] for name in PART_TEXTS if part.get(name) is not None]
    return texts[0] if len(texts) == 1 and type(texts[0]) is str else None
