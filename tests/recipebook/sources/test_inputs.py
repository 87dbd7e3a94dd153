"""Sources: files, globs, folders, archives, tables and saved datasets give the same records, each with its place."""

import csv
import gzip
import json
import random
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pyarrow.parquet
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from recipebook.errors import UserError
from recipebook.records import place
from recipebook.sources.inputs import digest_inputs, find_inputs, measure

TWO = [{"a": "1"}, {"a": "é"}]
LINES = b"".join(json.dumps(record).encode() + b"\n" for record in TWO)


def read_all(root: Path, source: str) -> list[tuple[str, Any]]:
    found = [(each.name, record) for each in find_inputs(source, root) for record in each.read({})]
    return [
        (place(name, each), each.value if isinstance(each.value, dict) else str(each.value)) for name, each in found
    ]


def refuse(root: Path, source: str) -> str:
    with pytest.raises(UserError) as error:
        read_all(root, source)
    return str(error.value)


def write_parquet(path: Path, columns: dict[str, Any]) -> None:
    pyarrow.parquet.write_table(pyarrow.table(columns), path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.jsonl", LINES),
        ("x.jsonl.gz", gzip.compress(LINES, mtime=0)),
        ("x.jsonl.gz", gzip.compress(LINES[:12], mtime=0) + gzip.compress(LINES[12:], mtime=0)),
        ("x.jsonl.zst", zstandard.compress(LINES)),
        ("x.jsonl.zst", zstandard.compress(LINES[:12]) + zstandard.compress(LINES[12:])),
        ("x.csv", b"a\n1\n\xc3\xa9\n"),
        ("x.csv.gz", gzip.compress(b'\xef\xbb\xbfa\r\n1\r\n\r\n"\xc3\xa9"\r\n', mtime=0)),
        ("x.json", json.dumps({"info": 1, "data": TWO}).encode()),
        ("x.json", json.dumps({"0": TWO[0], "1": TWO[1]}, indent=1).encode()),
    ],
)
def test_every_packing_gives_the_same_records(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert [value for _, value in read_all(tmp_path, name)] == TWO


MANY = [{"a": random.Random(number).randbytes(2000).hex()} for number in range(2000)]
MANY_LINES = b"".join(json.dumps(record).encode() + b"\n" for record in MANY)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.jsonl", MANY_LINES),
        ("x.jsonl.gz", gzip.compress(MANY_LINES, 1, mtime=0)),
        ("x.jsonl.zst", zstandard.compress(MANY_LINES)),
        ("x.json", json.dumps(MANY).encode()),
        ("x.json", json.dumps({"data": MANY}, indent=1).encode()),
        ("x.csv", b"a\n" + b"".join(record["a"].encode() + b"\n" for record in MANY)),
        ("x.txt", MANY_LINES),
    ],
)
def test_how_much_is_read_is_told_in_bytes_as_they_lie_on_disk(tmp_path: Path, name: str, content: bytes) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(content)
    size = 2 * len(content)
    inputs = find_inputs(f"*/{name}", tmp_path)
    assert measure(inputs) == (0, size)
    seen = [measure(inputs) for each in inputs for _ in each.read({})]
    assert {total for _, total in seen} == {size}
    # A quarter, half and three quarters of the records, to a block or two of some 256 KiB.
    assert [seen[at][0] / size for at in (1000, 2000, 3000, 3999)] == pytest.approx([0.25, 0.5, 0.75, 1], abs=0.07)


def test_text_gives_a_record_a_line(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b'go\r\n\n {"a": 1}\nst\xffop\nst\0op')
    assert read_all(tmp_path, "x.txt") == [
        ("x.txt:1: record 1", {"text": "go"}),
        ("x.txt:3: record 2", {"text": ' {"a": 1}'}),
        ("x.txt:4: record 3", "not UTF-8"),
        ("x.txt:5: record 4", "holds a NUL byte"),
    ]


def test_csv_fields_are_strings_and_rows_of_another_width_are_bad(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b'n,"m\nm"\n1,"two\nlines"\n3\n[],{},5\n\xff,\n')
    assert read_all(tmp_path, "x.csv") == [
        ("x.csv:3: record 1", {"n": "1", "m\nm": "two\nlines"}),
        ("x.csv:5: record 2", "has 1 fields, the header 2"),
        ("x.csv:6: record 3", "has 3 fields, the header 2"),
        ("x.csv:7: record 4", "not UTF-8"),
    ]


def test_parquet_rows_are_what_they_would_be_in_jsonl(tmp_path: Path) -> None:
    write_parquet(tmp_path / "x.parquet", {"a": ["é", None, "x\0"], "b": [[{"c": 1}], [], None]})
    assert read_all(tmp_path, "x.parquet") == [
        ("x.parquet: row 1", {"a": "é", "b": [{"c": 1}]}),
        ("x.parquet: row 2", {"a": None, "b": []}),
        ("x.parquet: row 3", "holds a NUL character"),
    ]
    write_parquet(tmp_path / "y.parquet", {"a": [b"1", None]})
    assert read_all(tmp_path, "y.parquet") == [
        ("y.parquet: row 1", "not JSON: Type is not JSON serializable: bytes"),
        ("y.parquet: row 2", {"a": None}),
    ]
    broken = pyarrow.array([b"\xff", b"1"]).view(pyarrow.string())
    write_parquet(tmp_path / "z.parquet", {"a": broken})
    assert [value for _, value in read_all(tmp_path, "z.parquet")] == ["not UTF-8", {"a": "1"}]


def test_saved_dataset_is_read_by_split_and_known_by_its_content(tmp_path: Path) -> None:
    datasets.Dataset.from_list(TWO).save_to_disk(tmp_path / "one")
    assert read_all(tmp_path, "hf:one") == [("hf:one: row 1", TWO[0]), ("hf:one: row 2", TWO[1])]
    parts = {"train": datasets.Dataset.from_list(TWO), "test": datasets.Dataset.from_list(TWO[:1])}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "two")
    assert read_all(tmp_path, "hf:two:test") == [("hf:two:test: row 1", TWO[0])]
    assert refuse(tmp_path, "hf:two") == "hf:two: has several splits; name one of: train, test, as in hf:two:train"
    assert refuse(tmp_path, "hf:two:dev") == (
        "hf:two:dev: no split 'dev'; name one of: train, test, as in hf:two:train"
    )
    digests = [digest_inputs(find_inputs(name, tmp_path)) for name in ("hf:one", "hf:two:train", "hf:two:test")]
    assert digests[0] == digests[1] != digests[2]


def test_name_that_no_dataset_can_have_is_refused(tmp_path: Path) -> None:
    told = "no such folder, and a dataset's name is hf:OWNER/NAME[@REVISION][/CONFIG][:SPLIT]"
    for name in ("hf:", "hf:gsm8k x", "hf:a/b/c/d", "hf:a/b:c:d"):
        assert refuse(tmp_path, name) == f"{name}: {told}"


def test_folder_and_glob_give_their_files_in_order(tmp_path: Path) -> None:
    (tmp_path / "d" / "deep").mkdir(parents=True)
    for name in ("d/b.jsonl", "d/a.json.gz", "d/deep/c.jsonl", "d/.hidden.jsonl", "d/README.md"):
        content = json.dumps({"from": name}).encode()
        (tmp_path / name).write_bytes(gzip.compress(content, mtime=0) if name.endswith("gz") else content)
    assert read_all(tmp_path, "d/") == [
        ("d/a.json.gz:1: record 1", {"from": "d/a.json.gz"}),
        ("d/b.jsonl:1: record 1", {"from": "d/b.jsonl"}),
    ]
    assert [place for place, _ in read_all(tmp_path, "d/**/*.jsonl")] == [
        "d/b.jsonl:1: record 1",
        "d/deep/c.jsonl:1: record 1",
    ]


def test_file_with_brackets_in_its_name_is_no_glob(tmp_path: Path) -> None:
    (tmp_path / "x[1].jsonl").write_bytes(LINES)
    assert [value for _, value in read_all(tmp_path, "x[1].jsonl")] == TWO


def test_source_that_stands_for_nothing_or_too_much_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    assert refuse(tmp_path, "*.jsonl") == "*.jsonl: no file fits"
    assert refuse(tmp_path, "d") == ("d: holds no data file; they end in .json, .jsonl, .ndjson, .csv, .parquet, .txt")
    for name in ("a.csv", "b.jsonl", "c.csv"):
        (tmp_path / "d" / name).write_bytes(b"a\n1\n")
    assert refuse(tmp_path, "d") == (
        "d: holds files of several kinds, such as d/a.csv and d/b.jsonl; name those of one"
    )
    assert refuse(tmp_path, "none.csv") == "none.csv: cannot be read: No such file or directory"
    assert refuse(tmp_path, "none.parquet") == "none.parquet: cannot be read: No such file or directory"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.gz", gzip.compress(LINES, mtime=0)[:-9], "cannot be unpacked: cut short"),
        ("x.gz", b"{}", "cannot be unpacked: Not a gzipped file (b'{}')"),
        ("x.zst", zstandard.compress(LINES)[:-3], "cannot be unpacked: cut short"),
        ("x.zst", zstandard.compress(LINES) + zstandard.compress(LINES)[:3], "cannot be unpacked: cut short"),
        ("x.parquet", b"PAR1", "cannot be read: Parquet file size is 4 bytes, smaller than the minimum file footer"),
        ("x.csv", b'a\n"1', "2: not CSV: unexpected end of data"),
        ("x.csv", b"a,a\n1,2", "1: two columns are called 'a'"),
        ("x.csv", b"a,b\n", " holds no records"),
        ("x.csv", b"", " holds no records"),
        ("x.txt", b" \n", " holds no records"),
        ("x.gz", gzip.compress(b"", mtime=0), " holds no records"),
    ],
)
def test_broken_file_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    line = refuse(tmp_path, name)
    assert line.startswith(f"{name}:") and told in line and "\n" not in line


@given(content=st.binary(), ending=st.sampled_from(["csv", "parquet", "txt", "json.gz", "json.zst"]))
def test_no_bytes_end_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes, ending: str) -> None:
    root = tmp_path_factory.mktemp("sources")
    (root / f"x.{ending}").write_bytes(content)
    try:
        assert read_all(root, f"x.{ending}")
    except UserError as error:
        assert "\n" not in str(error)


FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(rows=st.lists(st.tuples(FIELD, FIELD), min_size=1))
def test_csv_gives_back_what_was_written(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    root = tmp_path_factory.mktemp("sources")
    with (root / "x.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("a", "b"), *rows])
    assert [value for _, value in read_all(root, "x.csv")] == [{"a": one, "b": two} for one, two in rows]


def test_digest_covers_every_file_by_name_and_content(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(LINES)
    one = digest_inputs(find_inputs("*.jsonl", tmp_path))
    assert one == digest_inputs(find_inputs("a.jsonl", tmp_path))
    (tmp_path / "b.jsonl").write_bytes(LINES)
    two = digest_inputs(find_inputs("*.jsonl", tmp_path))
    (tmp_path / "b.jsonl").write_bytes(LINES + LINES)
    assert len({one, two, digest_inputs(find_inputs("*.jsonl", tmp_path))}) == 3
