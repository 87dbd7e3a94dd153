"""Fields that only late rows have are among the types of a file."""

import json
from pathlib import Path
from typing import Any

from trainer.row_types import find_types

ROW: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}], "meta": {"origin": "a.jsonl#1"}}
LATE: dict[str, Any] = {"messages": [{"role": "user", "content": "hi", "name": "Ann"}], "meta": {"origin": "a.jsonl#2"}}


def write(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_field_of_the_last_row_has_a_type(tmp_path: Path) -> None:
    types = find_types(write(tmp_path, *[ROW] * 9, LATE), block=200)
    assert str(types) == (
        "messages: list<item: struct<role: string, content: string, name: string>>\n"
        "  child 0, item: struct<role: string, content: string, name: string>\n"
        "      child 0, role: string\n"
        "      child 1, content: string\n"
        "      child 2, name: string\n"
        "meta: struct<origin: string>\n"
        "  child 0, origin: string"
    )


def test_a_file_of_one_block_needs_no_second_look(tmp_path: Path) -> None:
    assert find_types(write(tmp_path, ROW, LATE)) is None


def test_rows_of_types_that_do_not_go_together_are_left_to_their_reader(tmp_path: Path) -> None:
    assert find_types(write(tmp_path, ROW, {**ROW, "meta": {"origin": {"x": 1}}}), block=50) is None
