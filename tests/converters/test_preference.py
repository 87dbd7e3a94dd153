"""The preference converter: any record becomes one pair or is refused, and a threshold means what its formula says."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.preference import FIELDS, Options, convert, recognise
from recipebook.data.field_values import Unread
from recipebook.rows import BadRecord
from recipebook.text.inline_calls import find_calls

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=9) | st.sampled_from(["hi", "search", "f(x=1)"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
ROLES = st.sampled_from(["user", "assistant", "system", "human", "gpt"])
MESSAGES = st.fixed_dictionaries({"role": ROLES | JSON, "content": TEXTS | JSON}) | st.fixed_dictionaries(
    {"from": ROLES | JSON, "value": TEXTS | JSON}
)
ANSWERS = JSON | MESSAGES | st.lists(MESSAGES, max_size=3)
CALLS = st.fixed_dictionaries({"tool_name": TEXTS | JSON, "arguments": JSON | st.dictionaries(TEXTS, JSON)})
SEQUENCES = JSON | st.lists(TEXTS | CALLS | st.fixed_dictionaries({"tool_call": CALLS | JSON}), max_size=3)
RESPONSES = JSON | st.fixed_dictionaries({"tool_sequence": SEQUENCES}, optional={"quality_score": st.floats() | JSON})
METADATA = JSON | st.dictionaries(st.sampled_from(["category", "type", "chosen_score", "rejected_score"]), JSON)
RECORDS = (
    st.fixed_dictionaries(
        {"input": JSON, "chosen_response": RESPONSES, "rejected_response": RESPONSES}, optional={"metadata": METADATA}
    )
    | st.fixed_dictionaries(
        {"context": JSON, "chosen_trajectory": SEQUENCES, "rejected_trajectory": SEQUENCES},
        optional={"preference_score": JSON, "metadata": METADATA},
    )
    | st.fixed_dictionaries(
        {"chosen": ANSWERS, "rejected": ANSWERS},
        optional={
            **dict.fromkeys(("prompt", "conversations", "messages", "instruction", "input", "history"), ANSWERS),
            **dict.fromkeys(("system", "tools"), JSON),
            **dict.fromkeys(("metadata", "meta"), METADATA),
        },
    )
    | st.fixed_dictionaries(
        {"label": st.booleans() | JSON},
        optional={
            **dict.fromkeys(("prompt", "messages", "conversations", "completion", "output", "answer"), ANSWERS),
            **dict.fromkeys(("system", "tools", "kto_tag"), JSON),
            "meta": METADATA,
        },
    )
)


# The machine may be busy: what is tested is no matter of milliseconds.
@settings(deadline=None)
@given(RECORDS)
def test_any_record_becomes_one_preference_or_is_refused_with_a_reason(record: dict[str, Any]) -> None:
    try:
        (row,) = convert(record, Options())
    except BadRecord as reason:
        assert str(reason)
    else:
        fields: dict[str, Any] = {**row}
        answers = [fields[name] for name in ("chosen", "rejected", "answer") if name in fields]
        assert all(type(turn["content"]) is str and turn["content"].strip() for turn in [*row["messages"], *answers])
        assert any(turn["role"] == "user" for turn in row["messages"])
        assert {answer["role"] for answer in answers} == {"assistant"}
        assert len(answers) == (1 if "label" in row else 2)
        assert answers[0] != answers[-1] or type(row["label"]) is bool
        assert {type(value) for value in row["meta"].values()} <= {str, int, float}


@settings(deadline=None)
@given(calls=st.lists(st.tuples(st.sampled_from(["search", "filter"]), st.dictionaries(TEXTS, TEXTS)), min_size=1))
def test_calls_of_a_trajectory_are_read_as_they_were(calls: list[tuple[str, dict[str, str]]]) -> None:
    steps = [{"tool_call": {"tool_name": name, "arguments": arguments}} for name, arguments in calls]
    record = {"context": "do it", "chosen_trajectory": steps, "rejected_trajectory": [{"tool_name": "other"}]}
    (row,) = convert(record, Options())
    assert [(call.name, call.arguments) for call in find_calls(row["chosen"]["content"])] == calls


PIECES = st.sampled_from(["f(", ")", "x=", "'", "a", "<tool>", "</tool>", "[", "]", "[g(", ", ", "\\", "1"])


@settings(deadline=None)
@given(inner=st.lists(PIECES, max_size=8).map("".join))
def test_a_string_is_taken_as_a_call_only_if_it_can_be_read_as_one(inner: str) -> None:
    record = {"context": "do it", "chosen_trajectory": [f"f({inner})"], "rejected_trajectory": ["other"]}
    try:
        (row,) = convert(record, Options())
    except BadRecord as reason:
        assert str(reason) == "an item of 'chosen_trajectory' is neither a tool's name nor a call"
    else:
        written = row["chosen"]["content"]
        assert [(call.start, call.end) for call in find_calls(written)] == [(0, len(written))]


def test_arguments_nested_too_deeply_are_refused() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    record = {"context": "a", "chosen_trajectory": [{"tool_name": "f", "arguments": {"x": deep}}]}
    with pytest.raises(BadRecord, match=r"^'arguments' of a call of 'chosen_trajectory' are nested too deeply$"):
        convert(record, Options())


def test_a_call_by_the_megabyte_takes_linear_time() -> None:
    responses = {"chosen_response": ["f(" * 500_000], "rejected_response": ["compare"]}
    record = {"input": "find caps", **{name: {"tool_sequence": calls} for name, calls in responses.items()}}
    start = time.process_time()
    with pytest.raises(BadRecord, match="neither a tool's name nor a call"):
        convert(record, Options())
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"input": "a", "chosen_response": {}, "rejected_response": {}}, "'input', 'chosen_response'"),
        ({"context": "a", "chosen_trajectory": [], "rejected_trajectory": []}, "'context', 'chosen_trajectory'"),
        ({"conversations": [], "chosen": {}, "rejected": {}}, "'conversations', 'chosen'"),
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, "'prompt', 'chosen'"),
    ],
)
def test_pairs_are_recognised_by_both_answers_and_the_prompt(record: dict[str, Any], reason: str) -> None:
    assert (recognise(record) or "").startswith(f"have {reason} and 'rejected")
    assert recognise({field: value for field, value in record.items() if "rejected" not in field}) is None


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"prompt": [{"role": "system", "content": "be brief"}], "chosen": "yes", "rejected": "no"}, "prompt"),
        (
            {
                "chosen": [{"role": "assistant", "content": "0"}, {"role": "assistant", "content": "0"}],
                "rejected": {"role": "assistant", "content": "00"},
            },
            "chosen",
        ),
    ],
)
def test_a_prompt_without_a_user_is_refused_wherever_it_stands(record: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRecord, match=f"'{field}' has no user's message"):
        convert(record, Options())


def test_an_answer_of_several_turns_after_the_prompt_is_refused() -> None:
    turns = [{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]
    record = {"prompt": "hi", "chosen": [*turns, {"role": "assistant", "content": "c"}], "rejected": "no"}
    with pytest.raises(BadRecord, match=r"^'chosen' starts with other messages than the prompt's$"):
        convert(record, Options())


TURNS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip).filter(lambda text: text)


@settings(deadline=None)
@given(texts=st.lists(TURNS, min_size=3, max_size=5).filter(lambda texts: len(texts) % 2 == 1))
def test_a_chat_written_in_one_text_is_read_turn_by_turn(texts: list[str]) -> None:
    *before, good = texts if len(texts) % 2 == 0 else texts[:-1]
    speakers = ["Human", "Assistant"] * 3
    start = "".join(f"\n\n{speaker}: {text}" for speaker, text in zip(speakers, before, strict=False))
    record = {"chosen": f"{start}\n\nAssistant: {good}", "rejected": f"{start}\n\nAssistant: {good} no"}
    (row,) = convert(record, Options())
    roles = ["user", "assistant"] * 2
    assert row["messages"] == [{"role": role, "content": text} for role, text in zip(roles, before, strict=False)]
    assert (row["chosen"]["content"], row["rejected"]["content"]) == (good, f"{good} no")


def test_calls_of_an_answer_get_other_ids_than_those_of_the_prompt() -> None:
    call = {"function": {"name": "weather", "arguments": {"day": "now"}}}
    asked = [
        {"role": "user", "content": "Is it raining?"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "no"},
    ]
    record = {
        "messages": asked,
        "chosen": {"role": "assistant", "content": None, "tool_calls": [call]},
        "rejected": {"from": "function_call", "value": '{"name": "telephone", "arguments": {}}'},
        "tools": '[{"name": "weather"}]',
    }
    (row,) = convert(record, Options())
    written = {"id": "call_0", "type": "function", "function": {"name": "weather", "arguments": '{"day": "now"}'}}
    assert row["messages"] == [
        asked[0],
        {"role": "assistant", "content": "", "tool_calls": [written]},
        {"role": "tool", "content": "no", "tool_call_id": "call_0"},
    ]
    assert row["chosen"] == {"role": "assistant", "content": "", "tool_calls": [{**written, "id": "call_1"}]}
    # A bad answer may be bad because it calls what is not there.
    telephone = {"id": "call_1", "type": "function", "function": {"name": "telephone", "arguments": "{}"}}
    assert row["rejected"] == {"role": "assistant", "content": "", "tool_calls": [telephone]}
    assert row["tools"] == [{"type": "function", "function": {"name": "weather"}}]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"messages": [], "label": True}, "have 'messages' and 'label'"),
        ({"prompt": "a", "completion": "b", "label": 0}, "have 'completion' and 'label'"),
        ({"instruction": "a", "output": "b", "kto_tag": "true"}, "have 'output' and 'kto_tag'"),
        ({"prompt": "a", "completion": "b", "label": "spam"}, None),
        ({"prompt": "a", "completion": "b", "label": 2}, None),
        ({"text": "a", "label": 1}, None),
        ({"completion": "a", "label": True}, None),
    ],
)
def test_answers_are_recognised_by_a_label_that_says_good_or_bad(record: dict[str, Any], reason: str | None) -> None:
    assert recognise(record) == reason


@pytest.mark.parametrize(("label", "good"), [(1.0, True), (0.0, False), ("1.0", True), ("0.0", False)])
def test_a_label_of_a_table_in_which_some_are_missing_is_read(label: float | str, good: bool) -> None:
    record = {"prompt": "q", "completion": "a", "label": label}
    assert recognise(record) == "have 'completion' and 'label'"
    (row,) = convert(record, Options())
    assert row["label"] is good


def test_an_answer_whose_label_is_null_is_refused_for_its_label() -> None:
    with pytest.raises(BadRecord, match=r"its label is null"):
        convert({"prompt": "hi", "completion": "go away", "label": None}, Options())


def test_a_prompt_beside_a_dialogue_is_counted_whatever_the_record_before_it_had() -> None:
    beside = {"prompt": "hi", "chosen": "Hello!", "rejected": "No."}
    whole = {"conversation": [{"input": "hi", "output": "Hello!"}], **beside}
    asked = {"conversation": [{"role": "user", "content": "Who?"}], **beside}
    for records in ([whole, asked], [asked, whole]):
        for record in records:
            found: list[Unread] = []
            convert(record, Options())
            FIELDS.find_in_object(record, found)
            assert [key for _, key, _ in found] == ["prompt" if record is asked else "conversation"]
