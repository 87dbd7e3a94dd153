"""Predictions are read whole or refused with the line at fault."""

from pathlib import Path

import pytest

from eval.scoring.predictions import Prediction, read_predictions
from recipebook.errors import UserError


def test_lines_of_any_system_are_read(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"prediction": "a", "reference": "b", "lang": "de"}\r\n\n'
        b'{"id": 7, "prediction": "c", "reference": "d", "meta": {"lang": "fr"}, "truncated": true}\n'
    )
    assert read_predictions(path) == [
        Prediction(id="1", prediction="a", reference="b", meta={"lang": "de"}),
        Prediction(id="7", prediction="c", reference="d", meta={"lang": "fr"}, truncated=True),
    ]


def test_a_list_of_predictions_is_read(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_bytes(
        b'[\n {"prediction": "a", "reference": "b"}, {"prediction": "c", "reference": "d"}]'
    )
    assert read_predictions(tmp_path / "p.json") == [
        Prediction(id="1", prediction="a", reference="b"),
        Prediction(id="2", prediction="c", reference="d"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ": no predictions in it"),
        (b"{}\n", ":1: 'reference': Field required, got {'id': '1', 'meta': {}}"),
        (b'{"prediction": "a", "reference": 3}', ":1: 'reference': Input should be a valid string, got 3"),
        (b"\n3", ":2: a JSON object was expected, not int"),
        (b"[\n[]]", ":2: a JSON object was expected, not list"),
        (b'{"prediction": "a"', ":1: not JSON: Expecting ',' delimiter at column 19"),
        (b'{"prediction": "\xff"}', ":1: not UTF-8 at byte 17"),
        (b'{"a":' * 100_000, ":1: not JSON that can be read: too long a number or too deep"),
        (b"[" * 100_000, ":1: not JSON: nested too deeply"),
        (b'{"prediction": "a", "reference": "b", "meta": 3}', ":1: 'meta' must be an object, not 3"),
        (b'{"id": "x", "prediction": "", "reference": ""}\n' * 2, ":2: id 'x' again; it stands on line 1"),
        (
            b'{"prediction": "", "reference": ""}\n{"prediction": "", "reference": "", "baseline": ""}',
            ":2: 'baseline' must be on every line or on none",
        ),
    ],
)
def test_a_bad_line_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        read_predictions(path)
    assert str(error.value) == f"{path}{message}"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: No such file or directory"):
        read_predictions(tmp_path / "none.jsonl")


def test_rows_of_one_record_are_one_group() -> None:
    assert Prediction(id="1", reference="", prediction="", meta={"origin": "a#1"}).group == "a#1"
    assert Prediction(id="1", reference="", prediction="").group == "1"
