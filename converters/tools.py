r"""Tool dialogues: chats in which the assistant calls tools and reads their results.

    {"conversations": [{"from": "human", "value": "Is it raining?"},
                       {"from": "function_call", "value": "{\"name\": \"weather\", \"arguments\": {\"day\": \"now\"}}"},
                       {"from": "observation", "value": "no"}, {"from": "gpt", "value": "It is dry."}],
     "tools": "[{\"name\": \"weather\", \"parameters\": {…}}]"}

or OpenAI's messages with `tool_calls`, their arguments as an object or a string, and the role `tool`. Out:

    {"messages": [{"role": "user", "content": "Is it raining?"},
                  {"role": "assistant", "content": "", "tool_calls": [{"id": "call_0", "type": "function",
                   "function": {"name": "weather", "arguments": "{\"day\": \"now\"}"}}]},
                  {"role": "tool", "content": "no", "tool_call_id": "call_0"},
                  {"role": "assistant", "content": "It is dry."}],
     "tools": [{"type": "function", "function": {"name": "weather", "parameters": {…}}}],
     "meta": {"calls": 1, "tool": "weather"}}

A call right after the assistant's words or another call belongs to the same turn. `meta.tool` is the first tool that
is called, or `none`. Unanswered turns at the end are dropped; `meta.dropped` counts them. In tools and arguments that
are objects, and no strings, a null is no field, since Arrow gives every object the fields of all others.
"""

import json
from functools import lru_cache
from typing import Any

import orjson

from converters._fields import take_any_text, take_text
from converters._turns import (
    METADATA,
    OPENAI,
    ROLES,
    SHAREGPT,
    Shape,
    add_extras,
    add_system,
    check_marks,
    declare_turns,
    drop_unanswered,
    find_turns,
    take_metadata,
    take_role,
)
from recipebook.data.fields import PART_HARMLESS, RECORD_HARMLESS, Fields, Shapes, Written
from recipebook.frozen import Frozen
from recipebook.records import drop_nulls, name_kind
from recipebook.rows import BadRecord, Message, Row

WANTS = "'messages' or 'conversations' with 'tools' or calls of tools"
SPECIAL_CASE_OF = ("chat",)

_ROLES = {**ROLES, "function_call": "call", "tool": "tool", "function": "tool", "observation": "tool"}
# Values read from JSON hold no circle, and looking for one takes half of the time.
_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode
_CALLS = frozenset(("tool_calls", "function_call"))
_MARK_AND_CALLS = frozenset(("role", "content", "tool_calls", "train"))
# Most data has a few lists of tools, each many times over.
_TOOL_LISTS = 16


class Options(Frozen):
    """What a recipe may set."""

    system: str | None = None
    """A system prompt for dialogues that have none; null: no system turn. Set it to the prompt of later use."""


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by its list of tools, or by a turn that calls one."""
    for field, speaker, _ in (OPENAI, SHAREGPT):
        turns = record.get(field)
        if type(turns) is not list or not turns or type(turns[0]) is not dict or speaker not in turns[0]:
            continue
        if type(record.get("tools")) in (str, list):
            return f"have '{field}' and 'tools'"
        for turn in turns:
            if type(turn) is dict and (turn.get("tool_calls") or turn.get(speaker) in ("function_call", "tool")):
                return f"have '{field}' with calls of tools"
    return None


_FUNCTION = Fields("call", {"name": None, "arguments": None}, PART_HARMLESS | {"type"})
_CALL = _FUNCTION.extend({"id": None})
_WRAPPED = Fields("call", {"function": _FUNCTION, "id": None}, PART_HARMLESS | {"type"})
_EITHER_CALL = Shapes(lambda call: _WRAPPED if "function" in call else _CALL, (_WRAPPED, _CALL))
_WRAPPED_TOOL = Fields("tool", {"function": None, "type": None}, PART_HARMLESS)
# A tool that is not wrapped goes into the row as it is.
TOOLS = Written(Shapes(lambda tool: _WRAPPED_TOOL if "function" in tool else None, (_WRAPPED_TOOL,)))


def _declare_record(shape: Shape) -> Fields:
    turns = declare_turns(
        shape,
        _ROLES,
        assistant={"tool_calls": _EITHER_CALL, "function_call": _FUNCTION},
        call={shape.said: Written(_FUNCTION)},
        tool={"tool_call_id": None},
    )
    read = {shape.field: turns, "tools": TOOLS, "system": None, **METADATA}
    return Fields("record", read, RECORD_HARMLESS)


_RECORDS = {shape.field: _declare_record(shape) for shape in (OPENAI, SHAREGPT)}
FIELDS = Shapes(
    lambda record: next(fields for field, fields in _RECORDS.items() if record.get(field) is not None),
    _RECORDS.values(),
)


def convert(record: dict[str, Any], options: Options) -> list[Row]:
    """The record's one dialogue."""
    turns = find_turns(record)
    if turns is None:
        raise BadRecord("has neither 'messages' nor 'conversations'")
    tools, names = read_tools(record.get("tools"))
    messages, called = read_tool_turns(*turns)
    add_system(messages, record, options.system)
    dropped = drop_unanswered(messages, _list_roles(messages))
    check_marks(messages)
    if tools and not names.issuperset(called):
        raise BadRecord("calls a tool that 'tools' does not list")
    meta = take_metadata(record)
    meta["calls"], meta["tool"] = len(called), called[0] if called else "none"
    if dropped:
        meta["dropped"] = dropped
    if tools:
        return [{"messages": messages, "tools": tools, "meta": meta}]
    return [{"messages": messages, "meta": meta}]


def read_tools(listed: Any) -> tuple[list[dict[str, Any]], set[str]]:
    """The tools of a record and their names."""
    return _read_written_tools(listed) if type(listed) is str else _check_tools(listed)


@lru_cache(_TOOL_LISTS)
def _read_written_tools(text: str) -> tuple[list[dict[str, Any]], set[str]]:
    return _check_tools(_parse(text, "'tools'") if text and not text.isspace() else None)


def _check_tools(listed: Any) -> tuple[list[dict[str, Any]], set[str]]:
    if listed is None:
        return [], set()
    if type(listed) is not list:
        raise BadRecord(f"'tools' is {name_kind(listed)}, not a list")
    tools: list[dict[str, Any]] = []
    for tool in listed:
        function = tool.get("function", tool) if type(tool) is dict else None
        if type(function) is not dict or not _is_name(function.get("name")):
            raise BadRecord("an item of 'tools' has no 'name'")
        tools.append({"type": "function", "function": _drop_written_nulls(function)})
    return tools, {tool["function"]["name"] for tool in tools}


def _drop_written_nulls(function: dict[str, Any]) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = drop_nulls(function) if b"null" in orjson.dumps(function) else function
    except (RecursionError, orjson.JSONEncodeError):
        raise BadRecord("an item of 'tools' is nested too deeply") from None
    return kept


def read_tool_turns(listed: list[Any], shape: Shape) -> tuple[list[Message], list[str]]:
    """The messages, and the names of the tools that they call, in their order."""
    _, speaker, said = shape
    messages: list[Message] = []
    called: list[str] = []
    # The ids of the calls that no tool has answered yet, in their order.
    waiting: list[str] = []
    for turn in listed:
        try:
            role = _ROLES[turn[speaker]]
        except (KeyError, TypeError):
            role = take_role(turn, shape, _ROLES)
        # A turn with only its speaker and its text calls nothing.
        may_call = role == "call" or len(turn) > 2 or said not in turn
        message: Message
        if role == "tool":
            text = take_any_text(turn, said, shape.place)
            message = {"role": role, "content": text, "tool_call_id": _answer(turn, waiting)}
        elif may_call and (calls := _read_calls(turn, role, said, len(called))):
            for call in calls:
                if call["id"] in waiting:
                    raise BadRecord("two calls have the same 'id'")
                called.append(call["function"]["name"])
                waiting.append(call["id"])
            text = "" if role == "call" or turn.get(said) is None else take_any_text(turn, said, shape.place)
            message = {"role": "assistant", "content": text, "tool_calls": calls}
        else:
            text = turn.get(said)
            if type(text) is not str or not text or text.isspace() or "\r" in text:
                text = take_text(turn, said, shape.place)
            message = {"role": role, "content": text}
        if len(turn) > 2:
            add_extras(message, turn, shape)
        if not _join_calls(messages, message):
            messages.append(message)
    return messages, called


def _list_roles(messages: list[Message]) -> tuple[str, ...]:
    return tuple(["call" if "tool_calls" in message else message["role"] for message in messages])


def _join_calls(messages: list[Message], message: Message) -> bool:
    """Whether the message has nothing but calls, which belong to the assistant's last message, and were added to it."""
    last = messages[-1] if messages else None
    if not last or last["role"] != "assistant" or message["content"] or "tool_calls" not in message:
        return False
    if _MARK_AND_CALLS.issuperset(message) and last.get("train") == message.get("train"):
        last["tool_calls"] = last.get("tool_calls", []) + message["tool_calls"]
        return True
    return False


def _answer(turn: dict[str, Any], waiting: list[str]) -> str:
    """The id of the call that a tool's turn answers: the one that the turn names, or the first that is unanswered."""
    named = turn.get("tool_call_id")
    if not waiting or (named is not None and named not in waiting):
        raise BadRecord("a tool answers a call that was not made")
    return waiting.pop(0 if named is None else waiting.index(named))


def _read_calls(turn: dict[str, Any], role: str, said: str, made: int) -> list[dict[str, Any]]:
    """The calls of a turn, numbered from those that were made before it."""
    if role == "call":
        value = _parse(take_text(turn, said, " of a call"), "a call")
        if type(value) is not list:
            return [_make_call(value, None, made)]
        if not value:
            raise BadRecord("a call is empty")
        return [_make_call(function, None, at) for at, function in enumerate(value, made)]
    if _CALLS.isdisjoint(turn):
        return []
    listed: Any = turn.get("tool_calls")
    if listed is None and turn.get("function_call") is not None:
        listed = [turn["function_call"]]
    if not listed:
        return []
    if type(listed) is not list:
        raise BadRecord(f"'tool_calls' is {name_kind(listed)}, not a list")
    if role != "assistant":
        raise BadRecord(f"a turn of the {role} calls a tool")
    calls = []
    for at, call in enumerate(listed, made):
        if type(call) is not dict:
            raise BadRecord(f"an item of 'tool_calls' is {name_kind(call)}, not an object")
        calls.append(_make_call(call.get("function", call), call.get("id"), at))
    return calls


def _make_call(function: Any, named: Any, at: int) -> dict[str, Any]:
    name = function.get("name") if type(function) is dict else None
    if not _is_name(name):
        raise BadRecord("a call has no 'name'")
    if named is not None and not _is_name(named):
        raise BadRecord("the 'id' of a call is not a string that can be printed")
    return {
        "id": f"call_{at}" if named is None else named,
        "type": "function",
        "function": {"name": name, "arguments": _format_arguments(function.get("arguments"))},
    }


def _format_arguments(given: Any) -> str:
    """The arguments as a string, unchanged if they are a string already."""
    value = _parse(given, "'arguments' of a call") if type(given) is str and given else given
    if type(value) is not dict:
        if value is None or value == "":
            return "{}"
        raise BadRecord(f"'arguments' of a call is {name_kind(value)}, not an object")
    if type(given) is str:
        return given
    try:
        written = _encode(value)
        return _encode(drop_nulls(value)) if "null" in written else written
    except RecursionError:
        raise BadRecord("'arguments' of a call are nested too deeply") from None


def _parse(text: str, what: str) -> Any:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadRecord(f"{what} is not JSON") from None
    # An escaped NUL inside this string was not found when the record was read.
    if "\\u0000" in text:
        raise BadRecord(f"{what} holds a NUL character")
    return value


def _is_name(value: Any) -> bool:
    return type(value) is str and value != "" and value.isprintable()
