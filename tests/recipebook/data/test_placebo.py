"""A placebo's rows: each has another row's answer, the same answers in all, and no right one that is learned."""

import json
from pathlib import Path
from typing import Any

import pytest

from recipebook.data.dataset import Dataset, prepare
from recipebook.data.placebo import give_answer, prepare_placebo, shuffle, take_answer
from recipebook.errors import UserError
from recipebook.recipe.data_keys import Data, Split
from recipebook.rows import Row


def write_dataset(folder: Path, answers: list[str]) -> Dataset:
    lines = [{"messages": [say("user", f"question {n}"), say("assistant", text)]} for n, text in enumerate(answers)]
    (folder / "chats.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    data = Data(source="chats.jsonl", converter="chat", split=Split(by=("messages",), validation=0, test=0))
    return prepare(data, folder / "cache", folder)


def say(role: str, content: str) -> Any:
    return {"role": role, "content": content}


def read_pairs(dataset: Dataset) -> list[tuple[str, str]]:
    rows = [json.loads(line) for line in dataset.path("train").read_text().splitlines()]
    return [(row["messages"][0]["content"], row["messages"][1]["content"]) for row in rows]


def test_three_rows_take_each_others_answers_in_a_ring(tmp_path: Path) -> None:
    placebo = prepare_placebo(write_dataset(tmp_path, ["a", "b", "c"]), 42, tmp_path / "cache")
    # There are two rings of three rows, and this seed draws one of them.
    assert read_pairs(placebo) in (
        [("question 0", "b"), ("question 1", "c"), ("question 2", "a")],
        [("question 0", "c"), ("question 1", "a"), ("question 2", "b")],
    )
    assert placebo.account.notes[-1] == "answers of 3 train rows are shuffled by seed 42; 0 of them took an equal one"


@pytest.mark.parametrize("count", [2, 3, 4, 7, 50])
def test_no_row_keeps_its_answer_whatever_the_seed(count: int) -> None:
    for seed in range(200):
        order = shuffle(count, seed)
        assert sorted(order) == list(range(count))
        assert all(row != other for row, other in enumerate(order))


def test_both_rings_of_three_rows_are_drawn_equally_often() -> None:
    drawn = [tuple(shuffle(3, seed)) for seed in range(2000)]
    assert {*drawn} == {(1, 2, 0), (2, 0, 1)}
    assert 900 < drawn.count((1, 2, 0)) < 1100


def test_a_placebo_is_a_dataset_of_its_own_that_is_built_once(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path, ["a", "b", "c", "d", "e"])
    first = prepare_placebo(dataset, 42, tmp_path / "cache")
    assert first.rows == dataset.rows
    assert first.rows_digest != dataset.rows_digest
    written = first.path("train").stat().st_mtime_ns
    again = prepare_placebo(dataset, 42, tmp_path / "cache")
    assert again.path("train").stat().st_mtime_ns == written
    assert prepare_placebo(dataset, 43, tmp_path / "cache").folder != first.folder


def test_rows_that_all_have_one_answer_are_refused(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path, ["a", "a"])
    with pytest.raises(UserError, match=r"^eval.placebo: 2 train rows have one and the same answer: none can be shuf"):
        prepare_placebo(dataset, 42, tmp_path / "cache")


def test_of_a_dialogue_the_last_learned_answer_moves_with_its_spans_and_earlier_ones_are_not_learned() -> None:
    row: Row = {
        "messages": [say("user", "hi"), say("assistant", "hello"), say("user", "on"), say("assistant", "light on")],
        "meta": {"origin": "x#1"},
        "spans": [
            {"message": 1, "start": 0, "end": 5, "kind": "greeting"},
            {"message": 3, "start": 0, "end": 5, "kind": "device"},
        ],
    }
    other: Row = {
        "messages": [say("user", "off"), say("assistant", "fan off")],
        "meta": {"origin": "x#2"},
        "spans": [{"message": 1, "start": 0, "end": 3, "kind": "device"}],
    }
    answer = take_answer(other)
    assert answer
    given = give_answer(row, answer)
    assert given["messages"] == [
        say("user", "hi"),
        {"role": "assistant", "content": "hello", "train": False},
        say("user", "on"),
        say("assistant", "fan off"),
    ]
    assert given["spans"] == [
        {"message": 1, "start": 0, "end": 5, "kind": "greeting"},
        {"message": 3, "start": 0, "end": 3, "kind": "device"},
    ]
    assert given["meta"] == {"origin": "x#1"}


def test_a_greeting_that_nobody_asked_for_has_no_answer_to_move() -> None:
    assert take_answer({"messages": [say("assistant", "hello")], "meta": {}}) is None
