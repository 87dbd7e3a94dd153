"""A table's columns, stated once and enforced: rows as dictionaries in; a DataFrame with exactly these columns out.

    TableSchema(name="scores", columns=(TableColumn(name="id", dtype="string", meaning="the prediction"),
                                        TableColumn(name="value", dtype="Float64", missing=True, meaning="the score")))
    build_frame(schema, [{"id": "a.json#1", "value": 1.0}, {"id": "a.json#2", "value": None}])
    →        id  value
      a.json#1    1.0
      a.json#2   <NA>

A value that a file does not have is None in a row and `pd.NA` in the frame. A number that is not a number (a loss that
went astray) stays NaN: the two are different things, and pandas would take one for the other.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from recipebook.frozen import Frozen

Dtype = Literal["string", "Int64", "Float64", "boolean", "datetime64[us, UTC]", "category"]
Row = Mapping[str, Any]
# Beyond it, a float does not hold every whole number.
EXACT = 2**53
LARGEST = 2**63


class SchemaError(ValueError):
    """A frame that is not what its schema states: a fault of the code that makes it, never of a user."""


class TableColumn(Frozen):
    """A column that is always there."""

    name: str
    dtype: Dtype
    meaning: str
    missing: bool = False
    """Whether a row may have no value in it."""
    values: tuple[str, ...] = ()
    """The categories of a closed set; without them, those that occur, in the order in which they do."""


class FurtherColumns(Frozen):
    """Columns that depend on what the files hold: all that begin with `prefix`, sorted by name."""

    prefix: str
    dtypes: tuple[Dtype, ...]
    meaning: str


class TableSchema(Frozen):
    """A table's columns, in their order, and what may follow them."""

    name: str
    columns: tuple[TableColumn, ...]
    further: tuple[FurtherColumns, ...] = ()


class _Cells(NamedTuple):
    """One column's values, and the dtype that they are to have."""

    column: TableColumn
    values: list[Any]


def build_frame(schema: TableSchema, rows: Sequence[Row]) -> pd.DataFrame:
    """The rows as a frame; SchemaError where a row has no place in the schema, or a column not its dtype."""
    names = [column.name for column in schema.columns]
    if incomplete := next((row for row in rows if not row.keys() >= {*names}), None):
        raise SchemaError(f"{schema.name}: a row without {', '.join(sorted({*names} - incomplete.keys()))}")
    cells = [_Cells(column, [row[column.name] for row in rows]) for column in schema.columns]
    cells += _choose_further(schema, rows, sorted({key for row in rows for key in row} - {*names}))
    frame = pd.DataFrame({each.column.name: _make_array(schema.name, *each) for each in cells})
    for column, _ in cells:
        if str(frame.dtypes[column.name]) != column.dtype:
            raise SchemaError(f"{schema.name}.{column.name}: {frame.dtypes[column.name]} and not {column.dtype}")
    return frame


def choose_dtype(values: Iterable[Any]) -> Dtype:
    """The dtype that holds all of these values of JSON as they are; `string` where they are not all of one kind.

    Whole numbers and others are Float64 together, unless a whole number is too large to be exact in it.
    """
    known = [value for value in values if value is not None]
    kinds = {type(value) for value in known}
    if kinds == {bool}:
        return "boolean"
    if kinds == {int} and all(-LARGEST <= value < LARGEST for value in known):
        return "Int64"
    if kinds and kinds <= {int, float} and all(abs(value) <= EXACT for value in known if isinstance(value, int)):
        return "Float64"
    return "string"


def format_value(value: Any) -> str | None:
    """A value of JSON as text: a text as it is, everything else as JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _choose_further(schema: TableSchema, rows: Sequence[Row], names: Sequence[str]) -> list[_Cells]:
    """The columns that the schema does not name one by one, group after group."""
    found = []
    groups = {name: next((one for one in schema.further if name.startswith(one.prefix)), None) for name in names}
    if stray := [name for name, group in groups.items() if group is None]:
        raise SchemaError(f"{schema.name}: it has no column {', '.join(stray)}")
    for one in schema.further:
        for name in (name for name, group in groups.items() if group is one):
            values = [row.get(name) for row in rows]
            dtype = one.dtypes[0] if len(one.dtypes) == 1 else choose_dtype(values)
            if dtype not in one.dtypes:
                raise SchemaError(f"{schema.name}.{name}: {dtype}, which is none of {', '.join(one.dtypes)}")
            column = TableColumn(name=name, dtype=dtype, meaning=one.meaning, missing=True)
            found.append(_Cells(column, [*map(format_value, values)] if dtype == "string" else values))
    return found


def _make_array(table: str, column: TableColumn, values: Sequence[Any]) -> Any:
    place = f"{table}.{column.name}"
    if not column.missing and any(value is None for value in values):
        raise SchemaError(f"{place}: a value is missing")
    if column.dtype == "category":
        categories = column.values or tuple(dict.fromkeys(value for value in values if value is not None))
        if strange := {value for value in values if value is not None} - {*categories}:
            raise SchemaError(f"{place}: {', '.join(sorted(strange))} is none of {', '.join(categories)}")
        return pd.Categorical(values, categories=categories)
    if column.dtype == "Float64":
        return _make_numbers(values)
    if column.dtype == "datetime64[us, UTC]":
        return pd.array(_check_times(place, values), dtype=pd.DatetimeTZDtype("us", "UTC"))
    return pd.array(values, dtype=column.dtype)


def _make_numbers(values: Sequence[float | None]) -> Any:
    """Numbers whose NaN stays one: `pd.array` would take it for a missing value."""
    missing = np.array([value is None for value in values], dtype=bool)
    numbers = np.array([math.nan if value is None else value for value in values], dtype=float)
    return pd.arrays.FloatingArray(np.where(missing, 1.0, numbers), missing)


def _check_times(place: str, values: Sequence[datetime | None]) -> Sequence[datetime | None]:
    if any(value is not None and value.tzinfo is None for value in values):
        raise SchemaError(f"{place}: a time without its offset from UTC")
    return values
