"""Records of a source by the values of a field."""

import json
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.sources.shards import find_shard, list_values

RECORDS = [{"who": "ann", "n": 1}, {"who": "bob", "n": 2}, {"who": "ann", "n": 3}]


def write(folder: Path, records: list[dict[str, object]], ending: str = "\n") -> None:
    (folder / "a.jsonl").write_bytes("".join(json.dumps(record) + ending for record in records).encode())


def read(folder: Path, **where: str | int) -> list[object]:
    return [record.value for record in find_shard("a.jsonl", where, folder, folder / "shards").read({})]


def test_a_shard_has_the_records_of_its_value_in_their_order(tmp_path: Path) -> None:
    write(tmp_path, [*RECORDS])
    assert list_values("a.jsonl", "who", tmp_path, tmp_path / "shards") == ["ann", "bob"]
    assert read(tmp_path, who="ann") == [{"who": "ann", "n": 1}, {"who": "ann", "n": 3}]
    assert read(tmp_path, who="bob", n=2) == [{"who": "bob", "n": 2}]


def test_a_record_more_for_one_and_other_line_endings_leave_the_others_shard_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, [*RECORDS])
    before = find_shard("a.jsonl", {"who": "ann"}, tmp_path, tmp_path / "shards").digest()
    write(tmp_path, [{"who": "bob", "n": 0}, *RECORDS], ending="\r\n")
    assert find_shard("a.jsonl", {"who": "ann"}, tmp_path, tmp_path / "shards").digest() == before
    assert read(tmp_path, who="bob") == [{"who": "bob", "n": 0}, {"who": "bob", "n": 2}]


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([{"who": "ann"}, {"name": "bob"}], "a.jsonl:2: record 2: has no 'who'; it has: name"),
        ([{"who": 1.5}], "a.jsonl:1: record 1: 'who' is a number, not a string or a whole number"),
        ([{"who": "eve"}], "a.jsonl: no record has who 'ann'; they have: eve"),
    ],
)
def test_a_missing_column_or_value_is_one_line(tmp_path: Path, records: list[dict[str, object]], told: str) -> None:
    write(tmp_path, records)
    with pytest.raises(UserError) as caught:
        read(tmp_path, who="ann")
    assert str(caught.value) == told
