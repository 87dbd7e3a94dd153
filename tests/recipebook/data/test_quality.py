"""Faults of rows that are rows all the same: each is found, counted and shown once."""

import json
from pathlib import Path
from typing import Any

import pytest

from recipebook.data import quality
from recipebook.data.quality import Finding, inspect_rows


def write_rows(path: Path, *rows: tuple[list[tuple[str, str]], dict[str, Any]]) -> Path:
    lines: list[dict[str, Any]] = [
        {
            "messages": [{"role": role, "content": content} for role, content in messages],
            "meta": {**meta, "origin": f"x.json#{number}"},
        }
        for number, (messages, meta) in enumerate(rows, 1)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def ask(said: str, answer: str = "ok") -> list[tuple[str, str]]:
    return [("user", said), ("assistant", answer)]


def test_clean_rows_have_no_faults(tmp_path: Path) -> None:
    train = write_rows(tmp_path / "train", (ask("go home"), {}), ([("system", "s"), *ask("stop"), *ask("turn")], {}))
    test = write_rows(tmp_path / "test", (ask("look around"), {}))
    assert inspect_rows(train, test, 0) == [
        Finding("duplicates", "0 rows repeat an earlier one"),
        Finding("near-duplicates", "0 of 1 test rows have a train prompt that is 90 % the same or more"),
        Finding("empty turns", "0 rows have a turn that says nothing"),
        Finding("debris", "0 rows hold _comma_, an unfilled {{name}} or a control token"),
        Finding("roles", "0 rows have roles that do not take turns"),
        Finding("positions", "0 rows name positions of calls that their annotated text contradicts"),
    ]


def test_each_fault_is_counted_with_its_first_example(tmp_path: Path) -> None:
    train = write_rows(
        tmp_path / "train",
        (ask("go"), {}),
        (ask("go"), {}),
        (ask("look around you, everywhere"), {"position_disagrees": 2}),
        (ask("hi_comma_ there"), {}),
        (ask("hello {{name}}"), {}),
        ([("user", "a"), ("user", "b"), ("assistant", "c")], {}),
        (ask("say nothing", " "), {}),
    )
    test = write_rows(tmp_path / "test", (ask("look around you, everywhere!!"), {}), (ask("sing"), {}))
    assert {finding.kind: finding.text for finding in inspect_rows(train, test, 1)} == {
        "duplicates": '1 rows repeat an earlier one, such as x.json#2: "go"',
        "near-duplicates": "1 of 2 test rows have a train prompt that is 90 % the same or more, such as x.json#1: "
        '"look around you, everywhere!!" and "look around you, everywhere" (100 %)',
        "empty turns": '1 rows have a turn that says nothing, such as x.json#7: "say nothing"',
        "debris": '2 rows hold _comma_, an unfilled {{name}} or a control token, such as x.json#4: "hi_comma_ there"',
        "roles": '1 rows have roles that do not take turns, such as x.json#6: "a b"',
        "positions": "1 rows name positions of calls that their annotated text contradicts, such as x.json#3: "
        '"look around you, everywhere"',
    }


def test_tools_may_answer_several_calls_at_once(tmp_path: Path) -> None:
    turns = [("user", "a"), ("assistant", "b"), ("tool", "c"), ("tool", "d"), ("assistant", "e")]
    train = write_rows(tmp_path / "train", (turns, {}))
    assert inspect_rows(train, train, 0)[4] == Finding("roles", "0 rows have roles that do not take turns")


def test_balance_tells_the_rarest_and_the_most_frequent(tmp_path: Path) -> None:
    rows = [(ask(f"{number}"), {"language": "hi" if number else "en"}) for number in range(4)]
    train = write_rows(tmp_path / "train", *rows)
    assert inspect_rows(train, train, 0)[-1] == Finding("language", "2 values, from en (25.0%) to hi (75.0%)")


def test_rows_that_weights_repeat_are_no_duplicates(tmp_path: Path) -> None:
    train = write_rows(tmp_path / "train", (ask("go"), {}), (ask("stop"), {}))
    train.write_text(train.read_text() * 2)
    told = inspect_rows(train, write_rows(tmp_path / "test", (ask("sing"), {})), 1)[0].text
    assert told == "1 rows repeat an earlier one"


def test_the_line_says_how_many_prompts_were_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "MOST_HELD_OUT", 1)
    monkeypatch.setattr(quality, "MOST_TRAIN", 2)
    train = write_rows(tmp_path / "train", *[(ask(said), {}) for said in ("go", "stop", "sing a song")])
    test = write_rows(tmp_path / "test", (ask("look around"), {}), (ask("sing a song"), {}))
    assert inspect_rows(train, test, 0)[1] == Finding(
        "near-duplicates",
        "0 of the first 1 of 2 test rows have a prompt of the first 2 train rows that is 90 % the same or more",
    )


def test_where_the_answer_is_the_leak_answers_are_compared(tmp_path: Path) -> None:
    train = write_rows(tmp_path / "train", (ask("be wise:", "Time will show the rest."), {}))
    test = write_rows(
        tmp_path / "test", (ask("be wise:", "I dance."), {}), (ask("go", "Time will show the rest!!"), {})
    )
    assert inspect_rows(train, test, 0, "answer")[1].text == (
        "1 of 2 test rows have a train answer that is 90 % the same or more, such as x.json#2: "
        '"Time will show the rest!!" and "time will show the rest" (100 %)'
    )
    assert inspect_rows(train, test, 0, "prompt and answer")[1].text == (
        "0 of 2 test rows have a train prompt and answer that is 90 % the same or more"
    )


def write_labelled(path: Path, *labels: bool) -> Path:
    rows = [
        {"messages": [{"role": "user", "content": f"hi {at}"}], "answer": {"role": "assistant", "content": "ok"}}
        | {"label": label, "meta": {"origin": f"x.json#{at}"}}
        for at, label in enumerate(labels, 1)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_answers_of_one_kind_alone_give_kto_nothing_to_compare(tmp_path: Path) -> None:
    test = write_labelled(tmp_path / "test", True)
    good = write_labelled(tmp_path / "good", True, True)
    bad = write_labelled(tmp_path / "bad", False)
    both = write_labelled(tmp_path / "both", True, False, True)
    assert [inspect_rows(train, test, 0)[-1] for train in (good, bad, both)] == [
        Finding("labels", "2 good answers and 0 bad ones: kto learns by comparing the two, so add bad answers"),
        Finding("labels", "0 good answers and 1 bad ones: kto learns by comparing the two, so add good answers"),
        Finding("labels", "2 good answers and 1 bad ones"),
    ]
