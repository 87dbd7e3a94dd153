"""Of a large file, the first rows are looked at, the longest of the others, and one of each shape."""

import json
from pathlib import Path
from typing import Any

import pytest

from trainer.chosen_rows import choose_rows, count_rows, read_shape

USER, SAID = {"role": "user", "content": "go"}, {"role": "assistant", "content": "yes"}
SYSTEM = {"role": "system", "content": "Be brief."}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def chat(number: int, *messages: dict[str, Any], words: int = 1) -> dict[str, Any]:
    return {"messages": [*messages, {**SAID, "content": "yes " * words}], "meta": {"origin": f"x#{number}"}}


def list_numbers(path: Path, first: int, longest: int) -> list[tuple[int, bool]]:
    chosen = choose_rows(path, first, longest)
    return [(int(json.loads(line)["meta"]["origin"][2:]), early) for line, early in chosen]


def test_a_small_file_is_looked_at_as_a_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", [chat(1, USER), chat(2, SYSTEM, USER)])
    assert list_numbers(path, 2, 5) == [(1, True), (2, True)]
    assert count_rows(path) == 2


def test_the_longest_and_new_shapes_are_looked_at_in_the_files_order(tmp_path: Path) -> None:
    words = {5: 40, 7: 50, 9: 30}
    rows = [chat(number, USER, words=words.get(number, 1)) for number in range(1, 10)]
    rows[5] = chat(6, SYSTEM, USER)
    rows[7] = chat(8, SYSTEM, USER)
    path = write(tmp_path / "rows.jsonl", rows)
    assert list_numbers(path, 2, 2) == [(1, True), (2, True), (5, False), (6, False), (7, False)]


def test_of_equally_long_rows_the_first_are_looked_at(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", [chat(number, USER) for number in range(1, 8)])
    assert list_numbers(path, 1, 2) == [(1, True), (2, False), (3, False)]


@pytest.mark.parametrize(
    "other",
    [
        {"messages": [USER, {**SAID, "tool_calls": [{"id": "a"}]}]},
        {"messages": [USER, {**SAID, "reasoning_content": "A road."}]},
        {"messages": [USER, {**SAID, "content": ""}]},
        {"messages": [USER, USER, SAID]},
        {"messages": [SAID, USER]},
        {"messages": [USER, SAID], "tools": [{"type": "function"}]},
        {"messages": [USER], "chosen": SAID, "rejected": SAID},
        {"messages": [USER], "answer": SAID, "label": True},
    ],
)
def test_what_a_template_may_refuse_is_another_shape(other: dict[str, Any]) -> None:
    assert read_shape(other) != read_shape({"messages": [USER, SAID]})


def test_a_longer_chat_of_the_same_turns_is_no_other_shape() -> None:
    assert read_shape({"messages": [USER, SAID] * 2}) == read_shape({"messages": [USER, SAID] * 3})
