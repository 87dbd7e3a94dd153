r"""Calls that are written in the text of a turn, in the two forms that public data has for them.

    Let me see. <tool_call>{"name": "weather", "arguments": {"day": "now"}}</tool_call>     (Hermes)
    [weather(day="now"), tide(hour=3)]                                                      (ToolACE)
    → "Let me see." and [{"name": "weather", "arguments": {"day": "now"}}]

A text is read only as a whole: with anything behind its calls, a tag that is not closed, an argument without a name, or
a call that has more than a name and arguments, it holds no call that can be read. Tools stand in the system prompt as
`<tools>[…]</tools>` or as a bare list, and answers between `<tool_response>` and `</tool_response>`. Reading takes time
linear in the text.
"""

import ast
import json
import re
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from converters._calls import ARGUMENTS, is_name
from converters._tool_lists import read_tools
from recipebook.records import find_repeated_key, load_json
from recipebook.rows import BadRecord
from recipebook.text.call_arguments import find_closing, read_arguments

OPENING, CLOSING = "<tool_call>", "</tool_call>"

_ANSWER, _ANSWER_END = "<tool_response>", "</tool_response>"
_NAME = re.compile(r"\s*+([^\W\d](?:[\w.:/ -]*\w)?)\s*\(")
_BEHIND = re.compile(r"\s*+(?:(?P<more>,)|\]$)")
_BLANK = re.compile(r"[\s,]*+")
_TOOLS = re.compile(r"<tools>\s*+(?P<list>[\[{])")
_LIST = re.compile(r"(?P<list>\[\s*+\{)")
_MOST_TOOLS = 1000
# Most data has a few system prompts, each many times over.
_PROMPTS = 16
_LONGEST_NAME = 200
_LONGEST_LITERAL = 20_000
_TRIES = 4
_CALL_KEYS = frozenset(("name", "id", "type", *ARGUMENTS))
_TOOL_KEYS = frozenset(("parameters", "arguments", "function", "description"))


class WrittenCalls(NamedTuple):
    """The text before the calls, and the calls."""

    text: str
    calls: list[dict[str, Any]]

    def list_names(self) -> list[str]:
        """The names of the tools that are called."""
        return [call["name"] for call in self.calls]


def may_hold_calls(text: str) -> bool:
    """Whether it is worth looking for calls."""
    return OPENING in text or (text[0] in "[ \n" and text.rstrip()[-1:] == "]")


def read_written_calls(text: str) -> WrittenCalls | None:
    """Read the calls of a text; None where it holds none, or not only calls behind its words."""
    return _read_tags(text) if OPENING in text else _read_brackets(text.strip())


@lru_cache(_PROMPTS)
def find_written_tools(text: str) -> tuple[list[dict[str, Any]], set[str]]:
    """The tools that a system prompt lists, and their names; none where it holds no such list."""
    for opening, most in ((_TOOLS, _MOST_TOOLS), (_LIST, 1)):
        for found in islice(opening.finditer(text), _TRIES):
            values = load_values(text, found.start("list"), most)
            tools, names = _try_tools(values[0] if len(values) == 1 else values)
            if tools:
                return tools, names
    return [], set()


def describe_tools(tools: list[dict[str, Any]]) -> bool:
    """Whether every item of a list says more than a name, as tools do and other lists do not."""
    return all(not _TOOL_KEYS.isdisjoint(tool["function"]) for tool in tools)


def load_values(text: str, at: int, most: int) -> list[Any]:
    """The JSON values, `most` of them at most, that stand one behind the other from a place of a text."""
    decoder, values = json.JSONDecoder(), list[Any]()
    while len(values) < most:
        try:
            value, at = decoder.raw_decode(text, _BLANK.match(text, at).end())  # type: ignore[union-attr]
        except (ValueError, RecursionError):
            break
        values.append(value)
    return values


def split_answers(text: str) -> list[str]:
    """The answers between tags; the whole text alone where it is not made of them."""
    pieces = text.split(_ANSWER)
    answers = [piece.partition(_ANSWER_END) for piece in pieces[1:]]
    if not answers or pieces[0].strip() or any(not end or after.strip() for _, end, after in answers):
        return [text]
    return [answer.strip() for answer, _, _ in answers]


def _read_tags(text: str) -> WrittenCalls | None:
    before, *pieces = text.split(OPENING)
    calls: list[dict[str, Any]] = []
    for piece in pieces:
        body, closing, after = piece.partition(CLOSING)
        call = _load_call(body.strip()) if closing and not after.strip() else None
        if call is None:
            return None
        calls.append(call)
    return WrittenCalls(before.strip(), calls)


def _load_call(text: str) -> dict[str, Any] | None:
    """A call from its JSON, or from the Python literal that some data has in place of it."""
    try:
        value = load_json(text)
        if find_repeated_key(text, value):
            return None
    except ValueError:
        value = _load_literal(text)
    if type(value) is not dict or not is_name(value.get("name")) or "\\u0000" in text:
        return None
    # A call in a row holds nothing else.
    return None if any(value[key] is not None for key in value.keys() - _CALL_KEYS) else value


def _load_literal(text: str) -> Any:
    if not text.startswith("{") or len(text) > _LONGEST_LITERAL:
        return None
    try:
        value = ast.literal_eval(text)
        # A set or a number that JSON has not is no argument.
        json.dumps(value, allow_nan=False)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value


def _read_brackets(text: str) -> WrittenCalls | None:
    calls: list[dict[str, Any]] = []
    at = 1
    while found := _NAME.match(text, at, at + _LONGEST_NAME):
        closing = find_closing(text, found.end() - 1, len(text))
        if closing is None:
            return None
        named, positional = read_arguments(text, found.end() - 1, closing, len(text))
        behind = _BEHIND.match(text, closing + 1)
        if positional or not behind:
            return None
        calls.append({"name": found[1], "arguments": named})
        if not behind["more"]:
            return WrittenCalls("", calls)
        at = behind.end()
    return None


def _try_tools(listed: Any) -> tuple[list[dict[str, Any]], set[str]]:
    try:
        tools, names, _ = read_tools(listed, written=True)
    except BadRecord:
        return [], set()
    return tools, names
