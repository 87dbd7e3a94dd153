"""Answers that are sequences of tool calls, written as text, a call a line.

["search(query='red caps')", "filter"] → "<tool>search(query='red caps')</tool>\\n<tool>filter()</tool>"
[{"tool_call": {"tool_name": "search", "arguments": {"query": "caps"}}}] → "<tool>search(query='caps')</tool>"
"""

import re
from functools import lru_cache
from typing import Any

from recipebook.records import name_kind
from recipebook.rows import BadRecord
from recipebook.text.inline_calls import find_spans, format_call

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*+")
# For speed: most calls match this pattern, and are known to be valid without being parsed.
_VALUE = r"(?:'[^'\\<\[]*+'|[\w.+-]++)"
_PLAIN = re.compile(
    rf"[A-Za-z_][A-Za-z0-9_.]*+\((?:\w++=(?:{_VALUE}|\[(?:{_VALUE}(?:, |(?=\])))*+\])(?:, |(?=\))))*+\)"
)


def format_sequence(record: dict[str, Any], field: str) -> str:
    """The calls under `tool_sequence` of a record's `field`."""
    response = record.get(field)
    if type(response) is not dict:
        raise BadRecord(f"missing '{field}'" if response is None else _format_kind(f"'{field}'", response, "an object"))
    return format_calls(response.get("tool_sequence"), "tool_sequence")


def format_calls(listed: Any, field: str) -> str:
    """The calls of a list; reasons name `field`."""
    if type(listed) is not list:
        raise BadRecord(f"missing '{field}'" if listed is None else _format_kind(f"'{field}'", listed, "a list"))
    if not listed:
        raise BadRecord(f"'{field}' is empty")
    return "\n".join([_format_call(item, field) for item in listed])


def _format_call(item: Any, field: str) -> str:
    if type(item) is str:
        tagged = _tag_call(item)
        if tagged is None:
            raise BadRecord(f"an item of '{field}' is neither a tool's name nor a call")
        return tagged
    call = item.get("tool_call", item) if type(item) is dict else item
    if type(call) is not dict:
        raise BadRecord(_format_kind(f"a call of '{field}'", call, "an object"))
    name, arguments = call.get("tool_name"), call.get("arguments")
    if type(name) is not str or not _NAME.fullmatch(name):
        raise BadRecord(f"a call of '{field}' has no tool's name in 'tool_name'")
    if arguments is not None and type(arguments) is not dict:
        raise BadRecord(_format_kind(f"'arguments' of a call of '{field}'", arguments, "an object"))
    try:
        return format_call(name, arguments or {})
    except ValueError:
        raise BadRecord(f"'arguments' of a call of '{field}' are nested too deeply") from None


# Both answers of a pair mostly make the same calls, in another order or with other arguments.
@lru_cache(1024)
def _tag_call(text: str) -> str | None:
    """A call, or the name of a tool, as a call in a text; None for any other text."""
    tagged = f"<tool>{text}</tool>"
    if _PLAIN.fullmatch(text):
        return tagged
    if _NAME.fullmatch(text):
        return f"<tool>{text}()</tool>"
    return tagged if [(span.start, span.end) for span in find_spans(tagged)] == [(0, len(tagged))] else None


def _format_kind(what: str, value: Any, wanted: str) -> str:
    return f"{what} is {name_kind(value)}, not {wanted}"
