"""The tools converter: calls and answers paired by id, in OpenAI's shape, whatever form they came in."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.tools import FIELDS, Options, convert, recognise
from recipebook.data.export import find_export
from recipebook.rows import BadRecord

WORDS = st.sampled_from(["", " ", "a", "a\r\n", "[]", "{}", "[{", '{"name": "a"}', '{"name": "a", "arguments": "{}"}'])
KEYS = ["role", "content", "from", "value", "tool_calls", "function_call", "tool_call_id", "function", "name", "id"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*KEYS, "arguments"]), inner, max_size=3),
    max_leaves=4,
)
ROLES = ["user", "human", "assistant", "gpt", "system", "function_call", "observation", "tool", "function"]
TURN = st.fixed_dictionaries({"from": st.sampled_from(ROLES), "value": WORDS}) | st.fixed_dictionaries(
    {"role": st.sampled_from(ROLES), "content": WORDS | JSON},
    optional=dict.fromkeys(("tool_calls", "function_call", "tool_call_id"), JSON),
)
RECORD = st.dictionaries(
    st.sampled_from(["messages", "conversations", "tools", "system", "metadata"]),
    st.lists(TURN, max_size=5) | st.lists(TURN | JSON, max_size=3) | JSON,
    max_size=4,
)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
ARGUMENTS = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT, max_size=3)


@given(record=RECORD)
def test_any_record_gives_one_row_of_paired_calls_or_a_reason(record: dict[str, Any]) -> None:
    try:
        (row,) = convert(record, Options())
    except BadRecord as reason:
        assert str(reason)
        return
    calls = [call for message in row["messages"] for call in message.get("tool_calls", ())]
    assert all(type(json.loads(call["function"]["arguments"])) is dict for call in calls)
    assert {message["tool_call_id"] for message in row["messages"] if message["role"] == "tool"} <= {
        call["id"] for call in calls
    }
    assert row["messages"][-1]["role"] == "assistant" and row["meta"]["calls"] == len(calls)
    assert all(type(message["content"]) is str for message in row["messages"])


@given(arguments=st.lists(ARGUMENTS, min_size=1, max_size=3), form=st.sampled_from(["openai", "sharegpt"]))
def test_a_dialogue_that_is_exported_comes_back(arguments: list[dict[str, Any]], form: str) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Is it raining?"}]
    for at, given_ in enumerate(arguments):
        function = {"name": "weather", "arguments": json.dumps(given_, ensure_ascii=False)}
        call = {"id": f"call_{at}", "type": "function", "function": function}
        messages += [
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "content": "no", "tool_call_id": f"call_{at}"},
        ]
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    row: Any = {
        "messages": [*messages, {"role": "assistant", "content": "It is dry."}],
        "tools": tools,
        "meta": {"calls": len(arguments), "tool": "weather"},
    }
    assert convert(find_export(form)(row), Options()) == [row]


@pytest.mark.parametrize("depth", [900, 1020, 100_000])
def test_arguments_by_the_thousand_deep_are_kept_or_a_bad_record(depth: int) -> None:
    arguments = '{"a": ' * depth + "1" + "}" * depth
    turns = [
        {"from": "human", "value": "hi"},
        {"from": "function_call", "value": '{"name": "a", "arguments": ' + arguments + "}"},
    ]
    try:
        (row,) = convert({"conversations": turns}, Options())
    except BadRecord as reason:
        assert str(reason) in ("a call is not JSON", "'arguments' of a call are nested too deeply")
        return
    assert row["messages"][1]["tool_calls"][0]["function"]["arguments"] == arguments


def test_dialogues_are_known_by_their_tools_or_a_call() -> None:
    turn = {"from": "human", "value": "hi"}
    assert recognise({"conversations": [turn], "tools": "[]"}) == "have 'conversations' and 'tools'"
    assert recognise({"conversations": [turn, {"from": "function_call", "value": "{}"}]}) == (
        "have 'conversations' with calls of tools"
    )
    assert recognise({"messages": [{"role": "assistant", "tool_calls": [{}]}]}) == "have 'messages' with calls of tools"
    assert recognise({"conversations": [turn], "tools": None}) is None


def test_a_user_may_speak_right_after_a_tool() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    said: list[dict[str, Any]] = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "ipython", "content": "sun", "tool_call_id": "a"},
        {"role": "user", "content": "and?"},
        {"role": "assistant", "content": "Sunny."},
    ]
    (row,) = convert({"messages": said}, Options())
    assert row["messages"] == [*said[:2], {**said[2], "role": "tool"}, *said[3:]]


def test_what_a_tool_has_that_is_written_as_json_in_a_list_is_counted() -> None:
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello!"}]
    tool = '{"type": "function", "function": {"name": "weather"}, "strict": true}'
    found: list[Any] = []
    FIELDS.find({"messages": turns, "tools": [tool]}, found)
    assert found == [("tool", "strict", True)]
