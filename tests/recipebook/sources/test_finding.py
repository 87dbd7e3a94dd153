"""Sources by their names: which files a folder, a glob, an archive or an address stands for, and which are refused."""

import gzip
import json
import os
import re
import zipfile
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.sources.inputs import digest_inputs, find_inputs, note_deeper
from tests.recipebook.sources.reading import LINES, TWO, pack_zip, read_all, refuse


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


def test_data_files_that_lie_too_deep_in_a_folder_are_noted(tmp_path: Path) -> None:
    for name in (
        "d/a.jsonl",
        "d/old/b.jsonl",
        "d/old/c.txt",
        "d/old/.cache/x.jsonl",
        "d/.git/y.jsonl",
        "d/e/README.md",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('{"a": 1}\n')
    line = "d: data files in folders inside it are not read (2, such as old/b.jsonl); the pattern d/**/*.jsonl has them"
    assert note_deeper("d/", find_inputs("d/", tmp_path)) == {"deeper d": line}
    assert note_deeper("d/a.jsonl", find_inputs("d/a.jsonl", tmp_path)) == {}
    assert note_deeper("d/**/*.jsonl", find_inputs("d/**/*.jsonl", tmp_path)) == {}
    assert note_deeper("d/old/*.jsonl", find_inputs("d/old/*.jsonl", tmp_path)) == {}


def test_folder_of_several_splits_is_refused_and_a_pattern_is_not(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for name in ("train-00000-of-00001.jsonl", "test-00000-of-00001.jsonl"):
        (tmp_path / "d" / name).write_bytes(LINES)
    assert refuse(tmp_path, "d") == (
        "d: holds files of several splits, such as d/train-00000-of-00001.jsonl and d/test-00000-of-00001.jsonl; "
        "name those of one, or all of them by a pattern such as d/*"
    )
    assert len(read_all(tmp_path, "d/*")) == 4


def test_file_of_an_archive_has_a_name_and_a_digest_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(pack_zip(a_jsonl=LINES, b_jsonl=LINES))
    assert [place for place, _ in read_all(tmp_path, "x.zip")][1:3] == [
        "x.zip/a.jsonl:2: record 2",
        "x.zip/b.jsonl:1: record 1",
    ]
    assert read_all(tmp_path, "x.zip/b.jsonl")[0] == ("x.zip/b.jsonl:1: record 1", TWO[0])
    assert len({digest_inputs(find_inputs(f"x.zip{name}", tmp_path)) for name in ("", "/a.jsonl", "/b.jsonl")}) == 3
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "y.zip").write_bytes(pack_zip(a_csv=b"a\n1\n"))
    assert read_all(tmp_path, "d") == [("d/y.zip/a.csv:2: record 1", {"a": "1"})]


def test_file_with_brackets_in_its_name_is_no_glob(tmp_path: Path) -> None:
    (tmp_path / "x[1].jsonl").write_bytes(LINES)
    assert [value for _, value in read_all(tmp_path, "x[1].jsonl")] == TWO


def test_source_that_stands_for_nothing_or_too_much_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    assert refuse(tmp_path, "*.jsonl") == "*.jsonl: no file fits"
    assert refuse(tmp_path, "d") == (
        "d: holds no data file; they end in .json, .jsonl, .ndjson, .csv, .tsv, .parquet, .arrow, .feather, .txt"
    )
    for name in ("a.csv", "b.jsonl", "c.csv"):
        (tmp_path / "d" / name).write_bytes(b"a\n1\n")
    assert refuse(tmp_path, "d") == (
        "d: holds files of several kinds, such as d/a.csv and d/b.jsonl; name those of one"
    )
    assert refuse(tmp_path, "none.csv") == "none.csv: cannot be read: No such file or directory"
    assert refuse(tmp_path, "none.parquet") == "none.parquet: cannot be read: No such file or directory"


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/stdin", "pipe"])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert re.search(f"^{name}: is a (device|pipe), which cannot be read twice; save ", refuse(tmp_path, name))
    with pytest.raises(UserError, match=r": is a (device|pipe), "):
        digest_inputs(find_inputs(name, tmp_path))


def test_digest_covers_every_file_by_name_and_content(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(LINES)
    one = digest_inputs(find_inputs("*.jsonl", tmp_path))
    assert one == digest_inputs(find_inputs("a.jsonl", tmp_path))
    (tmp_path / "b.jsonl").write_bytes(LINES)
    two = digest_inputs(find_inputs("*.jsonl", tmp_path))
    (tmp_path / "b.jsonl").write_bytes(LINES + LINES)
    assert len({one, two, digest_inputs(find_inputs("*.jsonl", tmp_path))}) == 3


@pytest.mark.parametrize("source", ["https://user:pw@x.org/a.jsonl?token=abc", "s3://bucket/a.jsonl?sig=abc"])
def test_an_address_is_refused_without_the_keys_in_it(source: str) -> None:
    with pytest.raises(UserError) as error:
        find_inputs(source, Path())
    scheme = source.partition("://")[0]
    assert str(error.value) == (
        f"{scheme}://…: addresses are not read; download the file, or name a dataset as hf:OWNER/NAME"
    )


def test_an_archive_of_several_splits_and_a_link_to_nothing_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in ("train.jsonl", "test.jsonl"):
            archive.writestr(name, '{"a": 1}\n')
    with pytest.raises(UserError) as error:
        find_inputs("all.zip", tmp_path)
    told = (
        "all.zip: holds files of several splits, such as all.zip/train.jsonl and all.zip/test.jsonl; name those of one"
    )
    assert str(error.value) == told
    assert [each.name for each in find_inputs("all.zip/train.jsonl", tmp_path)] == ["all.zip/train.jsonl"]
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.jsonl").write_text('{"a": 1}\n')
    (tmp_path / "folder" / "b.jsonl").symlink_to("gone.jsonl")
    with pytest.raises(UserError, match=r"folder/b\.jsonl: cannot be read: No such file"):
        [list(each.read({})) for each in find_inputs("folder", tmp_path)]
