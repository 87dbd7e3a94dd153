"""Recognition: the one converter that knows the first records, and why; who knows none or several asks."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters import robot
from recipebook.data.conversion import convert_file
from recipebook.data.recognise import choose
from recipebook.errors import UserError
from recipebook.modules import CONVERTER, list_names, load
from recipebook.records import Record, Value
from recipebook.rows import BadRecord

STOP = {"input": "stop", "output": "robot.stop()"}


def choose_from(*values: Value) -> tuple[str, str]:
    return choose([Record(at, at, value) for at, value in enumerate(values, 1)], "x.jsonl")


def test_robot_is_known_by_its_calls() -> None:
    listed = {"input": "stop", "output_list": ["kitchen.light.on()"]}
    assert choose_from(STOP, {"input": "stop"}, listed, BadRecord("not JSON")) == (
        "robot",
        "converter robot: 2 of the first 3 records have 'input' and calls such as robot.stop() in 'output'",
    )
    assert robot.recognise({"input": "stop", "output": "I stop."}) is None


def test_toolformer_is_known_by_its_texts_and_its_lines() -> None:
    assert choose_from({"original_text": "caps", "augmented_text": "caps [SEARCH()]", "tool_calls": []}) == (
        "toolformer",
        "converter toolformer: 1 of the first 1 records have 'original_text' and 'augmented_text'",
    )
    assert choose_from({"text": "Input: a Output: b Reasoning Result: c"}) == (
        "toolformer",
        "converter toolformer: 1 of the first 1 records have 'Input: … Output: …' in 'text'",
    )


def refuse(*values: Value) -> str:
    with pytest.raises(UserError) as error:
        choose_from(*values)
    return str(error.value)


def test_records_that_nobody_knows_are_named_by_their_fields() -> None:
    hint = "name one of docs/data.md, or map them with data.options.columns"
    assert refuse({"speech": "stop", "act\n": 1}, {"speech": "go"}) == (
        f"x.jsonl: no converter recognises its first records, which have 'speech', 'act\\n'; {hint}"
    )
    assert refuse(STOP, {"x": 1}, {"x": 2}) == (
        f"x.jsonl: a converter recognises 1 of its first 3 records, which have 'x', 'input', 'output'; {hint}"
    )
    assert len(refuse({"a" * 500 + str(number): 1 for number in range(500)})) < 250


def test_records_that_cannot_be_read_are_named_with_the_reason() -> None:
    assert refuse(BadRecord("not UTF-8"), BadRecord("not JSON")) == (
        "x.jsonl:1: record 1: not UTF-8 (2 of the first 2 records cannot be read)"
    )
    assert refuse(STOP, {"x": 1}, {"x": 1}, BadRecord("not UTF-8"), BadRecord("not JSON")) == (
        "x.jsonl:4: record 4: not UTF-8 (2 of the first 5 records cannot be read)"
    )
    assert refuse({"x": 1}, {"x": 1}, BadRecord("not UTF-8")) == (
        "x.jsonl: no converter recognises its first records, which have 'x'; and x.jsonl:3: record 3: not UTF-8"
    )


ASKED, ANSWERED = {"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello!"}
CALL = {"role": "assistant", "tool_calls": [{"function": {"name": "weather"}}]}


@pytest.mark.parametrize(
    ("record", "converter"),
    [
        ({"conversations": [ASKED, ANSWERED]}, "chat"),
        ({"messages": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "Hello!"}]}, "chat"),
        ({"messages": '[{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello!"}]'}, "chat"),
        ({"dialogue": [{"speaker": "user", "text": "hi"}, {"speaker": "assistant", "text": "Hello!"}]}, "chat"),
        ({"question": "hi", "answer": "Hello!"}, "chat"),
        ({"system_prompt": "", "question": "hi", "response": "Hello!"}, "chat"),
        ({"query": "hi", "response": "Hello!"}, "chat"),
        ({"instruction": "hi", "context": "", "response": "Hello!", "category": "x"}, "chat"),
        ({"input": "hi", "output": "Hello!"}, "chat"),
        ({"prompt": [ASKED], "completion": "Hello!"}, "chat"),
        ({"question": "1 + 1?", "answer": 2}, "chat"),
        ({"instruction": "hi", "output": ["Hello!", "Hi!"]}, "chat"),
        ({"conversations": ["hi", "Hello!"]}, "chat"),
        ({"messages": [ASKED, {"role": "assistant", "content": [{"type": "tool_use", "name": "a"}]}]}, "tools"),
        ({"messages": [ASKED, {"role": "assistant", "content": [{"type": "thinking", "thinking": "a"}]}]}, "chat"),
        ({"messages": [ASKED, ANSWERED], "rejected_response": "No."}, "preference"),
        ({"messages": [ASKED, ANSWERED], "rejected_messages": [ASKED, ANSWERED]}, "preference"),
        ({"query": "hi", "response": "Hello!", "rejected_response": "No."}, "preference"),
        ({"prompt": [ASKED], "completion": [ANSWERED], "tools": []}, "tools"),
        ({"prompt": [ASKED], "completion": [CALL]}, "tools"),
        ({"instruction": "hi", "output": "Hello!", "tools": "[]"}, "tools"),
        ({"chat": "USER: hi\n\n\nASSISTANT: Hello! <|endoftext|>"}, "glaive"),
        ({"prompt": "hi", "answers": [{"answer": "Hello!", "rank": 1}]}, "ranked"),
        ({"input": "stop", "output": "robot.stop()"}, "robot"),
        ({"persona_id": "p", "messages": [{"role": "user", "text": "hi"}]}, "persona"),
        ({"messages": [ASKED, CALL]}, "tools"),
        ({"messages": [ASKED, ANSWERED], "functions": [{"name": "weather"}]}, "tools"),
        ({"messages": [ASKED, ANSWERED], "tools": {"name": "weather"}}, "tools"),
        ({"query": "hi", "tools": "[]", "answers": "[]"}, "tools"),
        (
            {"conversations": [{"from": "system", "value": "<tools>[]</tools>"}, {"from": "human", "value": "a"}]},
            "tools",
        ),
        ({"messages": [ASKED], "chosen": ANSWERED, "rejected": {**ANSWERED, "content": "No."}}, "preference"),
    ],
)
def test_each_shape_has_one_converter(record: Any, converter: str) -> None:
    assert choose_from(record)[0] == converter


def test_a_file_of_pairs_and_chats_is_refused_as_mixed_with_the_number_of_each() -> None:
    chat = {"messages": [ASKED, ANSWERED]}
    pair = {"messages": [ASKED], "chosen": ANSWERED, "rejected": {**ANSWERED, "content": "No."}}
    persona = {"persona_id": "p", "messages": [{"role": "user", "text": "hi"}]}
    assert refuse(pair, chat, chat, {"messages": [ASKED, CALL]}) == (
        "x.jsonl: its first 4 records are mixed: 2 have 'messages' with 'role' and 'content' (converter chat), "
        "1 have 'messages', 'chosen' and 'rejected' (converter preference), 1 have 'messages' with calls of tools "
        "(converter tools); make a file of each kind, name one converter in place of 'auto', or allow rejects"
    )
    assert refuse(chat, persona, persona).startswith(
        "x.jsonl: its first 3 records are mixed: 2 have 'persona_id' and 'messages' with 'text' (converter persona), "
        "1 have 'messages' with 'role' and 'content' (converter chat); "
    )


def test_a_mixed_file_is_read_by_the_converter_of_most_records_where_the_others_may_be_rejected(tmp_path: Path) -> None:
    chat = {"messages": [ASKED, ANSWERED]}
    pair = {"prompt": "hi", "chosen": "Hello!", "rejected": "No."}
    records = [pair, *[chat] * 3, {"messages": [ASKED, CALL]}, pair]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    source, rows = str(tmp_path / "x.jsonl"), tmp_path / "rows.jsonl"
    account = convert_file("auto", source, rows, {}, "40%")
    assert (account.records, account.rows, account.rejects) == (6, 4, 2)
    assert account.notes[0] == (
        f"{source}: converter tools reads 4 of the first 6 records; 2 of them are of other kinds, and may be rejected"
    )
    with pytest.raises(UserError, match=r"2 of 6 records rejected, 1 allowed; raise --rejects to continue"):
        convert_file("auto", source, rows, {}, 1)
    with pytest.raises(UserError, match="its first 6 records are mixed"):
        convert_file("auto", source, rows, {}, 0)
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(record) + "\n" for record in [chat, pair]))
    with pytest.raises(UserError, match="its first 2 records are mixed"):
        convert_file("auto", source, rows, {}, "100%")


def test_some_plain_texts_among_calls_are_the_robots() -> None:
    assert choose_from(STOP, STOP, {"input": "hi", "output": "I am afraid not."})[0] == "robot"


def test_a_few_calls_among_plain_texts_are_chats_as_the_texts_are() -> None:
    said = {"input": "hi", "output": "I am afraid not."}
    assert choose_from(STOP, said, said) == (
        "chat",
        "converter chat: 3 of the first 3 records have 'input' and 'output'",
    )


def test_account_says_what_auto_chose_and_why(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"input": "stop", "output": "robot.stop()"}\n')
    account = convert_file("auto", str(tmp_path / "x.jsonl"), tmp_path / "rows.jsonl", {})
    assert account.notes == (
        f"{tmp_path / 'x.jsonl'}: converter robot: "
        "1 of the first 1 records have 'input' and calls such as robot.stop() in 'output'",
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "from", "value"]), inner),
    max_leaves=5,
)
FIELDS = sorted(
    {
        *("input", "output", "output_list", "messages", "conversations", "instruction", "tools", "text", "tool_calls"),
        *("original_text", "augmented_text", "prompt", "chosen", "rejected", "utterance", "traits", "persona_id"),
        *("chosen_response", "rejected_response", "chat_history", "evaluation_record", "context", "dialogue_idx"),
        *("chosen_trajectory", "rejected_trajectory", "completion"),
    }
)


MODULES = [load(CONVERTER, name) for name in list_names(CONVERTER)]


@pytest.mark.parametrize("module", [module for module in MODULES if hasattr(module, "recognise")])
@given(record=st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_recognising_never_fails_and_gives_a_reason_or_none(module: Any, record: dict[str, Any]) -> None:
    reason = module.recognise(record)
    assert reason is None or reason.startswith("have ")
