"""The chat converter: three forms of one chat, roles that make sense, nothing lost without a word."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters import chat
from converters.chat import Options, convert, recognise
from recipebook.data.export import find_export
from recipebook.rows import BadRecord

WORDS = st.text(st.sampled_from("ab \n\r"), max_size=4)
KEYS = st.sampled_from(["role", "content", "from", "value", "type", "text", "tool_calls", "origin"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=4,
)
ROLE = st.sampled_from(["user", "human", "assistant", "gpt", "system", "tool"])
TURN = st.fixed_dictionaries({"role": ROLE, "content": WORDS}) | st.fixed_dictionaries({"from": ROLE, "value": WORDS})
FIELDS = ["messages", "conversations", "instruction", "input", "output", "history", "prompt", "completion", "system"]
FIELDS += ["dialog", "question", "answer", "response", "context", "system_prompt", "tools"]
RECORD = st.dictionaries(
    st.sampled_from([*FIELDS, "metadata"]),
    JSON | WORDS | st.lists(TURN, max_size=4) | st.lists(TURN | JSON, max_size=3),
    max_size=5,
)
SAID = st.lists(st.text(st.sampled_from("hi\nä ")).filter(str.strip), min_size=2, max_size=6)


@given(record=RECORD, options=st.builds(Options, system=st.none() | st.just("Be kind.")))
def test_any_record_gives_one_row_ending_in_an_answer_or_a_reason(record: dict[str, Any], options: Options) -> None:
    try:
        (row,) = convert(record, options)
    except BadRecord as reason:
        assert str(reason)
        return
    roles = [message["role"] for message in row["messages"]]
    assert set(roles) <= {"system", "user", "assistant"} and roles[-1] == "assistant" and len(roles) > 1
    assert ("assistant", "assistant") not in pairwise(roles)
    assert all(type(value) in (str, int, float) for value in row["meta"].values())


@given(said=SAID)
def test_three_forms_of_a_chat_give_the_same_row(said: list[str]) -> None:
    said = said[: len(said) // 2 * 2]
    turns = list(zip(("user", "assistant") * (len(said) // 2), said, strict=True))
    spoken = {"user": "human", "assistant": "gpt"}
    history = [list(pair) for pair in zip(said[:-2:2], said[1:-2:2], strict=True)]
    forms: list[dict[str, Any]] = [
        {"messages": [{"role": role, "content": text} for role, text in turns]},
        {"conversations": [{"from": spoken[role], "value": text} for role, text in turns]},
        {"instruction": said[-2], "input": "", "output": said[-1], "history": history},
    ]
    assert [convert(form, Options()) for form in forms] == [[{**forms[0], "meta": {}}]] * 3


@given(said=SAID, form=st.sampled_from(["openai", "sharegpt"]), topic=st.text())
def test_a_chat_that_is_exported_comes_back(said: list[str], form: str, topic: str) -> None:
    turns = [{"role": role, "content": text} for role, text in zip(("user", "assistant"), said[:2], strict=True)]
    row: Any = {"messages": [{"role": "system", "content": "Be brief."}, *turns], "meta": {"topic": topic}}
    assert convert(find_export(form)(row), Options(system="Be kind.")) == [row]


def test_megabytes_of_turns_take_one_pass() -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}] * 50_000
    (row,) = convert({"messages": [*turns, *turns[:1]]}, Options())
    assert (len(row["messages"]), row["meta"]) == (100_000, {"dropped": 1})


def test_chats_are_known_by_their_first_turn_or_their_two_fields() -> None:
    assert recognise({"messages": [{"role": "user", "content": "hi"}]}) == "have 'messages' with 'role' and 'content'"
    assert recognise({"conversations": [{"from": "human", "value": "hi"}]}) == (
        "have 'conversations' with 'from' and 'value'"
    )
    assert recognise({"prompt": "hi", "completion": "Hello!"}) == "have 'prompt' and 'completion'"
    assert recognise({"instruction": "hi", "output": "Hello!"}) == "have 'instruction' and 'output'"
    assert recognise({"messages": '[{"role": "user", "content": "hi"}]'}) == "have 'messages' with 'role' and 'content'"
    assert recognise({"dialog": [{"speaker": "user", "text": "hi"}]}) == "have 'dialog' with 'speaker' and 'text'"
    assert recognise({"messages": [], "question": "hi", "answer": "Hello!"}) == "have 'question' and 'answer'"
    assert recognise({"messages": [{"role": "user", "said": "hi"}], "prompt": "hi"}) is None
    # Refused by its reading, with the reason, in place of being unknown.
    assert recognise({"question": "hi", "answer": ["Hello!"]}) == "have 'question' and 'answer'"


@pytest.mark.parametrize(
    ("user", "assistant"), [("User", "Assistant"), ("USER ", "model"), ("prompter", "bot"), ("human", "ChatGPT")]
)
def test_speakers_under_other_names_and_in_capitals_are_read(user: str, assistant: str) -> None:
    thinking = {"role": assistant, "content": "yo", "thinking": "Who?"}
    (row,) = convert({"messages": [{"role": user, "content": "hi"}, thinking]}, Options())
    assert row["messages"] == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "yo", "reasoning_content": "Who?"},
    ]


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ({"type": "input_audio", "input_audio": {}}, "has a part of the type 'input_audio', which is no text"),
        ({"type": "a\nb" + "c" * 50}, f"has a part of the type 'a\\nb{'c' * 37}…', which is no text"),
        ({"toolUse": {"name": "w"}, "text": None}, "has a part that is not one text: it has 'toolUse'"),
        ({"type": "text", "text": "a", "value": "b"}, "has a part that is not one text: it has 'text', 'value'"),
        ({"type": "text", "text": None}, "has a part that is not one text: it has nothing"),
    ],
)
def test_a_part_that_is_no_text_is_named_by_its_type_or_its_fields(part: dict[str, Any], why: str) -> None:
    turns = [{"role": "user", "content": [{"type": "text", "text": "a"}, part]}, {"role": "assistant", "content": "b"}]
    with pytest.raises(BadRecord) as raised:
        convert({"messages": turns}, Options())
    assert str(raised.value) == f"'content' in a turn of 'messages' {why}"


def test_what_turns_have_that_are_an_object_of_lists_is_counted_for_each_turn() -> None:
    found: list[Any] = []
    turns = {"role": ["user", "assistant"], "content": ["hi", "Hello!"], "thinking": [None, "Greet."]}
    chat.FIELDS.find({"messages": {**turns, "mood": ["glad", None]}}, found)
    assert found == [("turn", "mood", "glad")]
