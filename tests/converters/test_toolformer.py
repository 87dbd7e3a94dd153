"""The Toolformer converter: any record becomes a row or is refused, and a row's calls are those of its record."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.toolformer import Options, convert
from recipebook.rows import BadRecord
from recipebook.text.inline_calls import find_calls, format_call, insert_calls, remove_calls

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SOME_TEXTS = TEXTS | st.sampled_from(["find caps", "find caps <tool>search(query='a')</tool>", "[F(x=1)] find caps"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | SOME_TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
CALLS = st.fixed_dictionaries(
    {"tool_name": JSON | st.sampled_from(["search", "f"]), "arguments": JSON | st.dictionaries(TEXTS, JSON)},
    optional={"position": JSON, "utility_score": JSON},
)
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "original_text": JSON | SOME_TEXTS,
        "augmented_text": JSON | SOME_TEXTS,
        "tool_calls": JSON | st.lists(JSON | CALLS, max_size=3),
        "quality_score": JSON,
        "language": JSON,
        "text": JSON | TEXTS.map("Input: a Output: {} Reasoning Result: b".format),
    },
)
WORDS = st.lists(st.text("abc", min_size=1, max_size=4), min_size=2, max_size=6)
ARGUMENTS = st.dictionaries(st.text("xyz", min_size=1), st.integers(-(2**63), 2**64) | TEXTS, max_size=2)


@given(RECORDS)
def test_any_record_becomes_one_row_or_is_refused_with_a_reason(record: dict[str, Any]) -> None:
    try:
        (row,) = convert(record, Options())
    except BadRecord as reason:
        assert str(reason)
    else:
        assert [message["role"] for message in row["messages"]] == ["user", "assistant"]
        assert all(type(message["content"]) is str for message in row["messages"])
        assert {type(value) for value in row["meta"].values()} <= {str, int, float}


@given(
    words=WORDS,
    calls=st.lists(st.tuples(st.sampled_from(["search", "filter"]), ARGUMENTS), min_size=1, max_size=3),
    source=st.sampled_from(["tag", "bracket"]),
    target=st.sampled_from(["tag", "bracket"]),
)
def test_calls_keep_their_place_and_arguments_in_either_dialect(
    words: list[str], calls: list[tuple[str, dict[str, Any]]], source: Any, target: Any
) -> None:
    text = " ".join(words)
    positions = [len(words[0])] * len(calls)
    written = [format_call(name, arguments, source) for name, arguments in calls]
    listed = [
        {"tool_name": name.upper(), "arguments": arguments, "position": positions[0]} for name, arguments in calls
    ]
    record = {
        "original_text": text,
        "augmented_text": insert_calls(text, written, positions),
        "tool_calls": listed[::-1],
    }
    (row,) = convert(record, Options(dialect=target))
    for call in listed:
        del call["position"]
    assert convert(record, Options(dialect=target)) == [row]
    answer = row["messages"][1]["content"]
    assert remove_calls(answer) == text
    found = find_calls(answer)
    assert [(call.name, call.position) for call in found] == [(name, positions[0]) for name, _ in calls]
    assert all((call.name, call.arguments) in calls for call in found)
    assert row["meta"]["position_disagrees"] == 0


def test_a_call_in_the_middle_of_a_word_stands_there_in_the_original_text() -> None:
    record = {"original_text": "I am looking  for caps", "augmented_text": "I am look [F()] ing for [G()]caps"}
    (row,) = convert(record, Options())
    assert row["messages"][1]["content"] == "I am look <tool>f()</tool>ing  for <tool>g()</tool> caps"


def test_carriage_returns_become_line_feeds() -> None:
    (row,) = convert({"original_text": "a\r\nb", "augmented_text": "a\r\nb [F()]"}, Options())
    assert [message["content"] for message in row["messages"]] == ["a\nb", "a\nb <tool>f()</tool>"]


@pytest.mark.parametrize(
    ("position", "disagreements"),
    [(4, 0), (5, 0), (4.0, 0), (None, 0), (3, 1), (6, 1), (0, 1), (-1, 1), (9, 1), (99, 1)],
)
def test_a_position_disagrees_unless_only_blanks_lie_between(position: Any, disagreements: int) -> None:
    record = {
        "original_text": "find caps",
        "augmented_text": "find [F()] caps",
        "tool_calls": [{"tool_name": "f", "arguments": {}, "position": position}],
    }
    (row,) = convert(record, Options())
    assert row["meta"]["position_disagrees"] == disagreements


def test_arguments_without_a_written_form_are_refused() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    record = {
        "original_text": "a",
        "augmented_text": "a [F()]",
        "tool_calls": [{"tool_name": "f", "arguments": {"x": deep}}],
    }
    with pytest.raises(BadRecord, match=r"^'arguments' of a call are nested too deeply$"):
        convert(record, Options())


def test_calls_by_the_ten_thousand_take_linear_time() -> None:
    record = {
        "original_text": "a  b",
        "augmented_text": "a " + "[F(x='1')] " * 20_000 + "b",
        "tool_calls": [{"tool_name": "f", "arguments": {"x": str(number)}} for number in range(20_000)],
    }
    start = time.process_time()
    (row,) = convert(record, Options())
    assert time.process_time() - start < 5
    assert row["meta"]["calls"] == 20_000
