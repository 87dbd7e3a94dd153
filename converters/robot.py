r"""Robot commands in plain English and the calls that carry them out.

In: `{"input": "turn left and stop", "output": "robot.turn(direction=\"left\", angle=90); robot.stop()",
"category": "complex"}`; or `output_list` with a string a call instead of `output`.
Out: a user turn and an assistant turn with one call a line, every call as it was written:

    {"messages": [{"role": "user", "content": "turn left and stop"},
                  {"role": "assistant", "content": "robot.turn(direction=\"left\", angle=90)\nrobot.stop()"}],
     "meta": {"category": "complex"}}
"""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict

from recipebook.records import name_kind
from recipebook.rows import BadRecord, Message, Row

END_OF_TEXT = "<|endoftext|>"

_SEPARATOR = re.compile(r"[;\n]")
_MARK = re.compile(r"\\.|[\"';\n]", re.DOTALL)


class Options(BaseModel):
    """What a recipe may set."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    system: str | None = None
    """A system prompt for every row; None: no system turn."""


def convert(record: dict[str, Any], options: Options) -> Iterator[Row]:
    """Yield the record's one row."""
    command = _take_text(record, "input")
    calls = "\n".join(_take_calls(record))
    category = "uncategorised" if record.get("category") is None else _take_text(record, "category")
    messages: list[Message] = [{"role": "user", "content": command}, {"role": "assistant", "content": calls}]
    if options.system is not None:
        messages.insert(0, {"role": "system", "content": options.system})
    yield {"messages": messages, "meta": {"category": category}}


def _take_text(record: dict[str, Any], field: str) -> str:
    value = record.get(field)
    if value is None:
        raise BadRecord(f"missing '{field}'")
    return _check_text(value, f"'{field}'")


def _check_text(value: Any, what: str) -> str:
    if type(value) is not str:
        raise BadRecord(f"{what} is {name_kind(value)}, not a string")
    if not value.strip():
        raise BadRecord(f"{what} is empty")
    return value.replace("\r\n", "\n")


def _take_calls(record: dict[str, Any]) -> list[str]:
    if record.get("output") is not None or record.get("output_list") is None:
        return _split_calls(_take_text(record, "output"), "'output'")
    listed = record["output_list"]
    if type(listed) is not list:
        raise BadRecord(f"'output_list' is {name_kind(listed)}, not a list")
    if not listed:
        raise BadRecord("'output_list' is empty")
    what = "an item of 'output_list'"
    return [call for item in listed for call in _split_calls(_check_text(item, what), what)]


def _split_calls(text: str, what: str) -> list[str]:
    text = text.strip().removesuffix(END_OF_TEXT)
    pieces = [text] if not _SEPARATOR.search(text) else _split_outside_quotes(text)
    calls = [call for piece in pieces if (call := piece.strip())]
    if not calls:
        raise BadRecord(f"{what} holds no call")
    return calls


def _split_outside_quotes(text: str) -> list[str]:
    pieces: list[str] = []
    start, quote, opened = 0, "", 0
    for mark in _MARK.finditer(text):
        found = mark[0]
        if quote:
            quote = "" if found == quote else quote
        elif found in ('"', "'"):
            quote, opened = found, mark.start()
        elif found in (";", "\n"):
            pieces.append(text[start : mark.start()])
            start = mark.end()
    if not quote:
        return [*pieces, text[start:]]
    # A quote that never closes is an apostrophe: what follows it is split as plain text.
    first, *more = _SEPARATOR.split(text[opened:])
    return [*pieces, text[start:opened] + first, *more]
