"""Fields that a converter does not read: each is carried, obeyed, refused or counted, none is dropped in silence."""

import json
from typing import Any

import pytest

from recipebook.data.account import Account, Ledger
from recipebook.data.conversion import convert_records
from recipebook.data.converter import find_converter
from recipebook.records import Record

HI = {"role": "user", "content": "hi"}
HELLO = {"role": "assistant", "content": "Hello!"}


def convert(name: str, *records: dict[str, Any]) -> tuple[list[Any], Account]:
    """The rows of records, numbered from 1, and their account."""
    converter, ledger = find_converter(name), Ledger()
    numbered = [Record(at, at, record) for at, record in enumerate(records, 1)]
    found = convert_records(numbered, "in.jsonl", converter, converter.options(), ledger)
    rows = [row for each in found for row in each.rows]
    return rows, ledger.close()


def test_an_unknown_field_of_a_record_is_counted_and_its_first_place_named() -> None:
    record = {"id": 7, "messages": [HI, HELLO]}
    rows, account = convert(
        "chat", record, {**record, "topic": "a"}, {**record, "topic": "b"}, {**record, "topic": None}
    )
    assert len(rows) == 4
    assert account.notes == ("read without 'topic': 2 records (first: in.jsonl:2: record 2)",)


@pytest.mark.parametrize(
    ("field", "first", "later", "why"),
    [
        ("label", True, False, "'label' says that its answer is bad, which converter preference reads"),
        ("kto_tag", "1", "0", "'kto_tag' says that its answer is bad, which converter preference reads"),
        ("rejected", 3, "No.", "has 'rejected', one of two answers, which converter preference reads"),
        ("tools", "[]", [{"name": "a"}], "has 'tools', which converter tools is for"),
        ("images", [], ["a.png"], "has 'images', which no row can hold"),
    ],
)
def test_a_field_that_said_nothing_of_the_first_record_is_judged_in_each(
    field: str, first: Any, later: Any, why: str
) -> None:
    record = {"messages": [HI, HELLO]}
    rows, account = convert("chat", {**record, field: first}, {**record, field: later})
    assert (len(rows), [each.reason for each in account.rejected]) == (1, [why])


@pytest.mark.parametrize(
    ("field", "kept", "turned_down"),
    [
        ("answer", "accept", "reject"),
        ("answer", "accept", "ignore"),
        ("status", "submitted", "discarded"),
        ("was_cancelled", False, True),
        ("deleted", "false", "True"),
        ("exclude", False, True),
    ],
)
def test_a_record_that_was_turned_down_where_it_was_labelled_is_left_out(
    field: str, kept: Any, turned_down: Any
) -> None:
    record = {"messages": [HI, HELLO]}
    rows, account = convert("chat", {**record, field: kept}, {**record, field: turned_down})
    assert (len(rows), account.rejected) == (1, ())
    assert [each.reason for each in account.left_out] == [f"'{field}' says that it was turned down"]
    assert account.notes == (f"read without '{field}': 1 record (first: in.jsonl:1: record 1)",)


def test_tools_in_a_turn_refuse_their_chat() -> None:
    turns = [{**HI, "tools": []}, HELLO]
    rows, account = convert(
        "chat", {"messages": turns}, {"messages": [{**HI, "tools": [{"name": "a"}]}, HELLO]}, {"messages": turns}
    )
    assert len(rows) == 2 and account.notes == ()
    (refused,) = account.rejected
    assert refused.reason == "'tools' of a turn lists tools, which converter tools reads in a record alone"


def test_whether_the_assistant_thinks_is_no_thought() -> None:
    record = {"question": "hi", "answer": "Hello!"}
    rows, account = convert("chat", {**record, "reasoning": "Who?"}, {**record, "reasoning": "off"}, record)
    assert [row["messages"][1].get("reasoning_content") for row in rows] == ["Who?", None, None]
    assert account.notes == ("read without 'reasoning': 1 record (first: in.jsonl:2: record 2)",)


@pytest.mark.parametrize("name", ["chat", "tools", "preference"])
def test_an_unknown_field_of_turns_that_a_table_holds_as_json_is_counted(name: str) -> None:
    asked, answer = json.dumps([{**HI, "mood": "glad"}]), json.dumps([HELLO])
    fields = ("chosen", "rejected") if name == "preference" else ("completion",)
    texts = {"prompt": "hi", **dict.fromkeys(fields, "Hello!"), "rejected": "No."}
    plain = texts if name == "preference" else {key: texts[key] for key in ("prompt", "completion")}
    turns = {**plain, "prompt": asked, fields[0]: answer}
    rows, account = convert(name, plain, turns)
    assert [row["messages"][0] for row in rows] == [HI, HI]
    assert "read without 'mood' of a turn: 1 turn (first: in.jsonl:2: record 2)" in account.notes


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("token_weights", [1, 0]),
        ("loss_masks", {"a": [0]}),
        ("completion_mask", "110"),
        ("span_weights", [0.5]),
        ("chosen_weight", 0.3),
    ],
)
def test_marks_by_tokens_refuse_a_record_wherever_they_stand(field: str, value: Any) -> None:
    saying_nothing = {"messages": [HI, HELLO], field: [1, [1.0, True]]}
    rows, account = convert(
        "chat", saying_nothing, {"messages": [HI, HELLO], field: value}, {"messages": [HI, {**HELLO, field: value}]}
    )
    assert len(rows) == 1
    assert [each.reason for each in account.rejected] == [
        f"'{field}' weighs parts of what is learned, which cannot be followed",
        f"'{field}' of a turn weighs parts of what is learned, which cannot be followed",
    ]


@pytest.mark.parametrize("field", ["weight", "sample_weight"])
def test_a_record_that_is_left_out_takes_no_other_record_with_it(field: str) -> None:
    marked = {"messages": [HI, HELLO], field: 0}
    rows, account = convert("chat", marked, {"messages": [HI, HELLO]}, {"messages": [HI, HELLO], "topic": "a"})
    assert len(rows) == 2
    assert [(each.count, each.reason) for each in account.left_out] == [
        (1, f"'{field}' says that it is not to be learned")
    ]
    assert account.notes == ("read without 'topic': 1 record (first: in.jsonl:3: record 3)",)


def test_an_unknown_field_of_a_turn_is_counted_once_a_turn() -> None:
    _, account = convert("chat", {"messages": [{**HI, "mood": "glad"}, {**HELLO, "mood": "calm"}]})
    assert account.notes == ("read without 'mood' of a turn: 2 turns (first: in.jsonl:1: record 1)",)


@pytest.mark.parametrize("field", ["metadata", "meta"])
def test_a_list_or_an_object_in_the_metadata_is_counted_by_its_key(field: str) -> None:
    told = {"topic": "a", "tags": ["x", "y"], "author": {"name": "Ann"}, "none": [], "nobody": {}}
    rows, account = convert("chat", {"messages": [HI, HELLO], field: told})
    assert rows[0]["meta"] == {"topic": "a", "origin": "in.jsonl#1"}
    assert account.notes == (
        f"read without '{field}.tags': 1 record (first: in.jsonl:1: record 1)",
        f"read without '{field}.author': 1 record (first: in.jsonl:1: record 1)",
    )


def test_metadata_that_are_no_object_are_counted() -> None:
    _, account = convert("chat", {"messages": [HI, HELLO], "metadata": "a"})
    assert account.notes == ("read without 'metadata': 1 record (first: in.jsonl:1: record 1)",)


def test_a_field_of_another_shape_is_unknown() -> None:
    _, account = convert("chat", {"messages": [HI, HELLO], "output": "Bye."}, {"instruction": "a", "output": "b"})
    assert account.notes == ("read without 'output': 1 record (first: in.jsonl:1: record 1)",)


def test_unknown_fields_of_calls_are_found_in_objects_and_in_written_json() -> None:
    call = '{"name": "weather", "arguments": {}, "mood": "glad"}'
    answers = [{"from": "observation", "value": "no"}, {"from": "gpt", "value": "It is dry."}]
    turns = [{"from": "human", "value": "Rain?"}, {"from": "function_call", "value": call}, *answers]
    messages = [
        HI,
        {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "weather", "strict": True}}]},
        {"role": "tool", "content": "no", "tool_call_id": "a"},
        HELLO,
    ]
    _, account = convert("tools", {"conversations": turns}, {"messages": messages})
    assert account.notes == (
        "read without 'mood' of a call: 1 call (first: in.jsonl:1: record 1)",
        "read without 'strict' of a call: 1 call (first: in.jsonl:2: record 2)",
    )


@pytest.mark.parametrize("field", ["images", "image", "videos", "audio", "image_url", "Audios", "video_path"])
def test_images_and_their_kin_refuse_the_record(field: str) -> None:
    record = {"messages": [HI, HELLO]}
    turn = {"messages": [{**HI, field: "a.png"}, HELLO]}
    rows, account = convert("chat", {**record, field: ["a.png"]}, turn, {**record, field: []})
    assert len(rows) == 1
    assert [each.reason for each in account.rejected] == [
        f"has '{field}', which no row can hold",
        f"has '{field}' of a turn, which no row can hold",
    ]
    assert account.notes == ()


@pytest.mark.parametrize(
    ("field", "no"),
    [("weight", 0), ("weight", 0.0), ("loss_weight", "0"), ("train", False), ("loss", False), ("masked", True)],
)
def test_a_turn_that_is_marked_as_not_to_be_learned_keeps_its_mark(field: str, no: Any) -> None:
    said = [HI, {**HELLO, field: no}, HI, {**HELLO, "train": True, "weight": 1}]
    rows, account = convert("chat", {"messages": said})
    assert rows[0]["messages"] == [HI, {**HELLO, "train": False}, HI, HELLO]
    assert account.notes == ()


def test_a_chat_of_which_nothing_is_to_be_learned_is_left_out() -> None:
    _, account = convert("chat", {"messages": [HI, {**HELLO, "weight": 0}]}, {"messages": [HI, HELLO], "train": False})
    assert [each.reason for each in account.left_out] == [
        "all that the assistant says is marked as not to be learned",
        "'train' says that it is not to be learned",
    ]


def test_a_weight_between_0_and_1_is_refused_of_a_turn_and_of_a_record() -> None:
    said = [HI, {**HELLO, "weight": 0.5}]
    _, account = convert("chat", {"messages": said}, {"messages": [HI, HELLO], "weight": 0.5})
    assert [each.reason for each in account.rejected] == [
        "'weight' in a turn of 'messages' is neither 0 nor 1, so it cannot be followed",
        "'weight' is neither 0 nor 1, so it cannot be followed; rename it if it weighs no learning",
    ]


def test_a_measured_loss_of_a_record_is_no_weight_and_counted() -> None:
    _, account = convert("chat", {"messages": [HI, HELLO], "loss": 1.7})
    assert account.notes == ("read without 'loss': 1 record (first: in.jsonl:1: record 1)",)


CALL = {"id": "a", "type": "function", "function": {"name": "look", "arguments": {"day": 1, "at": None}}}


@pytest.mark.parametrize(
    ("arguments", "read", "notes"),
    [
        ({"day": 1, "at": None}, '{"day": 1}', ("arguments.at: null",)),
        ({"at": {"hour": None, "day": 1}}, '{"at": {"day": 1}}', ("arguments.at.hour: null",)),
        ({"days": [None, {"at": None}]}, '{"days": [null, {}]}', ("arguments.days.at: null",)),
        ('{"day": null}', '{"day": null}', ()),
    ],
)
def test_nulls_in_arguments_that_are_an_object_are_no_arguments_and_counted(
    arguments: Any, read: str, notes: tuple[str, ...]
) -> None:
    call = {**CALL, "function": {"name": "look", "arguments": arguments}}
    rows, account = convert("tools", {"messages": [HI, {"role": "assistant", "content": "", "tool_calls": [call]}]})
    assert rows[0]["messages"][1]["tool_calls"][0]["function"]["arguments"] == read
    assert account.notes == tuple(
        f"read without '{note}' of a call: 1 call (first: in.jsonl:1: record 1)" for note in notes
    )


@pytest.mark.parametrize(
    ("tool", "note"),
    [
        ({"name": "look", "parameters": {"at": {"default": None}}}, "parameters.at.default: null"),
        ({"function": {"name": "look", "strict": None}}, "function.strict: null"),
    ],
)
def test_nulls_in_tools_that_are_objects_are_counted_for_every_record(tool: Any, note: str) -> None:
    _, account = convert("tools", *[{"messages": [HI, HELLO], "tools": [tool]}] * 2)
    assert account.notes == (f"read without '{note}' of a tool: 2 tools (first: in.jsonl:1: record 1)",)


def test_a_value_of_the_metadata_under_a_name_of_ours_is_kept_beside_ours() -> None:
    record = {"messages": [HI, HELLO], "tools": [{"name": "look"}], "metadata": {"tool": "hammer", "origin": "web"}}
    rows, _ = convert("tools", record)
    assert rows[0]["meta"] == {
        "tool": "none", "metadata_tool": "hammer", "metadata_origin": "web", "calls": 0, "origin": "in.jsonl#1"
    }  # fmt: skip


def test_a_difference_that_the_metadata_has_is_kept_beside_the_measured_one() -> None:
    record = {"prompt": "hi", "chosen": "a", "rejected": "b", "chosen_score": 3, "rejected_score": 1}
    rows, _ = convert("preference", {**record, "metadata": {"difference": 5, "category": "x"}})
    assert rows[0]["meta"] == {
        "category": "x", "difference": 2.0, "ratio": 0.5, "metadata_difference": 5, "origin": "in.jsonl#1"
    }  # fmt: skip


def test_a_mark_where_no_converter_follows_it_refuses_the_record() -> None:
    said = [{"role": "user", "text": "hi"}, {"role": "assistant", "text": "Hello!", "weight": 0}]
    _, account = convert("persona", {"persona_id": "p", "character": "A baker.", "messages": said})
    assert account.rejected[0].reason == "'weight' of a turn is a mark that cannot be followed there"


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "thinking"])
def test_what_the_assistant_thinks_is_carried_and_what_a_user_thinks_is_counted(field: str) -> None:
    rows, account = convert("chat", {"messages": [{**HI, field: "Hm?"}, {**HELLO, field: "Hm."}]})
    assert rows[0]["messages"] == [HI, {**HELLO, "reasoning_content": "Hm."}]
    assert account.notes == (f"read without '{field}' of a turn: 1 turn (first: in.jsonl:1: record 1)",)


def test_names_that_are_strings_are_carried_and_others_are_counted() -> None:
    rows, account = convert("chat", {"messages": [{**HI, "name": "Ann"}, {**HELLO, "name": 3}]})
    assert rows[0]["messages"] == [{**HI, "name": "Ann"}, HELLO]
    assert account.notes == ("read without 'name' of a turn: 1 turn (first: in.jsonl:1: record 1)",)


def test_fields_beyond_the_first_twenty_are_counted_together() -> None:
    record = {"messages": [HI, HELLO], **{f"key{at}": 1 for at in range(23)}}
    _, account = convert("chat", record, record)
    assert len(account.notes) == 21
    assert account.notes[19] == "read without 'key19': 2 records (first: in.jsonl:1: record 1)"
    assert account.notes[20] == "read without other fields than these 20: 6 times"


def test_counts_of_later_ledgers_are_added() -> None:
    converter, first, second = find_converter("echo"), Ledger(), Ledger()
    for at, ledger in enumerate((first, second), 1):
        records = [Record(at, at, {"text": "a b", "topic": 1})]
        list(convert_records(records, "in.jsonl", converter, converter.options(), ledger))
    first.add(second)
    assert first.close().notes == ("read without 'topic': 2 records (first: in.jsonl:1: record 1)",)


def test_the_meta_of_our_own_rows_is_carried() -> None:
    row = {"messages": [HI, HELLO], "meta": {"origin": "old.jsonl#3", "topic": "rain"}}
    rows, account = convert("chat", row)
    assert rows == [{**row, "meta": {"topic": "rain", "origin": "in.jsonl#1"}}]
    assert account.notes == ()


def test_nulls_in_objects_of_calls_and_tools_are_no_fields() -> None:
    call = {"id": "a", "function": {"name": "weather", "arguments": {"day": "now", "town": None, "in": {"x": None}}}}
    tool = {"name": "weather", "description": None, "parameters": {"type": "object", "required": None}}
    said = [HI, {"role": "assistant", "tool_calls": [call]}]
    rows, _ = convert("tools", {"messages": said, "tools": [tool]})
    assert rows[0]["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"day": "now", "in": {}}'
    assert rows[0]["tools"][0]["function"] == {"name": "weather", "parameters": {"type": "object"}}


def test_a_converter_without_a_declaration_says_so() -> None:
    converter, ledger = find_converter("echo")._replace(fields=None), Ledger()
    records = [Record(1, 1, {"text": "a b", "topic": 1})]
    list(convert_records(records, "in.jsonl", converter, converter.options(), ledger))
    assert ledger.close().notes == ("converter echo declares no FIELDS: what it does not read is not counted",)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("chosen", HELLO, "has 'chosen', one of two answers, which converter preference reads"),
        ("rejected", "no", "has 'rejected', one of two answers, which converter preference reads"),
        ("label", False, "'label' says that its answer is bad, which converter preference reads"),
        ("kto_tag", 0, "'kto_tag' says that its answer is bad, which converter preference reads"),
        ("label", "bad", "'label' says that its answer is bad, which converter preference reads"),
        ("rejected_response", "no", "has 'rejected_response', one of two answers, which converter preference reads"),
        ("rejected_messages", [HI], "has 'rejected_messages', one of two answers, which converter preference reads"),
    ],
)
def test_a_preference_is_no_chat(field: str, value: Any, reason: str) -> None:
    rows, account = convert("chat", {"messages": [HI, HELLO], field: value})
    assert (rows, account.rejected[0].reason) == ([], reason)


def test_a_turn_that_is_called_bad_refuses_its_chat() -> None:
    rows, account = convert("chat", {"messages": [HI, {**HELLO, "label": False}]})
    assert rows == []
    assert account.rejected[0].reason == "'label' of a turn says that its answer is bad, which no row can hold"


def test_a_label_that_may_be_a_class_is_counted() -> None:
    rows, account = convert("chat", {"messages": [HI, HELLO], "label": 0}, {"messages": [HI, HELLO], "label": True})
    assert len(rows) == 2
    assert account.notes == ("read without 'label': 2 records (first: in.jsonl:1: record 1)",)


def test_what_a_preference_has_beside_its_parts_is_counted() -> None:
    pair = {"prompt": "hi", "messages": [HI], "chosen": {**HELLO, "mood": "glad"}, "rejected": "no", "type": 3}
    openai = {"input": {"messages": [HI], "parallel_tool_calls": True}, "preferred_output": [HELLO]}
    labelled = {"prompt": "hi", "completion": "no", "label": False, "output": "yes"}
    rows, account = convert(
        "preference", pair, {**openai, "non_preferred_output": [HI, HELLO | {"content": "no"}]}, labelled
    )
    assert len(rows) == 3
    assert account.notes == (
        "read without 'mood' of a turn: 1 turn (first: in.jsonl:1: record 1)",
        "read without 'type': 1 record (first: in.jsonl:1: record 1)",
        "read without 'parallel_tool_calls' of an input: 1 input (first: in.jsonl:2: record 2)",
        "read without 'output': 1 record (first: in.jsonl:3: record 3)",
    )


def test_what_stands_beside_written_turns_is_counted() -> None:
    turns = {"prompt": json.dumps([HI]), "completion": json.dumps([HELLO])}
    rows, account = convert("chat", {**turns, "thinking": "Hm.", "context": "It is June."})
    assert [row["messages"] for row in rows] == [[HI, HELLO]]
    assert account.notes == (
        "read without 'thinking': 1 record (first: in.jsonl:1: record 1)",
        "read without 'context': 1 record (first: in.jsonl:1: record 1)",
    )
