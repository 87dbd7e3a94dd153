"""Schemas: the dtypes that they state, values that stay what they are, and frames that are refused."""

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from recipebook.frames.columns import (
    FurtherColumns,
    SchemaError,
    TableColumn,
    TableSchema,
    build_frame,
    choose_dtype,
    format_value,
)
from recipebook.frames.schemas import SCHEMAS

TEXT = TableColumn(name="text", dtype="string", meaning="m")
WHOLE = TableColumn(name="whole", dtype="Int64", meaning="m", missing=True)
NUMBER = TableColumn(name="number", dtype="Float64", meaning="m", missing=True)
SURE = TableColumn(name="sure", dtype="boolean", meaning="m", missing=True)
TIME = TableColumn(name="time", dtype="datetime64[us, UTC]", meaning="m", missing=True)
SIDE = TableColumn(name="side", dtype="category", meaning="m", missing=True, values=("left", "right"))
SCHEMA = TableSchema(name="all", columns=(TEXT, WHOLE, NUMBER, SURE, TIME, SIDE))
NOON = datetime(2026, 11, 20, 13, tzinfo=timezone(timedelta(hours=1)))
FULL = {"text": "=a", "whole": 2**62, "number": 0.1, "sure": False, "time": NOON, "side": "right"}
BARE = {**dict.fromkeys(FULL), "text": ""}


def test_every_kind_of_value_has_its_dtype_with_and_without_missing_values() -> None:
    frame = build_frame(SCHEMA, [FULL, BARE])
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "text": "string", "whole": "Int64", "number": "Float64", "sure": "boolean", "time": "datetime64[us, UTC]",
        "side": "category",
    }  # fmt: skip
    assert [*frame.iloc[0]] == ["=a", 2**62, 0.1, False, datetime(2026, 11, 20, 12, tzinfo=UTC), "right"]
    assert frame.isna().iloc[1].tolist() == [False, True, True, True, True, True]
    assert list(frame["side"].cat.categories) == ["left", "right"]


@pytest.mark.parametrize("schema", [SCHEMA, *SCHEMAS.values()], ids=lambda schema: schema.name)
def test_a_frame_without_rows_has_all_columns_in_their_dtypes(schema: TableSchema) -> None:
    frame = build_frame(schema, [])
    expected = [(column.name, column.dtype) for column in schema.columns]
    assert [(name, str(dtype)) for name, dtype in frame.dtypes.items()] == expected
    assert len(frame) == 0


def test_a_number_that_is_none_is_not_a_missing_one() -> None:
    rows = [{**BARE, "number": value} for value in (math.nan, None, math.inf)]
    column = build_frame(SCHEMA, rows)["number"]
    assert column.isna().tolist() == [False, True, False]
    assert math.isnan(column[0]) and column[2] == math.inf


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({**FULL, "more": 1}, "all: it has no column more"),
        ({"text": "a"}, "all: a row without number, side, sure, time, whole"),
        ({**FULL, "text": None}, "all.text: a value is missing"),
        ({**FULL, "side": "up"}, "all.side: up is none of left, right"),
        ({**FULL, "time": datetime(2026, 1, 1)}, "all.time: a time without its offset from UTC"),
    ],
)
def test_a_row_that_has_no_place_in_the_schema_is_refused(row: dict[str, Any], fault: str) -> None:
    with pytest.raises(SchemaError) as caught:
        build_frame(SCHEMA, [row])
    assert str(caught.value) == fault


def test_categories_that_are_not_stated_are_those_that_occur_in_their_order() -> None:
    schema = TableSchema(name="one", columns=(SIDE.model_copy(update={"values": ()}),))
    frame = build_frame(schema, [{"side": "up"}, {"side": None}, {"side": "down"}, {"side": "up"}])
    assert list(frame["side"].cat.categories) == ["up", "down"]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([True, None], "boolean"),
        ([1, None, -(2**63)], "Int64"),
        ([1, 2**63], "string"),
        ([1, 0.5, None], "Float64"),
        ([2**53 + 1, 0.5], "string"),
        (["a", 1], "string"),
        ([True, 1], "string"),
        ([["a"]], "string"),
        ([None], "string"),
        ([], "string"),
    ],
)
def test_a_column_of_meta_has_the_dtype_of_its_values(values: list[Any], dtype: str) -> None:
    assert choose_dtype(values) == dtype


VALUES = some.one_of(
    some.none(), some.booleans(), some.integers(), some.floats(), some.text(), some.lists(some.integers(), max_size=2)
)
OPEN = TableSchema(
    name="open",
    columns=(),
    further=(FurtherColumns(prefix="meta.", dtypes=("string", "Int64", "Float64", "boolean"), meaning="m"),),
)


@given(some.lists(VALUES, min_size=1, max_size=4))
def test_whatever_meta_holds_is_found_again(values: list[Any]) -> None:
    frame = build_frame(OPEN, [{"meta.x": value} for value in values])
    column, texts = frame["meta.x"], str(frame.dtypes["meta.x"]) == "string"
    for found, value in zip(column, values, strict=True):
        expected = format_value(value) if texts else value
        if expected is None:
            assert found is pd.NA
        else:
            assert found == expected or (isinstance(expected, float) and math.isnan(expected) and math.isnan(found))


def test_further_columns_stand_behind_the_others_by_group_and_name() -> None:
    further = [FurtherColumns(prefix=prefix, dtypes=("Float64",), meaning="m") for prefix in ("b.", "a.")]
    schema = TableSchema(name="one", columns=(TEXT,), further=tuple(further))
    frame = build_frame(schema, [{"a.z": 1.0, "text": "t", "b.y": 2.0}, {"a.a": 3.0, "text": "u"}])
    assert [*frame.columns] == ["text", "b.y", "a.a", "a.z"]
    assert frame["a.a"].isna().tolist() == [True, False]


def test_a_further_column_of_another_dtype_than_its_group_has_is_refused() -> None:
    group = FurtherColumns(prefix="a.", dtypes=("Float64", "boolean"), meaning="m")
    with pytest.raises(SchemaError, match=r"one\.a\.z: string, which is none of Float64, boolean"):
        build_frame(TableSchema(name="one", columns=(), further=(group,)), [{"a.z": "t"}])
