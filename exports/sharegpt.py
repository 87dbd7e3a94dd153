r"""Conversations in ShareGPT's turns, tool calls and their answers among them.

    {"conversations": [{"from": "human", "value": "Is it raining?"},
                       {"from": "function_call", "value": "{\"name\": \"weather\", \"arguments\": {\"day\": \"now\"}}"},
                       {"from": "observation", "value": "no"}, {"from": "gpt", "value": "It is dry."}],
     "tools": "[{\"name\": \"weather\", …}]", "metadata": {"calls": 1}}

`tools` is a JSON string of what OpenAI's tool objects hold under `function`. A turn is a text or a call: a turn with
both, or with several calls, is refused. A call has its `id` where that is not its number; each answer follows its call.
Arguments are written as JSON usually is, so that blanks between them may change, and no value does.
"""

import json
from typing import Any

from recipebook.data.export import refuse_preference, take_metadata, write_mark
from recipebook.rows import BadRecord, Message, Row

SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}
_WRITTEN = ("role", "content", "tool_calls", "tool_call_id")


def export(row: Row) -> dict[str, Any]:
    """Write one row; a row with content that the form cannot hold is refused."""
    refuse_preference(row)
    turns, made = list[dict[str, Any]](), 0
    for message, before in zip(row["messages"], [None, *row["messages"]], strict=False):
        if message["role"] == "tool":
            _require_call(message, before)
        turns.append(_make_turn(message, made))
        made += len(message.get("tool_calls", ()))
    tools = {"tools": json.dumps([_take_function(tool) for tool in row["tools"]])} if "tools" in row else {}
    return {"conversations": turns, **tools, **take_metadata(row)}


def _require_call(answer: Message, before: Message | None) -> None:
    """Make sure that a tool answers the one call right before it, since the form pairs them by their order."""
    calls = before.get("tool_calls", ()) if before else ()
    if not calls or answer.get("tool_call_id", calls[0]["id"]) != calls[0]["id"]:
        raise BadRecord("has an answer of a tool that does not follow its call")


def _make_turn(message: Message, made: int) -> dict[str, Any]:
    """A turn after `made` calls, with what its message has beside its text: a name, a thought, `weight: 0`."""
    extras = {key: value for key, value in write_mark(message).items() if key not in _WRITTEN}
    return {**_make_plain_turn(message, made), **extras}


def _make_plain_turn(message: Message, made: int) -> dict[str, str]:
    if message["role"] not in SPEAKERS:
        raise BadRecord("has a role that the form does not know")
    calls = message.get("tool_calls")
    if not calls:
        return {"from": SPEAKERS[message["role"]], "value": message["content"]}
    if message["content"] or len(calls) > 1:
        raise BadRecord("has a turn of both text and call" if message["content"] else "has a turn of several calls")
    return {"from": "function_call", "value": json.dumps(_take_call(calls[0], made))}


def _take_call(call: dict[str, Any], made: int) -> dict[str, Any]:
    try:
        named = {} if call["id"] == f"call_{made}" else {"id": call["id"]}
        function = call["function"]
        return {**named, "name": function["name"], "arguments": json.loads(function["arguments"])}
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise BadRecord("has a call that is not OpenAI's") from error


def _take_function(tool: Any) -> dict[str, Any]:
    if not isinstance(tool, dict) or tool.keys() != {"type", "function"} or tool["type"] != "function":
        raise BadRecord("has a tool that is not an OpenAI function")
    function: dict[str, Any] = tool["function"]
    return function
