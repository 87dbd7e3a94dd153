"""Conversion: one file to rows, whole or not at all, with every record accounted for."""

import importlib
import inspect
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipebook.data.account import Account, Rejection
from recipebook.data.conversion import convert_file
from recipebook.data.converter import find_converter
from recipebook.errors import UserError
from recipebook.project import PROJECT

HERE = str(PROJECT)
GOOD = b'{"input": "stop", "output": "robot.stop()"}'
ROW = {
    "messages": [{"role": "user", "content": "stop"}, {"role": "assistant", "content": "robot.stop()"}],
    "meta": {"category": "uncategorised"},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def convert(content: bytes, rejects: int | str = 0) -> tuple[Account, list[Any]]:
    Path("x.jsonl").write_bytes(content)
    account = convert_file("robot", "x.jsonl", Path("rows.jsonl"), {}, rejects)
    return account, [json.loads(line) for line in Path("rows.jsonl").read_bytes().splitlines()]


def row_of(number: int) -> dict[str, Any]:
    return {**ROW, "meta": {"category": "uncategorised", "origin": f"x.jsonl#{number}"}}


def test_rows_carry_their_origin_and_repeats_are_counted() -> None:
    assert convert(GOOD + b"\n" + GOOD) == (Account(records=2, rows=2, duplicates=1), [row_of(1), row_of(2)])


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"stop", "not JSON: unexpected character, expected a JSON value"),
        (b'["stop"]', "a list, not an object"),
        (b'{"input": "stop"}', "missing 'output'"),
        (b'{"input": "", "output": "robot.stop()"}', "'input' is empty"),
        (b'{"input": 3, "output": "robot.stop()"}', "'input' is a number, not a string"),
        (b'{"input": "stop", "output": {}}', "'output' is an object, not a string"),
        (b'{"input": "st\x00op", "output": "robot.stop()"}', "holds a NUL byte"),
        (b'{"input": "st\\u0000op", "output": "robot.stop()"}', "holds a NUL character"),
        (b'{"input": "' + b"x" * 10_000_000 + b'", "output": "robot.stop()"}', "larger than 4 MiB"),
        (b'{"input": "st\xffop", "output": "robot.stop()"}', "not UTF-8"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_broken_record_is_refused_or_counted(broken: bytes, reason: str) -> None:
    content = b"\n".join([GOOD, b"", broken, GOOD])
    with pytest.raises(UserError) as error:
        convert(content)
    assert str(error.value) == (
        f"x.jsonl:3: record 2: {reason} (1 of 3 records rejected, 0 allowed; raise --rejects to continue)"
    )
    assert [path.name for path in Path().iterdir()] == ["x.jsonl"]

    account, rows = convert(content, "40%")
    rejected = (Rejection(reason=reason, count=1, places=("x.jsonl:3: record 2",)),)
    assert account == Account(records=3, rows=2, duplicates=1, rejected=rejected)
    assert rows == [row_of(1), row_of(3)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "x.jsonl: holds no records"),
        (
            b'{\n "input": "stop"\n}',
            "x.jsonl: none of its 1 records became a row: 1 x missing 'output' (x.jsonl:1: record 1)",
        ),
        (b'[{"input": "stop"\n', "x.jsonl:2:1: not JSON: Expecting ',' delimiter"),
    ],
)
def test_broken_file_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(UserError) as error:
        convert(content, "100%")
    assert str(error.value) == message
    assert [path.name for path in Path().iterdir()] == ["x.jsonl"]


def test_byte_order_mark_and_crlf_change_no_row() -> None:
    account, rows = convert(b"\xef\xbb\xbf" + GOOD + b"\r\n" + GOOD + b"\r\n")
    assert rows == [row_of(1), row_of(2)]
    assert account.notes == (
        "x.jsonl:1: starts with a byte-order mark; read without it",
        "x.jsonl:1: lines end with a carriage return (CRLF); read without it",
    )


def test_no_row_at_all_is_an_error_whatever_the_limit() -> None:
    with pytest.raises(UserError) as error:
        convert(b"1\n2\nnull\n[]\n{}\n'a'", "100%")
    assert str(error.value) == (
        "x.jsonl: none of its 6 records became a row: 2 x a number, not an object (x.jsonl:1: record 1); "
        "1 x null, not an object (x.jsonl:3: record 3); 1 x a list, not an object (x.jsonl:4: record 4); "
        "2 other reasons"
    )
    assert not Path("rows.jsonl").exists()


def test_failed_conversion_leaves_older_rows_alone() -> None:
    convert(GOOD)
    with pytest.raises(UserError):
        convert(b"1")
    assert Path("rows.jsonl").read_bytes() == json.dumps(row_of(1), separators=(",", ":")).encode() + b"\n"


def test_unknown_converter_is_told_with_the_known() -> None:
    with pytest.raises(
        UserError, match=r"^no converter 'robto' in converters/; did you mean 'robot'\? it has: .*\brobot\b"
    ):
        find_converter("robto")


@pytest.mark.parametrize(("converter", "follows"), [("preference", True), ("chat", True), ("robot", False)])
def test_a_converters_hash_follows_the_tables_that_it_shares(
    monkeypatch: pytest.MonkeyPatch, converter: str, follows: bool
) -> None:
    before, read = find_converter(converter).hash_code(), inspect.getsource
    changed = importlib.import_module("converters._turns")
    monkeypatch.setattr(inspect, "getsource", lambda module: read(module) + "\nCHANGED = True\n" * (module is changed))
    assert (find_converter(converter).hash_code() != before) == follows


FIELD = st.none() | st.integers() | st.text(st.sampled_from("ab ;\n\r\"'\\\0é")) | st.lists(st.text("a;'"), max_size=2)
RECORD = st.dictionaries(st.sampled_from(["input", "output", "output_list", "category", "x"]), FIELD)
LINE = RECORD.map(lambda record: json.dumps(record).encode()) | st.binary(max_size=9) | st.just(GOOD)


@given(lines=st.lists(LINE))
def test_no_record_is_lost_and_nothing_ends_in_a_traceback(lines: list[bytes]) -> None:
    try:
        account, rows = convert(b"\n".join(lines), "100%")
    except UserError as error:
        assert str(error).startswith("x.jsonl") and "\n" not in str(error)
        return
    # The robot converter gives one row a record.
    assert account.records == len(rows) + account.rejects
    assert account.rows == len(rows)


def test_big_file_converted_in_several_processes_gives_the_same_rows_and_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = b"\xef\xbb\xbf" + b"\n".join([GOOD, b"", b"1", GOOD + b"\r"] * 200)
    account, rows = convert(content, "40%")
    monkeypatch.setattr("recipebook.data.conversion.SPAN", 512)
    assert convert(content, "40%") == (account, rows)
    assert (account.records, account.rows, account.duplicates, len(account.notes)) == (600, 400, 399, 2)
    with pytest.raises(UserError, match=r"^x\.jsonl:3: record 2: a number, not an object \(200 of 600 records"):
        convert(content)
    assert sorted(path.name for path in Path().iterdir()) == ["rows.jsonl", "x.jsonl"]


@pytest.mark.parametrize("records", [25_000, 200_000])
def test_a_long_conversion_tells_how_far_it_is_on_a_terminal_and_nowhere_else(records: int) -> None:
    Path("x.jsonl").write_bytes(GOOD[:-1] + b', "category": "a longer one than most"}\n')
    Path("x.jsonl").write_bytes(Path("x.jsonl").read_bytes() * records)
    command = [sys.executable, "-m", "recipebook", "convert", "--in", "x.jsonl", "--out", "rows.jsonl"]
    environment = os.environ | {"PYTHONPATH": HERE}

    def run(stderr: int) -> bytes | None:
        done = subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=stderr, env=environment)
        return done.stderr

    terminal, stderr = pty.openpty()
    run(stderr)
    os.close(stderr)
    assert re.search(r"\] [1-9]\d?/100 %, \d+ records", os.read(terminal, 2**16).decode())
    told = run(subprocess.PIPE)
    assert told is not None and b"\r" not in told
