"""Files of frames: every value is in them, no text is a formula, and what a form cannot hold is refused in one line."""

import io
from pathlib import Path

import pandas as pd
import pytest

from recipebook.errors import UserError
from recipebook.frames.columns import build_frame
from recipebook.frames.files import write_table
from recipebook.frames.schemas import PREDICTIONS
from tests.recipebook.frames.making import EMPTY, NOON, make_frame


def test_csv_has_every_value_and_no_formula(tmp_path: Path) -> None:
    frame = make_frame(
        ("=1+1", 2**62, 0.1, True, NOON, "=left"),
        ('say "é",\nplease', -3, float("nan"), False, None, "right"),
        ("'@x", None, -1.5, None, None, None),
    )
    notes = write_table(frame, tmp_path / "a.csv", "csv")
    assert (tmp_path / "a.csv").read_bytes().decode() == (
        "text,whole,number,sure,time,side\n"
        "'=1+1,4611686018427387904,0.1,True,2026-11-20 12:30:00+00:00,'=left\n"
        '"say ""é"",\nplease",-3,nan,False,,right\n'
        "''@x,,-1.5,,,\n"
    )
    assert notes == [
        "3 cells begin as a formula does (=, +, -, @) and got an apostrophe in front, so that no spreadsheet runs it; "
        "FORMAT=parquet has the text as it is"
    ]


def test_csv_without_formulas_has_no_note(tmp_path: Path) -> None:
    assert write_table(make_frame(("a", 1, 1.0, True, NOON, "right")), tmp_path / "a.csv", "csv") == []


def test_a_column_that_is_named_like_a_formula_is_none_in_csv(tmp_path: Path) -> None:
    frame = pd.DataFrame({"=loss": pd.array([0.5], dtype="Float64")})
    (note,) = write_table(frame, tmp_path / "a.csv", "csv")
    assert (tmp_path / "a.csv").read_text() == "'=loss\n0.5\n"
    assert note.startswith("1 cell begins as a formula does")


def test_parquet_gives_the_same_frame_back_with_its_dtypes(tmp_path: Path) -> None:
    frame = make_frame(("=1+1", 2**62, 0.1, True, NOON, "=left"), ("", -3, float("nan"), False, None, "right"), EMPTY)
    assert write_table(frame, tmp_path / "a.parquet", "parquet") == []
    # From memory: reading a file by its name, pyarrow may abort when Python ends.
    found = pd.read_parquet(io.BytesIO((tmp_path / "a.parquet").read_bytes()))
    pd.testing.assert_frame_equal(found, frame)
    assert found["number"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_frame_without_rows_is_a_file_of_its_columns(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"a.{form}"
    write_table(build_frame(PREDICTIONS, []), path, form)
    names = [column.name for column in PREDICTIONS.columns]
    if form == "csv":
        assert path.read_text() == ",".join(names) + "\n"
    else:
        pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(path.read_bytes())), build_frame(PREDICTIONS, []))


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_half_a_character_is_refused_and_leaves_the_earlier_file(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a"
    path.write_text("earlier")
    with pytest.raises(UserError) as caught:
        write_table(make_frame(EMPTY, ("\ud83d", None, None, None, None, None)), path, form)
    assert str(caught.value) == f"{path}: row 2 of text holds half of a character, which UTF-8 cannot write"
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("a", "earlier")]


def test_a_file_that_cannot_be_written_whole_leaves_the_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("earlier")
    odd = pd.DataFrame({"whole": [Breaking()]})
    with pytest.raises(RuntimeError):
        write_table(odd, path, "csv")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("a.csv", "earlier")]


class Breaking:
    def __str__(self) -> str:
        raise RuntimeError("in the middle")

    __repr__ = __str__
