"""Exports: each form as its takers read it; what it cannot hold is told with its place."""

import json
from pathlib import Path
from typing import Any

import pytest

from recipebook.data.account import Account, Rejection
from recipebook.data.export import check_row, export_rows, find_export
from recipebook.errors import UserError
from recipebook.rows import BadRecord, Row
from tests.recipebook.data.exported import CALL, CHAT, DIALOGUE, TOOL, with_calls

LABELLED: Row = {
    "messages": [{"role": "user", "content": "caps?"}],
    "answer": {"role": "assistant", "content": "compare('caps')"},
    "label": False,
    "meta": {"origin": "x.jsonl#4"},
}
PAIR: Row = {
    "messages": [{"role": "user", "content": "caps?"}],
    "chosen": {"role": "assistant", "content": "search('caps')"},
    "rejected": {"role": "assistant", "content": "compare('caps')"},
    "meta": {"difference": 0.5, "origin": "x.jsonl#3"},
}


@pytest.mark.parametrize(
    ("form", "row", "written"),
    [
        ("prompt_completion", CHAT, {"prompt": "stop", "completion": "hält — at once"}),
        ("openai", CHAT, {"messages": CHAT["messages"], "metadata": {"category": "safety"}}),
        ("openai", DIALOGUE, {"messages": DIALOGUE["messages"], "tools": [TOOL]}),
        (
            "sharegpt",
            DIALOGUE,
            {
                "conversations": [
                    {"from": "system", "value": "Be brief."},
                    {"from": "human", "value": "Is it raining?"},
                    {"from": "function_call", "value": '{"name": "weather", "arguments": {"day": "now", "n": 1.0}}'},
                    {"from": "observation", "value": "no"},
                    {"from": "gpt", "value": "It is dry."},
                ],
                "tools": '[{"name": "weather", "parameters": {"type": "object"}}]',
            },
        ),
        (
            "trl_preference",
            PAIR,
            {
                "prompt": [{"role": "user", "content": "caps?"}],
                "chosen": [{"role": "assistant", "content": "search('caps')"}],
                "rejected": [{"role": "assistant", "content": "compare('caps')"}],
                "metadata": {"difference": 0.5},
            },
        ),
        (
            "trl_preference",
            LABELLED,
            {
                "prompt": [{"role": "user", "content": "caps?"}],
                "completion": [{"role": "assistant", "content": "compare('caps')"}],
                "label": False,
                "metadata": {},
            },
        ),
        (
            "axolotl_preference",
            PAIR,
            {
                "messages": [{"role": "user", "content": "caps?"}],
                "chosen": {"role": "assistant", "content": "search('caps')"},
                "rejected": {"role": "assistant", "content": "compare('caps')"},
                "metadata": {"difference": 0.5},
            },
        ),
    ],
)
def test_form_is_written_as_its_takers_read_it(form: str, row: Row, written: dict[str, Any]) -> None:
    assert find_export(form)(row) == written


@pytest.mark.parametrize(
    ("form", "row", "reason"),
    [
        ("prompt_completion", PAIR, "a preference pair, which has two answers"),
        ("prompt_completion", DIALOGUE, "has tools"),
        ("prompt_completion", with_calls(), "has tools"),
        (
            "prompt_completion",
            {"messages": DIALOGUE["messages"][:2], "meta": {}},
            "has a system turn; the form is one user turn and one assistant turn",
        ),
        (
            "prompt_completion",
            {"messages": CHAT["messages"] * 2, "meta": {}},
            "has 4 turns; the form is one user turn and one assistant turn",
        ),
        ("openai", PAIR, "a preference pair, which has two answers"),
        ("sharegpt", PAIR, "a preference pair, which has two answers"),
        ("sharegpt", with_calls(content="I look."), "has a turn of both text and call"),
        ("sharegpt", with_calls(tool_calls=[CALL, CALL]), "has a turn of several calls"),
        ("sharegpt", with_calls(tool_calls=[{"id": "1"}]), "has a call that is not OpenAI's"),
        ("sharegpt", with_calls(role="critic", tool_calls=[]), "has a role that the form does not know"),
        ("sharegpt", with_calls(role="tool", tool_calls=[]), "has an answer of a tool that does not follow its call"),
        (
            "prompt_completion",
            {"messages": [CHAT["messages"][0], {**CHAT["messages"][1], "train": False}], "meta": {}},
            "has 'train' of a turn, which the form cannot hold",
        ),
        ("sharegpt", {**CHAT, "tools": [{"name": "weather"}]}, "has a tool that is not an OpenAI function"),
        ("openai", LABELLED, "an answer with a label, which may be a bad one"),
        ("sharegpt", LABELLED, "an answer with a label, which may be a bad one"),
        ("prompt_completion", LABELLED, "an answer with a label, which may be a bad one"),
        ("axolotl_preference", LABELLED, "an answer with a label, where a pair has two"),
        ("trl_preference", CHAT, "no preference pair: it has one answer"),
        ("axolotl_preference", CHAT, "no preference pair: it has one answer"),
    ],
)
def test_what_a_form_cannot_hold_is_the_reason(form: str, row: Row, reason: str) -> None:
    with pytest.raises(BadRecord) as error:
        find_export(form)(row)
    assert str(error.value) == reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({}, "no row: 'messages' is null, not a list"),
        ({"messages": {}}, "no row: 'messages' is an object, not a list"),
        ({"messages": [{"role": "user"}]}, "no row: 'messages' holds what is no message"),
        ({"messages": [], "chosen": "a"}, "no row: 'chosen' holds what is no message"),
        ({"messages": [], "meta": 1}, "no row: 'meta' is not an object, or 'tools' not a list"),
        ({"messages": [], "tools": ""}, "no row: 'meta' is not an object, or 'tools' not a list"),
    ],
)
def test_what_is_no_row_is_refused(value: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadRecord) as error:
        check_row(value)
    assert str(error.value) == reason


def write_rows(folder: Path, *rows: Any) -> str:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(folder / "rows.jsonl")


def test_file_is_escaped_to_ascii_and_what_it_leaves_behind_is_told(tmp_path: Path) -> None:
    rows = write_rows(tmp_path, CHAT, DIALOGUE, CHAT)
    account = export_rows("prompt_completion", rows, tmp_path / "out.jsonl", 1)
    line = '{"prompt": "stop", "completion": "h\\u00e4lt \\u2014 at once"}\n'
    assert (tmp_path / "out.jsonl").read_text() == line + line
    assert account == Account(
        records=3,
        rows=2,
        duplicates=1,
        rejected=(Rejection(reason="has tools", count=1, places=(f"{rows}:2: record 2",)),),
        notes=("prompt_completion holds no meta; written without it",),
    )


def test_row_that_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    rows = write_rows(tmp_path, CHAT, PAIR)
    with pytest.raises(UserError, match=r"rows\.jsonl:2: record 2: a preference pair, which has two answers \(1 of 2"):
        export_rows("openai", rows, tmp_path / "out.jsonl")
    with pytest.raises(
        UserError, match=r"rows\.jsonl: none of its 2 rows can be written as sharegpt: 2 x a preference pair"
    ):
        export_rows("sharegpt", write_rows(tmp_path, PAIR, PAIR), tmp_path / "out.jsonl", "100%")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_unknown_form_is_told_with_the_known() -> None:
    with pytest.raises(UserError) as error:
        find_export("sharegtp")
    assert str(error.value) == (
        "no export 'sharegtp' in exports/; did you mean 'sharegpt'? "
        "it has: axolotl_preference, openai, prompt_completion, sharegpt, trl_preference"
    )


THOUGHT: Any = {"messages": [
    {"role": "user", "content": "a", "name": "Ann"},
    {"role": "assistant", "content": "b", "train": False},
    {"role": "user", "content": "c"},
    {"role": "assistant", "content": "d", "reasoning_content": "Hm."},
], "meta": {}}  # fmt: skip


def test_openai_and_sharegpt_keep_names_thoughts_and_marks() -> None:
    assert find_export("openai")(THOUGHT)["messages"] == [
        {"role": "user", "content": "a", "name": "Ann"},
        {"role": "assistant", "content": "b", "weight": 0},
        {"role": "user", "content": "c"},
        {"role": "assistant", "content": "d", "reasoning_content": "Hm."},
    ]
    assert find_export("sharegpt")(THOUGHT)["conversations"] == [
        {"from": "human", "value": "a", "name": "Ann"},
        {"from": "gpt", "value": "b", "weight": 0},
        {"from": "human", "value": "c"},
        {"from": "gpt", "value": "d", "reasoning_content": "Hm."},
    ]


def test_a_question_and_its_answer_hold_no_thoughts() -> None:
    with pytest.raises(BadRecord, match="has 'reasoning_content' of a turn, which the form cannot hold"):
        row: Any = {**THOUGHT, "messages": THOUGHT["messages"][2:]}
        find_export("prompt_completion")(row)


def test_fields_that_no_form_holds_are_told(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps({**CHAT, "spans": []}) + "\n")
    account = export_rows("openai", str(tmp_path / "rows.jsonl"), tmp_path / "out.jsonl")
    assert account.notes == ("openai holds no 'spans'; written without it",)
