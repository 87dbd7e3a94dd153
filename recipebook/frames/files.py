"""A frame in; a file of it out: CSV, Parquet or a workbook of Excel, whole or not at all.

    write_table(frame, Path("runs/tables/robot-lora.predictions.csv"), "csv")

No text is run as a formula by whatever opens the file: a cell of CSV is disarmed (formulas.py), a cell of a workbook
says that it is text (workbook.py), and Parquet has no formulas.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pandas as pd

from recipebook.errors import UserError
from recipebook.files import replacing
from recipebook.frames.formulas import disarm, is_formula

# Of a sheet of Excel.
MOST_ROWS, MOST_COLUMNS, MOST_UNITS = 1_048_576, 16_384, 32_767

Writer = Callable[[pd.DataFrame, IO[bytes]], None]


def write_table(frame: pd.DataFrame, path: Path, form: str) -> list[str]:
    """Write the frame in one of FORMATS; return a line for whatever a reader of the file should know.

    A UserError names the first cell that the form cannot hold.
    """
    if form != "parquet":
        categories = {name: frame[name].astype("string") for name in frame.select_dtypes("category")}
        frame = frame.assign(**categories)
    for row, name, text in _list_texts(frame):
        _check_text(text, f"{path}: row {row} of {name}", form)
    if form == "xlsx" and (len(frame) >= MOST_ROWS or len(frame.columns) > MOST_COLUMNS):
        size = f"{len(frame):,} rows of {len(frame.columns):,} columns"
        raise UserError(f"{path}: {size}, and a sheet of xlsx has {MOST_ROWS:,} of {MOST_COLUMNS:,}{OTHERS}")
    notes = [*_note_formulas(frame)] if form == "csv" else []
    with replacing(path) as file:
        FORMATS[form](frame, file)
    return notes


def _write_csv(frame: pd.DataFrame, file: IO[bytes]) -> None:
    texts = {name: frame[name].map(disarm, na_action="ignore") for name in frame.select_dtypes("string")}
    frame.assign(**texts).rename(columns=disarm).to_csv(file, index=False, lineterminator="\n", encoding="utf-8")


def _write_parquet(frame: pd.DataFrame, file: IO[bytes]) -> None:
    frame.to_parquet(file, engine="pyarrow", index=False)


def _write_xlsx(frame: pd.DataFrame, file: IO[bytes]) -> None:
    # Only here: the other forms should not wait for openpyxl.
    from recipebook.frames.workbook import write_workbook

    write_workbook(frame, file)


FORMATS: dict[str, Writer] = {"csv": _write_csv, "parquet": _write_parquet, "xlsx": _write_xlsx}
OTHERS = "; FORMAT=csv and FORMAT=parquet hold it"


def _note_formulas(frame: pd.DataFrame) -> Iterator[str]:
    names = [1 for name in frame.columns if is_formula(name)]
    count = sum([*names, *(1 for *_, text in _list_texts(frame) if is_formula(text))])
    if count:
        cells = "cell begins" if count == 1 else "cells begin"
        yield (
            f"{count} {cells} as a formula does (=, +, -, @) and got an apostrophe in front, so that no spreadsheet "
            "runs it; FORMAT=parquet has the text as it is"
        )


def _list_texts(frame: pd.DataFrame) -> Iterator[tuple[int, str, str]]:
    """Every text with its row, counted from 1, and its column."""
    for name in frame.select_dtypes(["string", "category"]):
        yield from ((row, name, text) for row, text in enumerate(frame[name], 1) if isinstance(text, str))


def _check_text(text: str, place: str, form: str) -> None:
    """Refuse what the form does not hold: half a character, which JSON can write; more than a cell's length."""
    try:
        units = len(text.encode("utf-16-le")) // 2
    except UnicodeEncodeError:
        raise UserError(f"{place} holds half of a character, which UTF-8 cannot write") from None
    if form == "xlsx" and units > MOST_UNITS:
        raise UserError(f"{place} has {units:,} characters, and a cell of xlsx has {MOST_UNITS:,}{OTHERS}")
