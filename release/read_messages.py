"""The messages and tools of a request in OpenAI's form in; messages as rows have them out.

    [{"role": "developer", "content": [{"type": "text", "text": "Be kind."}]}]
    → [{"role": "system", "content": "Be kind."}]

What the model would not read is refused with its place, and not left out: `messages[1].tool_calls[0]: …`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from recipebook.errors import UserError
from recipebook.rows import Message
from recipebook.suggestions import shorten
from recipebook.text.chat import KEYS

ROLES = ("system", "developer", "user", "assistant", "tool")
TEXTS = ("reasoning_content", "tool_call_id", "name")


def read_messages(messages: Sequence[Mapping[str, Any]]) -> list[Message]:
    """The messages as rows have them."""
    return [_read_message(f"messages[{at}]", message) for at, message in enumerate(messages)]


def check_tools(tools: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a tool that templates cannot name."""
    for at, tool in enumerate(tools):
        function = tool.get("function")
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise UserError(f"tools[{at}]: no function with a name")
        _refuse_broken_characters(f"tools[{at}]", json.dumps(tool, ensure_ascii=False))


def _read_message(place: str, message: Mapping[str, Any]) -> Message:
    if message.get("role") not in ROLES:
        raise UserError(f"{place}: its role is {shorten(repr(message.get('role')))}; roles are {', '.join(ROLES)}")
    given = {key: value for key, value in message.items() if value not in (None, [], {}, "")}
    if unread := [key for key in given if key not in KEYS]:
        raise UserError(f"{place}: the model does not read '{shorten(unread[0])}'")
    for key in TEXTS:
        if not isinstance(given.get(key, ""), str):
            raise UserError(f"{place}.{key}: not a text")
    _check_calls(f"{place}.tool_calls", given.get("tool_calls", []))
    content = _read_content(place, message.get("content"))
    _refuse_broken_characters(place, json.dumps({**given, "content": content}, ensure_ascii=False))
    role = "system" if given["role"] == "developer" else given["role"]
    return cast(Message, {**given, "role": role, "content": content})


def _read_content(place: str, content: Any) -> str:
    """The text of a message, which may come in parts."""
    if content is None or isinstance(content, str):
        return content or ""
    parts = content if isinstance(content, list) else [content]
    if not all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in parts):
        raise UserError(f"{place}: its content is no text, and this model reads nothing else")
    return "".join(part["text"] for part in parts)


def _check_calls(place: str, calls: Any) -> None:
    if not isinstance(calls, list):
        raise UserError(f"{place}: not a list of calls")
    for at, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise UserError(f"{place}[{at}]: no function with a name")
        if not _are_arguments(function.get("arguments")):
            raise UserError(f"{place}[{at}]: its arguments are not an object in JSON")


def _are_arguments(arguments: Any) -> bool:
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            return False
    return isinstance(arguments, dict)


def _refuse_broken_characters(place: str, text: str) -> None:
    """Refuse half a character of UTF-16, as JSON may have it: neither a tokenizer nor the log takes it."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{place}: {text[error.start : error.end]!r} is no character") from None
