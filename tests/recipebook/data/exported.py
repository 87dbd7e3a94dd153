"""Rows that the tests of exports write."""

from typing import Any

from recipebook.rows import Row

CHAT: Row = {
    "messages": [{"role": "user", "content": "stop"}, {"role": "assistant", "content": "hält — at once"}],
    "meta": {"category": "safety", "origin": "x.jsonl#1"},
}
CALL = {"id": "call_0", "type": "function", "function": {"name": "weather", "arguments": '{"day": "now", "n": 1.0}'}}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
DIALOGUE: Any = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Is it raining?"},
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "content": "no", "tool_call_id": "call_0"},
        {"role": "assistant", "content": "It is dry."},
    ],
    "tools": [TOOL],
    "meta": {"origin": "x.jsonl#2"},
}


def with_calls(**more: Any) -> Any:
    message = {"role": "assistant", "content": "", "tool_calls": [CALL], **more}
    return {"messages": [{"role": "user", "content": "a"}, message], "meta": {}}
