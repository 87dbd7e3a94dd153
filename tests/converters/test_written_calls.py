"""Calls written in a text: what is written comes back, whatever stands in it; any text is read in one pass."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters._written_calls import find_written_tools, read_written_calls, split_answers
from converters.tools import Options, convert, recognise
from recipebook.text.call_arguments import format_arguments

NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,4}(\.[A-Za-z_][A-Za-z0-9_]{0,4}){0,2}", fullmatch=True)
KEY = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
TEXT = st.text(st.sampled_from("ab'\"[](){}<>,=\\ \n"), max_size=8)
VALUE = TEXT | st.integers() | st.booleans() | st.none() | st.lists(TEXT, max_size=2)
ARGUMENTS = st.dictionaries(KEY, VALUE, max_size=3)
CALLS = st.lists(st.fixed_dictionaries({"name": NAME, "arguments": ARGUMENTS}), min_size=1, max_size=3)


@given(calls=CALLS)
def test_calls_between_tags_come_back(calls: list[dict[str, Any]]) -> None:
    text = "I look.\n" + "\n".join(f"<tool_call>\n{json.dumps(call)}\n</tool_call>" for call in calls)
    assert read_written_calls(text) == ("I look.", calls)


@given(calls=CALLS)
def test_calls_between_brackets_come_back(calls: list[dict[str, Any]]) -> None:
    text = ", ".join(f"{call['name']}({format_arguments(call['arguments'])})" for call in calls)
    assert read_written_calls(f"[{text}]") == ("", calls)


PIECE = st.sampled_from(["<tool_call>", "</tool_call>", "[", "]", "f(", ")", ",", "{", "}", "'", "a=", "a"])


@given(pieces=st.lists(PIECE))
def test_any_text_is_read_or_not(pieces: list[str]) -> None:
    found = read_written_calls("".join(pieces))
    assert found is None or all(type(call["name"]) is str for call in found.calls)


def test_answers_stand_between_tags_or_are_the_whole_text() -> None:
    answers = "<tool_response>\n1\n</tool_response>\n<tool_response>2</tool_response>"
    assert split_answers(answers) == ["1", "2"]
    for text in ("1", "So: <tool_response>1</tool_response>", "<tool_response>1", "<tool_response>1</tool_response>."):
        assert split_answers(text) == [text]


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name": "weather"}</tool_call> Done.',
        '<tool_call>{"name": "weather"}',
        "<tool_call>weather()</tool_call>",
        '[weather("Oslo")]',
        "[weather(city='Oslo'), see above]",
        "[weather(city='Oslo', city='Bergen')]",
        '[weather({"city": "Oslo", "city": "Bergen"})]',
        '<tool_call>{"name": "weather", "thought": "Oslo?"}</tool_call>',
        '<tool_call>{"name": "weather", "name": "tide"}</tool_call>',
        "[see (above)]",
        "[1, 2]",
    ],
)
def test_a_text_that_is_not_all_calls_holds_none(text: str) -> None:
    assert read_written_calls(text) is None


def test_names_may_have_blanks_as_those_of_public_apis() -> None:
    found = read_written_calls('[Market Trends API(trend_type="MARKET_INDEXES", country="us")]')
    assert found and found.calls == [
        {"name": "Market Trends API", "arguments": {"trend_type": "MARKET_INDEXES", "country": "us"}}
    ]


def test_megabytes_of_openings_take_one_pass() -> None:
    for text in ("<tool_call>" * 100_000, "</tool_call><tool_call>" * 50_000, "[" + "f(a='[" * 100_000 + "]"):
        assert read_written_calls(text) is None
    assert find_written_tools("<tools>[" * 100_000) == ([], set())
    assert find_written_tools("[{" * 100_000) == ([], set())


def test_tools_are_found_in_system_prompts() -> None:
    tool = {"name": "weather", "parameters": {"type": "object"}}
    listed = ([{"type": "function", "function": tool}], {"weather"})
    written = json.dumps(tool)
    for prompt in (
        f"within <tools></tools> tags: <tools>\n[{written}]\n</tools>",
        f'<tools>\n{{"type": "function", "function": {written}}}\n</tools>',
        f"Here is a list of functions: [{written}]. Put it in the format [f(a=1)].",
    ):
        assert find_written_tools(prompt) == listed
    assert find_written_tools("Be brief. [1, {}]") == ([], set())


def test_calls_in_texts_are_known_by_their_tags() -> None:
    ask = {"from": "human", "value": "Rain?"}
    told = {"from": "gpt", "value": '<tool_call>{"name": "weather"}</tool_call>'}
    assert recognise({"conversations": [ask, told]}) == "have 'conversations' with tools in their texts"
    (row,) = convert({"conversations": [ask, told]}, Options())
    assert row["meta"] == {"calls": 0, "tool": "none", "calls_in_text": 1}


def test_a_null_beside_a_call_is_nothing() -> None:
    text = '<tool_call>{"name": "weather", "id": "a", "thought": null, "arguments": {}}</tool_call>'
    assert read_written_calls(text) == ("", [{"name": "weather", "id": "a", "thought": None, "arguments": {}}])
