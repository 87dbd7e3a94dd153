"""Columns that a recipe names: the converter that takes them, whether the data has them, what becomes of the others."""

from pathlib import Path
from typing import Any

import pytest

from recipebook.data.account import Account
from recipebook.data.conversion import convert_file
from recipebook.errors import UserError

TABLE = "question,answer,topic,level\n2+2?,4,sums,1\n3+3?,6,sums,2\n"


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("faq.csv").write_text(TABLE)
    return tmp_path


def convert(columns: Any, converter: str = "auto") -> tuple[Account, str]:
    account = convert_file(converter, "faq.csv", Path("rows.jsonl"), {"columns": columns})
    return account, Path("rows.jsonl").read_text()


def test_named_columns_choose_the_converter_and_the_others_are_counted(table: Path) -> None:
    account, rows = convert({"user": "question", "assistant": "answer", "meta": ["topic"]})
    assert rows.splitlines()[0] == (
        '{"messages":[{"role":"user","content":"2+2?"},{"role":"assistant","content":"4"}],'
        '"meta":{"topic":"sums","origin":"faq.csv#1"}}'
    )
    assert account.notes == (
        "faq.csv: converter chat: data.options.columns names its columns",
        "read without 'level': 2 records (first: faq.csv:2: record 1)",
    )


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (
            {"user": "questoin", "assistant": "answer"},
            "faq.csv: no column 'questoin', which data.options.columns names; did you mean 'question'?",
        ),
        (
            {"user": "question", "assistant": "answer", "meta": ["x"]},
            "faq.csv: no column 'x', which data.options.columns names; it has: answer, level, question, topic",
        ),
        (
            {"usr": "question", "assistant": "answer"},
            "converter chat: no option 'columns.usr'; did you mean 'user'?",
        ),
        (
            {"user": "question"},
            "converter chat: option 'columns': Value error, columns needs either user and assistant, or messages, "
            "got a mapping",
        ),
        (
            {"user": "question", "assistant": "answer", "meta": ["origin"]},
            "converter chat: option 'columns': Value error, meta cannot hold 'origin', which every row has of its own, "
            "got a mapping",
        ),
    ],
)
def test_a_wrong_map_is_one_line(table: Path, columns: Any, reason: str) -> None:
    for converter in ("auto", "chat"):
        with pytest.raises(UserError) as error:
            convert(columns, converter)
        assert str(error.value) == reason


def test_a_converter_without_columns_refuses_them(table: Path) -> None:
    with pytest.raises(UserError, match=r"^converter tools: no option 'columns'; it has: system$"):
        convert({"user": "question"}, "tools")


def test_a_column_of_whole_chats_is_read_in_any_of_their_shapes(table: Path) -> None:
    Path("faq.csv").write_text(
        '{"log": "[{\\"from\\": \\"human\\", \\"value\\": \\"hi\\"}, '
        '{\\"from\\": \\"gpt\\", \\"value\\": \\"Hello!\\", \\"mood\\": 1}]"}\n'
    )
    Path("faq.csv").rename("faq.jsonl")
    account = convert_file("auto", "faq.jsonl", Path("rows.jsonl"), {"columns": {"messages": "log"}})
    assert account.notes[1:] == ("read without 'mood' of a turn: 1 turn (first: faq.jsonl:1: record 1)",)
