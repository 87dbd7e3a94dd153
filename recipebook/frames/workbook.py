"""A frame in; a workbook of Excel out, in which no text is a formula.

    frame    id     prediction         →   A1 "id"    B1 "prediction"
             a.json =HYPERLINK("…")        A2 "a.json" B2 the text =HYPERLINK("…")

openpyxl takes a text that begins with `=` for a formula, and so does pandas, which writes by it. Here every cell says
what it is. Times are in UTC, which a workbook cannot say. A number that Excel's cannot hold is text.
"""

import math
import re
from numbers import Integral
from typing import IO, Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from recipebook.frames.formulas import is_formula

EXACT = 2**53
# What XML cannot hold, as Excel itself writes it: `_x0007_`; and texts that it would read as such.
_ESCAPED = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


def write_workbook(frame: pd.DataFrame, file: IO[bytes]) -> None:
    """Write the frame, whose texts have the dtype `string`, as the only sheet; its first row names the columns."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("table")
    sheet.freeze_panes = "A2"
    sheet.append([_make_text(sheet, name) for name in frame.columns])
    times = {name: frame[name].dt.tz_localize(None) for name in frame.select_dtypes("datetimetz")}
    for row in frame.assign(**times).itertuples(index=False, name=None):
        sheet.append([_make_cell(sheet, value) for value in row])
    book.save(file)


def _make_cell(sheet: Any, value: Any) -> Any:
    if value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, str):
        return _make_text(sheet, value)
    too_large = isinstance(value, Integral) and abs(int(value)) > EXACT
    if too_large or (isinstance(value, float) and not math.isfinite(value)):
        return _make_text(sheet, str(value))
    return value


def _make_text(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, _ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", text))
    # After the value, from which openpyxl may have made a formula or an error. The prefix keeps a cell text
    # when somebody edits it.
    cell.data_type = "s"
    cell.quotePrefix = is_formula(text)
    return cell
