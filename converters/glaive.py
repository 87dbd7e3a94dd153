r"""Glaive's raw dialogues with calls of functions: a system prompt and a whole chat, each in one text.

    {"system": "SYSTEM: You have these functions -\n{\"name\": \"weather\", \"parameters\": {…}}",
     "chat": "USER: Rain?\n\n\nASSISTANT: <functioncall> {\"name\": \"weather\", \"arguments\": '{\"day\": \"now\"}'}
              <|endoftext|>\n\n\nFUNCTION RESPONSE: no\n\n\nASSISTANT: It is dry. <|endoftext|>"}

Out: the row that the converter tools makes of the same dialogue:

    {"messages": [{"role": "system", "content": "You have these functions -\n{\"name\": …}"},
                  {"role": "user", "content": "Rain?"},
                  {"role": "assistant", "content": "", "tool_calls": [{"id": "call_0", "type": "function",
                   "function": {"name": "weather", "arguments": "{\"day\": \"now\"}"}}]},
                  {"role": "tool", "content": "no", "tool_call_id": "call_0"},
                  {"role": "assistant", "content": "It is dry."}],
     "tools": [{"type": "function", "function": {"name": "weather", "parameters": {…}}}],
     "meta": {"calls": 1, "tool": "weather"}}

The functions that stand in the system prompt become `tools`, and the prompt stays as it is.
"""

import json
import re
from typing import Any

from converters import tools
from converters._calls import parse
from converters._fields import take_any_text, take_text
from converters._written_calls import load_values
from recipebook.data.field_values import TEXT
from recipebook.data.fields import RECORD_HARMLESS, Fields
from recipebook.rows import BadRecord, Row

WANTS = "'chat', a text with 'USER:' and 'ASSISTANT:'"
NOTES = tools.NOTES
FIELDS = Fields("record", {"system": TEXT, "chat": TEXT}, RECORD_HARMLESS)
Options = tools.Options

_ROLES = {"USER": "user", "ASSISTANT": "assistant", "FUNCTION RESPONSE": "tool"}
_TURN = re.compile(r"(?:\A|\n\n)\s*+(USER|ASSISTANT|FUNCTION RESPONSE):")
_CALL, _END = "<functioncall>", "<|endoftext|>"
# The arguments are JSON in single quotes, which is no JSON.
_QUOTED = re.compile(
    r"""\{\s*+"name":\s*+(?P<name>"[^"]*+"),\s*+"arguments":\s*+'(?P<arguments>.*)'\s*+\}""", re.DOTALL
)
_MOST_TOOLS = 1000


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by the names of the speakers in its text."""
    chat = record.get("chat")
    if type(chat) is str and _TURN.match(chat) and "ASSISTANT:" in chat:
        return "have 'chat' with 'USER:' and 'ASSISTANT:'"
    return None


def convert(record: dict[str, Any], options: tools.Options) -> list[Row]:
    """The record's one dialogue."""
    dialogue: dict[str, Any] = {"messages": _split_turns(take_text(record, "chat"))}
    if record.get("system") is not None:
        system = take_any_text(record, "system").removeprefix("SYSTEM:").strip()
        dialogue["system"] = system or None
        dialogue["tools"] = _find_tools(system)
    return tools.convert(dialogue, options)


def _find_tools(system: str) -> str | None:
    """The functions that a system prompt lists one behind the other, as JSON; None where it lists none."""
    start = system.find("{")
    values = load_values(system, start, _MOST_TOOLS) if start >= 0 else []
    return json.dumps(values) if values else None


def _split_turns(chat: str) -> list[dict[str, Any]]:
    before, *pieces = _TURN.split(chat)
    if before.strip() or not pieces:
        raise BadRecord("'chat' does not begin with 'USER:' or 'ASSISTANT:'")
    return [_read_turn(_ROLES[speaker], said) for speaker, said in zip(pieces[::2], pieces[1::2], strict=True)]


def _read_turn(role: str, said: str) -> dict[str, Any]:
    text = said.strip().removesuffix(_END).strip()
    if _END in text:
        raise BadRecord(f"'chat' has {_END} within a turn")
    if role != "assistant":
        return {"role": role, "content": text}
    content, *calls = text.split(_CALL)
    if not calls:
        return {"role": role, "content": text}
    return {"role": role, "content": content.strip(), "tool_calls": [_read_call(call.strip()) for call in calls]}


def _read_call(text: str) -> Any:
    """A call, its arguments as text if they were in quotes."""
    if quoted := _QUOTED.fullmatch(text):
        arguments = quoted["arguments"].replace("\\'", "'")
        return {"name": parse(quoted["name"], "the name of a call"), "arguments": arguments}
    return parse(text, "a call")
