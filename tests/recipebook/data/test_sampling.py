"""Weights: rows repeated as often as the recipe says, and told."""

import json
from collections import Counter
from pathlib import Path

import pytest

from recipebook.data.sampling import keep_rows, repeat_rows
from recipebook.errors import UserError
from recipebook.recipe.data_keys import Only, Weights


def write_rows(folder: Path, kinds: list[str]) -> Path:
    path = folder / "train.jsonl"
    path.write_text("".join(json.dumps({"n": n, "meta": {"kind": kind}}) + "\n" for n, kind in enumerate(kinds)))
    return path


def read_numbers(path: Path) -> list[int]:
    return [json.loads(line)["n"] for line in path.read_text().splitlines()]


def test_whole_weights_repeat_and_zero_leaves_out(tmp_path: Path) -> None:
    path = write_rows(tmp_path, ["a", "b", "c"])
    assert repeat_rows(path, Weights(field="kind", values={"a": 2, "c": 0}), 42) == (
        3,
        "weighted by kind: 3 train rows to 3 (a 1 to 2, c 1 to 0)",
    )
    assert read_numbers(path) == [0, 0, 1]


def test_the_fraction_of_a_weight_is_the_share_repeated_once_more(tmp_path: Path) -> None:
    path = write_rows(tmp_path, ["a"] * 1000)
    rows, _ = repeat_rows(path, Weights(field="kind", values={"a": 1.25}), 42)
    counts = Counter(read_numbers(path))
    assert (len(counts), set(counts.values())) == (1000, {1, 2})
    assert 1200 < rows < 1300


def test_a_row_is_repeated_once_more_where_its_hash_is_below_the_fraction(tmp_path: Path) -> None:
    # The hash of "42" and the row, as a decimal number, ends in 1749.
    def count(weight: float) -> int:
        return repeat_rows(write_rows(tmp_path, ["a"]), Weights(field="kind", values={"a": weight}), 42)[0]

    assert [count(0.1749), count(0.1750)] == [0, 1]


def test_the_rows_of_each_kind_are_counted_before_and_after(tmp_path: Path) -> None:
    path = write_rows(tmp_path, ["a", "b", "a", "a"])
    told = "weighted by kind: 4 train rows to 7 (a 3 to 6)"
    assert repeat_rows(path, Weights(field="kind", values={"a": 2}), 42) == (7, told)


def test_the_same_seed_repeats_the_same_rows(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "y").mkdir()
    one, two = (write_rows(tmp_path / name, ["a"] * 100) for name in ("x", "y"))
    for path in (one, two):
        repeat_rows(path, Weights(field="kind", values={"a": 1.5}), 7)
    assert one.read_text() == two.read_text()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            Weights(field="kind", values={"z": 2}),
            "data.weights.values: no train row has kind 'z'; they have: a, b",
        ),
        (
            Weights(field="category", values={"a": 2}),
            "data.weights.field: rows have no 'category' in their meta; they have: kind",
        ),
    ],
)
def test_a_wrong_field_or_value_is_told(tmp_path: Path, weights: Weights, message: str) -> None:
    with pytest.raises(UserError) as error:
        repeat_rows(write_rows(tmp_path, ["a", "b"]), weights, 42)
    assert str(error.value) == message


def test_only_the_rows_of_some_kinds_are_kept(tmp_path: Path) -> None:
    path = write_rows(tmp_path, ["a", "b", "a", "c"])
    kept = keep_rows(path, Only(field="kind", values=("a", "c")))
    assert kept == (3, "only kind: 4 train rows to 3 (a 2, c 1)")
    assert read_numbers(path) == [0, 2, 3]


@pytest.mark.parametrize(
    ("only", "message"),
    [
        (Only(field="kind", values=("a", "z")), "data.only.values: no train row has kind 'z'; they have: a, b"),
        (
            Only(field="category", values=("a",)),
            "data.only.field: rows have no 'category' in their meta; they have: kind",
        ),
    ],
)
def test_a_kind_that_no_row_has_is_told(tmp_path: Path, only: Only, message: str) -> None:
    with pytest.raises(UserError) as error:
        keep_rows(write_rows(tmp_path, ["a", "b"]), only)
    assert str(error.value) == message
