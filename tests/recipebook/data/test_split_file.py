"""Splits by a file of lists: every record where it is listed, no list that means another record, nothing lost."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from recipebook.data.account import Rejection
from recipebook.data.dataset import Dataset, prepare
from recipebook.data.split_file import SplitFile
from recipebook.errors import UserError
from recipebook.recipe.data_keys import Data, Split
from recipebook.records import Record
from recipebook.rows import BadRecord, LeftOut

WHOLE = {"a": {"train": [0, 3], "val": [1], "test": [2], "online": [3]}, "b": {"train": [4], "val": [], "test": [6]}}
APART = {"a": {"train": [0, 3], "val": [1], "test": [2]}, "b": {"train": [0], "val": [1], "test": [2], "online": []}}


def write(root: Path, listed: Any, owners: str = "aaaabbb") -> None:
    lines = []
    for at, owner in enumerate(owners):
        messages = [{"role": "user", "text": f"{owner} {at}"}, {"role": "assistant", "text": "Done."}]
        lines.append(json.dumps({"persona_id": owner, "messages": messages}) + "\n")
    (root / "x.jsonl").write_text("".join(lines))
    (root / "s.json").write_text(listed if isinstance(listed, str) else json.dumps(listed))


def build(root: Path, **more: Any) -> Dataset:
    split = {"file": "s.json", "by": ["persona_id"]}
    data = {"source": "x.jsonl", "converter": "persona", "options": {"persona": False}, "split": split, **more}
    return prepare(Data.model_validate(data), root / "cache", root)


def read(dataset: Dataset) -> dict[str, list[str]]:
    parts: tuple[Any, ...] = ("train", "validation", "test")
    rows = {part: dataset.path(part).read_text().splitlines() for part in parts}
    return {part: [json.loads(row)["messages"][1]["content"] for row in found] for part, found in rows.items()}


def refuse(root: Path, **more: Any) -> str:
    with pytest.raises(UserError) as error:
        build(root, **more)
    return str(error.value)


def test_records_go_where_they_are_listed_and_the_unlisted_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, WHOLE)
    dataset = build(tmp_path)
    assert read(dataset) == {"train": ["a 0", "a 3", "b 4"], "validation": ["a 1"], "test": ["a 2", "b 6"]}
    account = dataset.account
    assert (account.records, account.rows, account.accepted, account.rejects) == (7, 6, 6, 0)
    assert account.left_out == (
        Rejection(reason="in no list of s.json", count=1, places=("x.jsonl:6: record 6",)),
    )  # fmt: skip
    assert account.notes == ("s.json: its numbers count records from 0, through the whole source",)
    assert set(dataset.sources) == {"x.jsonl", "s.json"}


def test_numbers_that_two_personas_have_count_the_records_of_each(tmp_path: Path) -> None:
    write(tmp_path, APART, "abababab")
    dataset = build(tmp_path)
    assert read(dataset) == {"train": ["a 0", "b 1", "a 6"], "validation": ["a 2", "b 3"], "test": ["a 4", "b 5"]}
    assert dataset.account.notes == ("s.json: its numbers count records from 0, for each persona_id apart",)
    assert [each.places for each in dataset.account.left_out] == [("x.jsonl:8: record 8",)]


def test_several_files_are_counted_through_and_rejected_records_keep_their_numbers(tmp_path: Path) -> None:
    write(tmp_path, WHOLE)
    lines = (tmp_path / "x.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "1.jsonl").write_text("".join(lines[:3]))
    (tmp_path / "d" / "2.jsonl").write_text("7\n" + "".join(lines[4:]))
    assert read(build(tmp_path, source="d", rejects=1)) == {
        "train": ["a 0", "b 4"], "validation": ["a 1"], "test": ["a 2", "b 6"]
    }  # fmt: skip


def test_another_file_of_lists_is_another_dataset(tmp_path: Path) -> None:
    write(tmp_path, WHOLE)
    first = build(tmp_path)
    write(tmp_path, {**WHOLE, "b": {"train": [5]}})
    assert read(build(tmp_path))["train"] == ["a 0", "a 3", "b 5"]
    assert build(tmp_path).folder != first.folder


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        ({"a": {"train": [0], "test": [1, 0]}}, "s.json: a: 0 is in train and in test"),
        ({"a": {"train": [0, 0]}}, "s.json: a: 0 is in train and in train"),
        (
            {"a": {"train": [0], "test": [1], "online": [1]}},
            "s.json: a: 1 is in online, but not in train, of which online is a part",
        ),
        ({"a": {"dev": [0]}}, "s.json: a: no part 'dev'; the parts are: train, val, test, online"),
        ({"a": {"train": [True]}}, "s.json: a: train is not a list of numbers from 0"),
        ({"a": {"train": [-1]}}, "s.json: a: train is not a list of numbers from 0"),
        ({"a": {"train": 7}}, "s.json: a: train is not a list of numbers from 0"),
        ({"a": [0]}, "s.json: a: a list, not an object of lists"),
        ({}, "s.json: holds no object of personas and their lists"),
        ([], "s.json: holds no object of personas and their lists"),
        ('{"a": {"train": [0]}, "a": {"test": [1]}}', "s.json: not a split file: 'a' stands twice"),
        ("{", "s.json: not a split file: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (
            {"a": {"train": [0]}, "b": {"train": [1]}},
            "x.jsonl:2: record 2: is of 'a', but s.json lists its number, 1, under 'b'",
        ),
        ({"a": {"train": [0, 7]}}, "s.json: a: train lists 7, but the source has 7 records"),
        (
            {"a": {"train": [0]}, "b": {"train": [0, 3]}},
            "s.json: b: train lists 3, but 3 records are of it",
        ),
    ],
)
def test_lists_that_cannot_be_meant_are_told_with_their_place(tmp_path: Path, listed: Any, told: str) -> None:
    write(tmp_path, listed)
    assert refuse(tmp_path) == told


def test_a_part_whose_records_are_all_rejected_is_told(tmp_path: Path) -> None:
    write(tmp_path, WHOLE)
    (tmp_path / "x.jsonl").write_text((tmp_path / "x.jsonl").read_text().replace('"a 1"', "1"))
    assert refuse(tmp_path, rejects=1) == (
        "s.json: validation is empty: none of the records that it lists became a row"
    )  # fmt: skip


def test_personas_cannot_be_counted_apart_where_a_record_has_none(tmp_path: Path) -> None:
    write(tmp_path, APART)
    (tmp_path / "x.jsonl").write_text("7\n" + (tmp_path / "x.jsonl").read_text())
    assert refuse(tmp_path, rejects=1) == (
        "x.jsonl:1: record 1: has no 'persona_id', by which s.json counts records"
    )  # fmt: skip


def test_a_missing_file_or_a_part_named_twice_is_refused(tmp_path: Path) -> None:
    write(tmp_path, WHOLE)
    assert refuse(tmp_path, test="t.jsonl") == "t.jsonl: cannot be read: No such file or directory"
    (tmp_path / "t.jsonl").write_text((tmp_path / "x.jsonl").read_text())
    assert refuse(tmp_path, test="t.jsonl") == "s.json: lists test, so data.test cannot name t.jsonl as well"
    (tmp_path / "s.json").unlink()
    assert refuse(tmp_path) == "s.json: cannot be read: No such file or directory"


def test_lists_need_the_one_field_that_they_are_for() -> None:
    with pytest.raises(ValidationError, match="file needs by to be the one field"):
        Split(file="s.json")
    assert Split(file="s.json", by=("persona_id",)).by == ("persona_id",)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "train", "val"]), inner),
    max_leaves=6,
)
NUMBERS = st.lists(st.integers(0, 5), max_size=4)
LISTS = st.dictionaries(
    st.sampled_from("abc"), st.dictionaries(st.sampled_from(["train", "val", "test", "online"]), NUMBERS), min_size=1
)


@settings(deadline=None)
@given(listed=LISTS | JSON, owners=st.text(st.sampled_from("abc"), max_size=8))
def test_every_listed_record_is_chosen_once_or_the_file_is_refused(
    tmp_path_factory: pytest.TempPathFactory, listed: Any, owners: str
) -> None:
    path = tmp_path_factory.mktemp("lists") / "s.json"
    path.write_text(json.dumps(listed))
    records = [Record(at, at, {"persona_id": owner}) for at, owner in enumerate(owners, 1)]
    chosen = []
    try:
        split = SplitFile(path, "s.json", "persona_id")
        for record in split.follow([*records, Record(99, 99, BadRecord("blank"))], "x.jsonl", 0):
            try:
                chosen.append(split.choose(record.number))
            except LeftOut:
                continue
        split.check()
    except UserError as error:
        assert "\n" not in str(error)
        return
    assert len(chosen) == sum(
        len(parts.get(part, ())) for parts in listed.values() for part in ("train", "val", "test")
    )
