"""Rows are read with the types of all of them, and tools as they are written."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainer.row_types import find_types, name_features

ROW: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}], "meta": {"origin": "a.jsonl#1"}}
LATE: dict[str, Any] = {"messages": [{"role": "user", "content": "hi", "name": "Ann"}], "meta": {"origin": "a.jsonl#2"}}
JSON = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.floats(-1, 1) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("pqr"), inner, max_size=2),
    max_leaves=5,
)


def write(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def load(path: Path, block: int) -> list[dict[str, Any]]:
    """The rows as `datasets` reads them."""
    from datasets import load_dataset

    types = find_types(path, block)
    assert types
    read = load_dataset(
        "json", data_files=str(path), split="train", features=name_features(types), cache_dir=path.parent
    )
    return list(read)


def test_a_field_of_the_last_row_has_a_type(tmp_path: Path) -> None:
    types = find_types(write(tmp_path, *[ROW] * 9, LATE), block=200)
    assert types
    assert str(types.shared) == (
        "messages: list<item: struct<role: string, content: string, name: string>>\n"
        "  child 0, item: struct<role: string, content: string, name: string>\n"
        "      child 0, role: string\n"
        "      child 1, content: string\n"
        "      child 2, name: string"
    )
    assert types.as_written == ("meta",)


def test_rows_of_types_that_do_not_go_together_are_left_to_their_reader(tmp_path: Path) -> None:
    assert find_types(write(tmp_path, ROW, {**ROW, "messages": [{"role": {"x": 1}}]}), block=50) is None
    assert find_types(tmp_path / "none.jsonl") is None


@pytest.mark.parametrize("block", [100, 10_000])
def test_tools_of_differing_types_are_read_as_they_are_written(tmp_path: Path, block: int) -> None:
    values = [1, 2.5, 0.1234567890123456, "x", ["x"], {"b": 1, "a": None}, {"a": 1}, True]
    rows = [{**ROW, "tools": [{"function": {"default": value}}], "meta": {"n": value}} for value in values]
    read = load(write(tmp_path, ROW, *rows), block)
    assert [json.dumps(one["tools"]) for one in read[1:]] == [json.dumps(row["tools"]) for row in rows]
    assert [json.dumps(one["meta"]) for one in read[1:]] == [json.dumps(row["meta"]) for row in rows]
    assert read[0]["tools"] is None


@pytest.mark.long
@given(tools=st.lists(st.lists(st.dictionaries(st.sampled_from("xyz"), JSON), min_size=1, max_size=2), min_size=1))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_tools_are_read_as_they_are_written(tmp_path: Path, tools: list[Any]) -> None:
    rows = [{**ROW, "tools": one} for one in tools]
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    folder.mkdir()
    assert [json.dumps(one["tools"]) for one in load(write(folder, *rows), 200)] == [json.dumps(one) for one in tools]
