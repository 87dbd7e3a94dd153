"""Workbooks of frames: every value is in them, no text is a formula, and nothing is cut off."""

import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pandas as pd
import pytest

from recipebook.errors import UserError
from recipebook.frames.columns import build_frame
from recipebook.frames.files import write_table
from recipebook.frames.schemas import PREDICTIONS
from tests.recipebook.frames.making import EMPTY, NAMES, NOON, make_frame


def read_cells(path: Path) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in openpyxl.load_workbook(path)["table"].iter_rows()]


def test_a_workbook_has_every_value_and_no_formula(tmp_path: Path) -> None:
    frame = make_frame(
        ("=1+1", 7, 0.1, True, NOON, "=left"),
        ("#DIV/0! \x07\r\n_x0041_ é", 2**62, float("nan"), False, None, "right"),
        EMPTY,
    )
    assert write_table(frame, tmp_path / "a.xlsx", "xlsx") == []
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        elements = [*ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml")).iter()]
    assert [one for one in elements if one.tag.endswith("}f")] == []
    assert [one.text for one in elements if one.tag.endswith("}t")] == [
        *NAMES, "=1+1", "=left",
        "#DIV/0! _x0007__x000D_\n_x005F_x0041_ é", "4611686018427387904", "nan", "right",
    ]  # fmt: skip
    rows = read_cells(tmp_path / "a.xlsx")
    assert rows[0] == NAMES
    assert rows[1] == ["=1+1", 7, 0.1, True, datetime(2026, 11, 20, 12, 30), "=left"]
    assert rows[2][1:] == ["4611686018427387904", "nan", False, None, "right"]
    assert rows[3:] in ([[None] * len(NAMES)], [])
    cells = openpyxl.load_workbook(tmp_path / "a.xlsx")["table"]
    assert [cells[place].quotePrefix for place in ("A1", "A2", "A3", "F2", "F3")] == [False, True, False, True, False]


def test_a_workbook_refuses_what_it_would_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    # Beyond the first plane, a character counts twice.
    write_table(make_frame(("😀" * 16_383, *EMPTY[1:])), path, "xlsx")
    assert read_cells(path)[1][0] == "😀" * 16_383
    with pytest.raises(UserError) as caught:
        write_table(make_frame(("😀" * 16_384, *EMPTY[1:])), path, "xlsx")
    assert str(caught.value) == (
        f"{path}: row 1 of text has 32,768 characters, and a cell of xlsx has 32,767; "
        "FORMAT=csv and FORMAT=parquet hold it"
    )
    with pytest.raises(UserError) as caught:
        write_table(pd.DataFrame({"step": range(1_048_576)}), path, "xlsx")
    assert str(caught.value) == (
        f"{path}: 1,048,576 rows of 1 columns, and a sheet of xlsx has 1,048,576 of 16,384; "
        "FORMAT=csv and FORMAT=parquet hold it"
    )


def test_a_workbook_without_rows_names_its_columns(tmp_path: Path) -> None:
    write_table(build_frame(PREDICTIONS, []), tmp_path / "a.xlsx", "xlsx")
    assert read_cells(tmp_path / "a.xlsx") == [[column.name for column in PREDICTIONS.columns]]
