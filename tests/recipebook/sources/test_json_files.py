"""Text files of records: every record is read or told broken, with its number and line."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipebook.errors import UserError
from recipebook.sources.blocks import Position
from recipebook.sources.json_files import cut, read, read_span


def read_all(folder: Path, content: bytes) -> tuple[list[tuple[int, int, Any]], list[str]]:
    path, notes = folder / "x.jsonl", dict[str, str]()
    path.write_bytes(content)
    found = [(each.number, each.line, each.value) for each in read(path, "x.jsonl", Position(), notes)]
    return [(number, line, value if isinstance(value, dict) else str(value)) for number, line, value in found], list(
        notes.values()
    )


@pytest.mark.parametrize(
    ("content", "records"),
    [
        (b'{"a":1}\n\n{"a":2}', [(1, 1, {"a": 1}), (2, 3, {"a": 2})]),
        (b'\n [{"a":1},\n {"a":2}\n]\n', [(1, 2, {"a": 1}), (2, 3, {"a": 2})]),
        (b'[{"a":1}]', [(1, 1, {"a": 1})]),
        (b"[1]\n[2]\n", [(1, 1, "a list, not an object"), (2, 2, "a list, not an object")]),
        (b"[[1], 2]", [(1, 1, "a list, not an object"), (2, 1, "a number, not an object")]),
        (b'{"a":1}\n{"a":', [(1, 1, {"a": 1}), (2, 2, "not JSON: unexpected end of data")]),
        (b'"a"\nnull', [(1, 1, "a string, not an object"), (2, 2, "null, not an object")]),
        (b"true\n1.5", [(1, 1, "a boolean, not an object"), (2, 2, "a number, not an object")]),
        (b'{"a":"\xff"}', [(1, 1, "not UTF-8")]),
        (b'[{"a":"\xff"},{"a":"\xc3\xa9"}]', [(1, 1, "not UTF-8"), (2, 1, {"a": "é"})]),
        (b'{"a":"\x00"}', [(1, 1, "holds a NUL byte")]),
        (b'{"a":["\\u0000"]}', [(1, 1, "holds a NUL character")]),
        (b'{"\\u0000":1}', [(1, 1, "holds a NUL character")]),
        (b'{"a":"\\\\u0000"}', [(1, 1, {"a": "\\u0000"})]),
        (b'{"a":"\\ud800"}', [(1, 1, "not JSON: no low surrogate in string")]),
        (b'{"a":' * 2000, [(1, 1, "not JSON: depth limit exceeded")]),
        (b'{"data":[{"a":1},{"a":2}]}', [(1, 1, {"a": 1}), (2, 1, {"a": 2})]),
        (b'{\n"rows": [\n{"a":1},\n3]}', [(1, 3, {"a": 1}), (2, 4, "a number, not an object")]),
        (b'{"0":{"a":1},\n"1":{"a":2}}', [(1, 1, {"a": 1}), (2, 2, {"a": 2})]),
        (b'{"data":[{"a":1}]}\n{"0":{}}', [(1, 1, {"data": [{"a": 1}]}), (2, 2, {"0": {}})]),
        (b'{"data":[1]}', [(1, 1, {"data": [1]})]),
        (b'{"messages":[{"a":1}]}', [(1, 1, {"messages": [{"a": 1}]})]),
        (b'{"0":{},"x":{}}', [(1, 1, {"0": {}, "x": {}})]),
        (b'\n{\n"a": 1\n}\n', [(1, 2, {"a": 1})]),
        (b'{"a":[\n1]}', [(1, 1, {"a": [1]})]),
        (b'{"messages": [\n  {"role": "user"}\n]}', [(1, 1, {"messages": [{"role": "user"}]})]),
        (b'{"a":[\n{"a":1}', [(1, 1, "not JSON: unexpected end of data"), (2, 2, {"a": 1})]),
    ],
)
def test_content_gives_these_records(tmp_path: Path, content: bytes, records: list[Any]) -> None:
    assert read_all(tmp_path, content) == (records, [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "x.jsonl: holds no records"),
        (b" \n\n", "x.jsonl: holds no records"),
        (b"\xef\xbb\xbf", "x.jsonl: holds no records"),
        (b"[]", "x.jsonl: holds no records"),
        (b'{\n"data":[{"a":1},\n{"a":}]}', "x.jsonl:3:6: not JSON: Expecting value"),
        (b'{\n"data":[{"a":1}]\n}\n{}', "x.jsonl:4:1: not JSON: unexpected content after the end"),
        (b'{\n"data":1 "a":2}', "x.jsonl:2:10: not JSON: expected ',' or '}'"),
        (b"{\ndata:1}", "x.jsonl:2:1: not JSON: expected a key in double quotes"),
        (b'{\n"data"1}', "x.jsonl:2:7: not JSON: expected ':'"),
        (b'{\n"data":' + b"[" * 100_000, "x.jsonl:2: not JSON: nested too deeply"),
        (b'[{"a":1},\n{"a":}]', "x.jsonl:2:6: not JSON: Expecting value"),
        (b'[{"a":1}\n{"a":2}]', "x.jsonl:2:1: not JSON: expected ',' or ']'"),
        (b'[{"a":1},]', "x.jsonl:1:10: not JSON: trailing comma"),
        (b'[{"a":1},', "x.jsonl:1:10: not JSON: Expecting value"),
        (b'[{"a":1}] x', "x.jsonl:1:11: not JSON: unexpected content after the end"),
        (b"[\n" + b"[" * 100_000, "x.jsonl:2: not JSON: nested too deeply"),
    ],
)
def test_file_is_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(UserError) as error:
        read_all(tmp_path, content)
    assert str(error.value) == message


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none.json", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(UserError) as error:
            list(read(path, "data", Position(), {}))
        assert str(error.value) == f"data: cannot be read: {why}"


def test_byte_order_mark_and_crlf_are_noted_once_and_change_no_record(tmp_path: Path) -> None:
    records, notes = read_all(tmp_path, b'\xef\xbb\xbf{"a":1}\n{"a":2}\r\n\r\n{"a":3}\r\n')
    assert records == [(1, 1, {"a": 1}), (2, 2, {"a": 2}), (3, 4, {"a": 3})]
    assert notes == [
        "x.jsonl:1: starts with a byte-order mark; read without it",
        "x.jsonl:2: lines end with a carriage return (CRLF); read without it",
    ]


def test_table_by_columns_as_pandas_writes_it_gives_its_rows(tmp_path: Path) -> None:
    table = b'{"a":{"0":"x","1":12345678901234567890123},"b":{"0":"y"}}'
    assert read_all(tmp_path, table) == (
        [(1, 1, {"a": "x", "b": "y"}), (2, 1, {"a": 12345678901234567890123})],
        ["x.jsonl: read as a table by columns, of which the first is 'a'"],
    )


def test_table_by_columns_that_are_lists_gives_its_rows(tmp_path: Path) -> None:
    assert read_all(tmp_path, b'{"a": ["x", 12345678901234567890123], "b": [["y"], null]}') == (
        [(1, 1, {"a": "x", "b": ["y"]}), (2, 1, {"a": 12345678901234567890123, "b": None})],
        ["x.jsonl: read as a table by columns, of which the first is 'a'"],
    )
    split = b'{"columns": ["a", "b"], "index": [0, 1, 2], "data": [["x", 1], ["y", null], ["z", 3]]}'
    rows = [{"a": "x", "b": 1}, {"a": "y", "b": None}, {"a": "z", "b": 3}]
    assert [value for _, _, value in read_all(tmp_path, split)[0]] == rows
    lengths = r"^x.jsonl: a table by columns of which 'b' has 1 rows, and 'a' has 2$"
    with pytest.raises(UserError, match=lengths):
        read_all(tmp_path, b'{"a": ["x", "y"], "b": ["z"]}')


def test_lists_of_one_record_are_no_columns(tmp_path: Path) -> None:
    for record in ({"texts": ["hi", "Hello!"]}, {"prompt": [{"a": 1}], "completion": [{"a": 2}]}, {"a": [1], "b": []}):
        assert read_all(tmp_path, json.dumps(record).encode()) == ([(1, 1, record)], [])


@pytest.mark.parametrize(
    "table", [b'{"a":{"0":"x"},"b":{"0":"y"},"a":{"0":"z"}}', b'{"a":{"0":"x","0":"y"},"b":{"0":"z"}}']
)
def test_table_with_a_column_or_a_row_twice_is_refused(tmp_path: Path, table: bytes) -> None:
    with pytest.raises(UserError, match=r"^x.jsonl: a table by columns that has '[a0]' twice in one object$"):
        read_all(tmp_path, table)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_utf_16_is_known_by_its_mark(tmp_path: Path, encoding: str) -> None:
    for content, line in (('{"a":"é"}\n[1]\n', 2), ('[{"a":"é"},[1]]', 1)):
        assert read_all(tmp_path, f"\ufeff{content}".encode(encoding)) == (
            [(1, 1, {"a": "é"}), (2, line, "a list, not an object")],
            ["x.jsonl:1: starts with a byte-order mark; read without it"],
        )
    with pytest.raises(UserError, match=r"^x.jsonl: begins as UTF-(16|32) and is not: "):
        read_all(tmp_path, '\ufeff{"a":1}'.encode(encoding)[:-1])


def test_list_means_the_same_wherever_a_block_ends(tmp_path: Path) -> None:
    item = b'{"k": "\xc3\xa9\\u00e9\\ud83d\\ude00\\n", "n": -12.5e3, "t": true, "x": [null, {}]}'
    value = {"k": "éé😀\n", "n": -12500.0, "t": True, "x": [None, {}]}
    for shift in range(len(item) + 3):
        before = b"[" + b" " * (2**18 - len(item) - 3 + shift)
        assert read_all(tmp_path, before + item + b",\n " + item + b"]")[0] == [(1, 1, value), (2, 2, value)]
    with pytest.raises(UserError) as error:
        read_all(tmp_path, b"[\n" + b" " * 2**18 + item + b",\n  x]")
    assert str(error.value) == "x.jsonl:3:3: not JSON: Expecting value"


def test_what_stands_beside_the_records_is_noted(tmp_path: Path) -> None:
    assert read_all(tmp_path, b'{"info":"x","data":[{"a":1}],"n\\n\xc3\xa9":[2]}') == (
        [(1, 1, {"a": 1})],
        ["x.jsonl: the records are those under 'data'; read without 'info', 'n\\né'"],
    )


def test_list_with_crlf_is_noted(tmp_path: Path) -> None:
    assert read_all(tmp_path, b'[\n{"a":1},\r\n{"a":2}]') == (
        [(1, 2, {"a": 1}), (2, 3, {"a": 2})],
        ["x.jsonl:2: lines end with a carriage return (CRLF); read without it"],
    )


def test_huge_line_is_one_bad_record_among_good_ones(tmp_path: Path) -> None:
    huge = b'{"a":"' + b"x" * 10_000_000 + b'"}'
    good = b'{"a":1}'
    expected = [(1, 1, {"a": 1}), (2, 2, "larger than 4 MiB"), (3, 3, {"a": 1})]
    assert read_all(tmp_path, b"\n".join([good, huge, good]))[0] == expected
    listed = b"[" + b",\n".join([good, huge, good]) + b"]"
    assert read_all(tmp_path, listed)[0] == expected
    nested = b'{"a":[' + b'{"b":"]\\\\"},[],' * 700_000 + b'{"c":"\\""}]}'
    assert read_all(tmp_path, b"[" + b",\n".join([good, nested, good]) + b"]")[0] == expected
    with pytest.raises(UserError) as error:
        read_all(tmp_path, b'[{"a":"' + b"x" * 20_000_000 + b'"}]')
    assert str(error.value).endswith(": not JSON: a value larger than 16 MiB")


def test_lines_longer_than_a_block_are_read_whole(tmp_path: Path) -> None:
    values = [{"a": "x" * size} for size in (2**18 - 9, 2**18, 3 * 2**18, 5)]
    content = b"\n".join(json.dumps(value).encode() for value in values)
    assert read_all(tmp_path, content)[0] == [(at, at, value) for at, value in enumerate(values, 1)]


TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=8,
)


RECORD = st.dictionaries(st.text("abc"), JSON, max_size=3)


@given(values=st.lists(RECORD, min_size=1), indent=st.sampled_from([None, 1]))
def test_list_and_jsonl_give_the_same_records(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], indent: int | None
) -> None:
    folder = tmp_path_factory.mktemp("records")
    lines = b"\n".join(json.dumps(value).encode() for value in values)
    assert read_all(folder, lines)[0] == [(at, at, value) for at, value in enumerate(values, 1)]
    listed = read_all(folder, json.dumps(values, indent=indent).encode())[0]
    assert [(number, value) for number, _, value in listed] == list(enumerate(values, 1))


@given(
    content=st.binary()
    | st.lists(
        st.sampled_from([b"{", b"}", b"[", b"]", b",", b":", b'"a"', b"1", b"\n", b"\r", b" ", b"\x00", b"\xff", b"\\"])
    ).map(b"".join)
)
def test_no_bytes_end_in_a_traceback_or_skip_a_record(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    try:
        records = read_all(tmp_path_factory.mktemp("records"), content)[0]
    except UserError as error:
        assert str(error).startswith("x.jsonl:") and "\n" not in str(error)
        return
    assert [number for number, _, _ in records] == list(range(1, len(records) + 1))
    text = content.removeprefix(b"\xef\xbb\xbf")
    if not text.lstrip(b" \t\r\n").startswith(b"["):
        filled = [at for at, line in enumerate(text.split(b"\n"), 1) if line.strip(b" \t\r")]
        assert [line for _, line, _ in records] == filled


LINES = st.lists(st.sampled_from([b'{"a":1}', b"", b" ", b"x", b'{"a":"' + b"y" * 40 + b'"}', b"\r"]), min_size=1)


@given(lines=LINES, count=st.integers(1, 5), mark=st.sampled_from([b"", b"\xef\xbb\xbf"]))
def test_spans_hold_the_records_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], count: int, mark: bytes
) -> None:
    folder = tmp_path_factory.mktemp("records")
    content = b'{"a":0}\n{"a":0}\n' + b"\n".join(lines)
    whole, _ = read_all(folder, mark + content)
    path = folder / "x.jsonl"
    spans = list(cut(path, "x.jsonl", {}, count) or [])
    found = [each for span in spans for each in read_span(path, "x.jsonl", {}, span)]
    told = [(number, line, value if isinstance(value, dict) else str(value)) for number, line, value in found]
    assert 1 <= len(spans) <= count
    assert told == whole


@pytest.mark.parametrize("control", [b"\x00", b"\x01", b"\x0b"])
def test_a_blank_line_is_no_record_beside_one_that_starts_with_a_control_character(
    tmp_path: Path, control: bytes
) -> None:
    records, _ = read_all(tmp_path, b'{"a":0}\n{"a":1}\n' + control + b'\n \n\n{"a":2}\n')
    assert [(number, line) for number, line, _ in records] == [(1, 1), (2, 2), (3, 3), (4, 6)]
