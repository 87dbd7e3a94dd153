r"""Conversations in ShareGPT's turns, tool calls and their answers among them.

    {"conversations": [{"from": "human", "value": "Is it raining?"},
                       {"from": "function_call", "value": "{\"name\": \"weather\", \"arguments\": {\"day\": \"now\"}}"},
                       {"from": "observation", "value": "no"}, {"from": "gpt", "value": "It is dry."}],
     "tools": "[{\"name\": \"weather\", …}]", "metadata": {"calls": 1}}

`tools` is a JSON string of what OpenAI's tool objects hold under `function`. A turn is a text or a call: a turn with
both, or with several calls, is refused. The ids of calls are left out; each answer follows its call.
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
    turns = [_make_turn(message) for message in row["messages"]]
    tools = {"tools": json.dumps([_take_function(tool) for tool in row["tools"]])} if "tools" in row else {}
    return {"conversations": turns, **tools, **take_metadata(row)}


def _make_turn(message: Message) -> dict[str, Any]:
    """A turn, with what its message has beside its text: a name, what the assistant thought, `weight: 0`."""
    extras = {key: value for key, value in write_mark(message).items() if key not in _WRITTEN}
    return {**_make_plain_turn(message), **extras}


def _make_plain_turn(message: Message) -> dict[str, str]:
    if message["role"] not in SPEAKERS:
        raise BadRecord("has a role that the form does not know")
    calls = message.get("tool_calls")
    if not calls:
        return {"from": SPEAKERS[message["role"]], "value": message["content"]}
    if message["content"] or len(calls) > 1:
        raise BadRecord("has a turn of both text and call" if message["content"] else "has a turn of several calls")
    return {"from": "function_call", "value": json.dumps(_take_call(calls[0]))}


def _take_call(call: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"name": call["function"]["name"], "arguments": json.loads(call["function"]["arguments"])}
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise BadRecord("has a call that is not OpenAI's") from error


def _take_function(tool: Any) -> dict[str, Any]:
    if not isinstance(tool, dict) or tool.keys() != {"type", "function"} or tool["type"] != "function":
        raise BadRecord("has a tool that is not an OpenAI function")
    function: dict[str, Any] = tool["function"]
    return function
