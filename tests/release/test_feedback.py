"""Rated chats become pairs and labelled answers, and what is left out is counted; figures of logs."""

import json
from pathlib import Path
from typing import Any

import pytest

from commands import main
from converters.preference import Options, convert
from recipebook.errors import UserError
from release.rated_chats import read_chats

ASK = {"role": "user", "content": "stop"}


def say(text: str, rating: Any = None) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **({} if rating is None else {"rating": rating})}


CHATS: list[dict[str, Any]] = [
    {"run": "r", "model": "tuned", "messages": [ASK, say("robot.stop()", "up")], "answers": 1, "truncated": 0},
    {"messages": [ASK, say("ok")], "rating": "down", "truncated": 1},
    {"messages": [ASK], "candidates": ["no", "robot.halt()"], "choice": 1},
    {"messages": [ASK], "candidates": ["no", "yes"], "choice": "tie"},
    {"messages": [{"role": "user", "content": "go"}, say("go", 2), {"role": "user", "content": "go"}, say("go", 3)]},
    {"messages": [ASK, say(" ", "down")]},
    {"messages": [ASK, say("unrated")]},
]


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    path = tmp_path / "chats.jsonl"
    path.write_text("".join(f"{json.dumps(chat)}\n" for chat in CHATS))
    return path


def test_pairs_labels_figures_and_what_is_left_out(chats: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = chats.parent / "next"
    assert main(["feedback", str(chats), "--out", str(out)]) == 0
    pairs = [json.loads(line) for line in (out / "pairs.jsonl").read_text().splitlines()]
    assert pairs == [
        {"messages": [ASK], "chosen": "robot.halt()", "rejected": "no"},
        {"messages": [ASK], "chosen": "robot.stop()", "rejected": "ok"},
    ]
    labelled = [json.loads(line) for line in (out / "labelled.jsonl").read_text().splitlines()]
    assert labelled == [{"messages": [{"role": "user", "content": "go"}, say("go")], "label": False}]
    assert (
        capsys.readouterr().out
        == f"""\
conversations              7
turns of the user          1.1 a conversation, at most 2
answers                    6, of 2 characters (median), at most 12
empty answers              1
cut off                    1
same as the answer before  1
user says the same again   1
ratings                    1 good, 3 bad, 1 without
pairs     2; 1 answers with a label, for training.method: kto
left out  1 x a choice that is a tie or missing
left out  1 x an empty answer
left out  1 x an answer without a rating
left out  1 x an answer of three stars without another to compare
written   {out}/pairs.jsonl: 2 new, 0 kept
written   {out}/labelled.jsonl: 1 new, 0 kept
"""
    )


def test_a_later_log_is_added_to_what_the_folder_has(chats: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = chats.parent / "next"
    main(["feedback", str(chats), "--out", str(out)])
    better = {"messages": [ASK], "candidates": ["left\u2028right", "no"], "choice": 0}
    chats.write_text("".join(f"{json.dumps(chat)}\n" for chat in (CHATS[2], better)))
    capsys.readouterr()
    main(["feedback", str(chats), "--out", str(out)])
    main(["feedback", str(chats), "--out", str(out)])
    pairs = [json.loads(line) for line in (out / "pairs.jsonl").read_text().split("\n") if line]
    assert [pair["chosen"] for pair in pairs] == ["robot.halt()", "robot.stop()", "left\u2028right"]
    written = [line for line in capsys.readouterr().out.splitlines() if line.startswith("written")]
    assert written == [
        f"written   {out}/pairs.jsonl: 1 new, 2 kept",
        f"written   {out}/labelled.jsonl: 0 new, 1 kept",
        f"written   {out}/pairs.jsonl: 0 new, 3 kept",
        f"written   {out}/labelled.jsonl: 0 new, 1 kept",
    ]


def test_the_converter_reads_what_is_written(chats: Path) -> None:
    out = chats.parent / "next"
    main(["feedback", str(chats), "--out", str(out)])
    records = [json.loads(line) for name in ("pairs", "labelled") for line in (out / f"{name}.jsonl").open()]
    rows = [convert(record, Options())[0] for record in records]
    assert [row["chosen"]["content"] for row in rows if "chosen" in row] == ["robot.halt()", "robot.stop()"]
    assert [row["label"] for row in rows if "label" in row] == [False]


def test_the_best_is_paired_with_the_worst_and_stars_become_scores(tmp_path: Path) -> None:
    path = tmp_path / "stars.jsonl"
    path.write_text("".join(f"{json.dumps({'messages': [ASK, say(str(n), n)]})}\n" for n in (3, 5, 1)))
    main(["feedback", str(path), "--out", str(tmp_path)])
    (pair,) = [json.loads(line) for line in (tmp_path / "pairs.jsonl").open()]
    assert (pair["chosen"], pair["rejected"], pair["chosen_score"], pair["rejected_score"]) == ("5", "1", 5, 1)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("{", "not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ('{"messages": "hi"}', "'messages' must be a list of messages, each with a role"),
        ('{"messages": [{"role": "assistant", "content": "a", "rating": 7}]}',
         "rating 7 is neither up, down, true, false nor stars from 1 to 5"),
        ('{"messages": [], "candidates": ["a"], "choice": 0}', "'candidates' must be two texts"),
        ('{"messages": [], "candidates": ["a", "b"], "choice": 2}', "choice 2 is neither 0, 1 nor tie"),
        ('{"messages": [], "tools": 5}', "'tools' must be a list of objects"),
        ('{"messages": [], "tools": "weather"}', "'tools' must be a list of objects"),
        ('{"messages": [], "truncated": "no"}', "'truncated' must be the number of answers that were cut off"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_chat_is_refused_with_its_place(tmp_path: Path, line: str, text: str) -> None:
    path = tmp_path / "chats.jsonl"
    path.write_text(f"{line}\n")
    with pytest.raises(UserError) as error:
        read_chats(path)
    assert str(error.value) == f"{path}:1: {text}"


def test_an_answer_may_hold_what_other_programs_take_for_the_end_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "chats.jsonl"
    text = "one\u2028two\u0085three"
    path.write_text(json.dumps({"messages": [ASK, say(text, "up")]}, ensure_ascii=False) + "\n", encoding="utf-8")
    assert [answer.text for answer in read_chats(path)[0].answers] == [text]
