"""Sources: files, globs, folders, archives, tables and saved datasets give the same records, each with its place."""

import bz2
import csv
import gzip
import json
import lzma
import pickle
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
from recipebook.sources.inputs import digest_inputs, find_inputs, measure
from tests.recipebook.sources.reading import LINES, TWO, pack_tar, pack_zip, read_all, refuse


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
        ("x.JSONL.GZ", gzip.compress(LINES, mtime=0)),
        ("x.jsonl.xz", lzma.compress(LINES)),
        ("x.jsonl.xz", lzma.compress(LINES[:12]) + bytes(4) + lzma.compress(LINES[12:])),
        ("x.zip", pack_zip(a_jsonl=LINES, README_md=b"x")),
        ("x.ZIP", pack_zip(a_jsonl=LINES[:11], b_jsonl=LINES[11:])),
        ("x.csv", b"a\n1\n\xc3\xa9\n"),
        ("x.CSV", "\ufeffa\r\n1\r\né\r\n".encode("utf-16-le")),
        ("x.tsv", b"a\n1\n\xc3\xa9\n"),
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


def test_tabs_separate_the_fields_of_a_tsv_and_other_separators_of_a_csv_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_bytes(b'instruction\tinput\nhi, "you"\t\n')
    assert read_all(tmp_path, "x.tsv") == [("x.tsv:2: record 1", {"instruction": 'hi, "you"', "input": ""})]
    (tmp_path / "x.csv").write_bytes(b"input;output\nstop;robot.stop()\n")
    assert refuse(tmp_path, "x.csv") == (
        "x.csv:1: one column, 'input;output': separate fields by commas, not by ';', or by tabs in a file that ends "
        "in .tsv"
    )
    (tmp_path / "x.csv").write_bytes(b"one\na;b\n")
    assert read_all(tmp_path, "x.csv") == [("x.csv:2: record 1", {"one": "a;b"})]
    (tmp_path / "x.csv").write_bytes(b"one,\xff\na,b\n")
    assert refuse(tmp_path, "x.csv") == "x.csv:1: the column '\\udcff' is not UTF-8"


def test_parquet_rows_are_what_they_would_be_in_jsonl(tmp_path: Path) -> None:
    write_parquet(tmp_path / "x.parquet", {"a": ["é", None, "x\0"], "b": [[{"c": 1}], [], None]})
    assert read_all(tmp_path, "x.parquet") == [
        ("x.parquet: row 1", {"a": "é", "b": [{"c": 1}]}),
        ("x.parquet: row 2", {"a": None, "b": []}),
        ("x.parquet: row 3", "holds a NUL character"),
    ]
    write_parquet(tmp_path / "y.parquet", {"a": [b"1", None, b"\x89PNG"]})
    assert read_all(tmp_path, "y.parquet") == [
        ("y.parquet: row 1", {"a": "1"}),
        ("y.parquet: row 2", {"a": None}),
        ("y.parquet: row 3", "'a' holds bytes that are no text"),
    ]
    broken = pyarrow.array([b"\xff", b"1"]).view(pyarrow.string())
    write_parquet(tmp_path / "z.parquet", {"a": broken})
    assert [value for _, value in read_all(tmp_path, "z.parquet")] == ["'a' is not UTF-8", {"a": "1"}]


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
    assert read_all(tmp_path, "one") == [("one: row 1", TWO[0]), ("one: row 2", TWO[1])]
    assert digest_inputs(find_inputs("two/test", tmp_path)) == digests[2]
    assert refuse(tmp_path, "two") == "two: has several splits; name one of: train, test, as in hf:two:train"
    (tmp_path / "one" / "state.json").write_text('{"_data_files": [{"filename": "data-1.arrow"}]}')
    assert refuse(tmp_path, "one") == "one: state.json lists data-1.arrow, which is not there"
    (tmp_path / "one" / "state.json").write_text("[]")
    assert refuse(tmp_path, "one") == "one: state.json is not what datasets writes"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.gz", gzip.compress(LINES, mtime=0)[:-9], "cannot be unpacked: cut short"),
        ("x.gz", b"{}", "cannot be unpacked: Not a gzipped file (b'{}')"),
        ("x.zst", zstandard.compress(LINES)[:-3], "cannot be unpacked: cut short"),
        ("x.zst", zstandard.compress(LINES) + zstandard.compress(LINES)[:3], "cannot be unpacked: cut short"),
        ("x.xz", lzma.compress(LINES)[:-9], "cannot be unpacked: cut short"),
        ("x.xz", b"{}", "cannot be unpacked: Input format not supported by decoder"),
        ("x.json", lzma.compress(LINES), "begins as xz files do; name it so that it ends in .xz"),
        ("x.json", pack_zip(a_jsonl=LINES), "begins as zip files do; name it so that it ends in .zip"),
        ("x.zip", pack_zip(a_jsonl=LINES)[:-30], "no whole archive: File is not a zip file"),
        (
            "x.xlsx",
            pack_zip(a_xml=LINES),
            "begins as an Office document does, which is not read; save its records as CSV",
        ),
        ("x.jsonl.bz2", bz2.compress(LINES), "begins as one packed by bzip2 does, which is not read; save its records"),
        ("x.tar", pack_tar(a_jsonl=LINES), "begins as a tar archive does, which is not read; save its records as CSV"),
        ("x.tar.gz", gzip.compress(pack_tar(a_jsonl=LINES)), "begins as a tar archive does, which is not read; save"),
        ("x.pkl", pickle.dumps([1]), "begins as a pickle does, which is not read; save its records as CSV, JSON or"),
        ("x.zip", pack_zip(README_md=LINES), "holds no data file; they end in .json"),
        ("x.zip", pack_zip(a_jsonl=LINES, b_csv=LINES), "holds files of several kinds, such as x.zip/a.jsonl"),
        ("x.zip", pack_zip(a_jsonl_gz=LINES), "a.jsonl.gz is packed twice; unpack the archive first"),
        ("x.arrow", b"ARROW1", "cannot be read: "),
        ("x.tsv", b'a\n"1', "2: not TSV: unexpected end of data"),
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


ENDINGS = ["csv", "tsv", "parquet", "arrow", "txt", "jsonl", "json.gz", "json.zst", "json.xz", "zip"]


@given(content=st.binary(), ending=st.sampled_from(ENDINGS))
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
