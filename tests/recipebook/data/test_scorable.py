"""How many references each metric can score, of rows on disk."""

import json
from pathlib import Path
from typing import Any

from recipebook.data.scorable import format_scorable, write_templated


def write(path: Path, *rows: dict[str, Any]) -> Path:
    placed = [{**row, "meta": {"origin": f"x#{at}"}} for at, row in enumerate(rows, 1)]
    path.write_text("".join(json.dumps(row) + "\n" for row in placed))
    return path


def answer(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "go"}, {"role": "assistant", "content": text}]}


def test_a_reference_that_is_no_call_is_not_counted_for_the_robot(tmp_path: Path) -> None:
    rows = write(tmp_path / "test.jsonl", answer("robot.stop()"), answer("I cannot do that."), answer("stop(3"))
    assert format_scorable({"robot": {}, "text": {}}, rows, "test") == [
        "robot: 1 of 3 test references can be scored; the first that cannot is of x#2: 'I cannot do that.'",
        "text: 3 of 3 test references can be scored",
    ]


def test_a_call_is_read_as_the_chat_template_writes_it(tmp_path: Path) -> None:
    call = {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "stop", "arguments": "{}"}}]}
    called = {"messages": [{"role": "user", "content": "go"}, call], "meta": {}}
    rows = write(tmp_path / "test.jsonl", called, answer("robot.stop()"), called, called, answer("no"))
    write_templated(rows, tmp_path / "templated.jsonl")
    lines = (tmp_path / "templated.jsonl").read_text().splitlines()
    assert [json.loads(line)["messages"] for line in lines] == [called["messages"]] * 3
    texts = ["robot.stop()", '{"name": "stop"}', None]
    assert format_scorable({"robot": {}, "text": {}}, rows, "test", texts) == [
        'robot: 2 of 5 test references can be scored; the first that cannot is of x#3: \'{"name": "stop"}\'',
        "text: 4 of 5 test references can be scored; the first that cannot is of x#4",
    ]
    assert format_scorable({"robot": {}}, rows, "test") == [
        "robot: 1 of 5 test references can be scored; the first that cannot is of x#1"
    ]


def test_without_calls_there_is_no_file_of_templated_rows(tmp_path: Path) -> None:
    write_templated(write(tmp_path / "test.jsonl", answer("robot.stop()")), tmp_path / "templated.jsonl")
    assert not (tmp_path / "templated.jsonl").exists()


def test_an_answer_with_a_label_and_the_last_one_that_is_learned_are_read(tmp_path: Path) -> None:
    asked, said = {"role": "user", "content": "go"}, {"role": "assistant", "content": "robot.stop()"}
    labelled = {"messages": [asked], "answer": said, "label": True}
    unlearned = {"messages": [asked, said, asked, {**said, "content": "so", "train": False}]}
    greeting = {"messages": [said, asked]}
    rows = write(tmp_path / "test.jsonl", labelled, unlearned, greeting)
    assert format_scorable({"robot": {}}, rows, "test") == [
        "robot: 2 of 3 test references can be scored; the first that cannot is of x#3"
    ]


def test_a_metric_of_pairs_counts_pairs(tmp_path: Path) -> None:
    said = {"role": "assistant", "content": "yes"}
    pair = {"messages": [{"role": "user", "content": "go"}], "chosen": said, "rejected": said}
    rows = write(tmp_path / "validation.jsonl", pair, answer("yes"), pair)
    assert format_scorable({"preference": {}, "spans": {}, "likelihood": {}}, rows, "validation") == [
        "preference: 2 of 3 validation references can be scored; the first that cannot is of x#2: 'yes'",
        "spans: 0 of 3 validation references can be scored; the first that cannot is of x#1: 'yes'",
        "likelihood: 3 of 3 validation references can be scored",
    ]
