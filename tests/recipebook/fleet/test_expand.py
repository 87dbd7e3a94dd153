"""From a matrix to its members: which there are, what they set, what they are called."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipebook.fleet.expand import MatrixFault, Member, apply, expand
from recipebook.recipe.matrix_keys import Matrix

FILES = ["shards/joy.jsonl", "shards/wisdom.jsonl"]


def make(matrix: dict[str, Any], limit: int | None = None, column: Sequence[str] = ()) -> list[Member]:
    return expand(Matrix.model_validate(matrix), lambda _: column, lambda _: FILES, limit)


def test_every_combination_is_a_member_and_the_last_key_changes_first() -> None:
    values = {"lora.r": [4, 8], "training.learning_rate": [1e-4, 2e-4]}
    assert make({"values": values, "name": "r{r}-{learning_rate}"}) == [
        Member("r4-0.0001", {"lora.r": 4, "training.learning_rate": 1e-4}),
        Member("r4-0.0002", {"lora.r": 4, "training.learning_rate": 2e-4}),
        Member("r8-0.0001", {"lora.r": 8, "training.learning_rate": 1e-4}),
        Member("r8-0.0002", {"lora.r": 8, "training.learning_rate": 2e-4}),
    ]  # fmt: skip


def test_a_column_and_files_give_a_member_each() -> None:
    found = make({"values": {"data.where.persona_id": {"column": "persona_id"}}}, column=["b", "a"])
    assert [member.name for member in found] == ["b", "a"]
    found = make({"values": {"data.source": {"files": "shards/*.jsonl"}}})
    assert [member.name for member in found] == ["joy", "wisdom"]
    assert found[1].settings == {"data.source": "shards/wisdom.jsonl"}


def test_members_are_left_out_and_put_in() -> None:
    matrix = {
        "values": {"lora.r": [4, 8], "training.epochs": [1, 2]},
        "exclude": [{"lora.r": 8}],
        "include": [{"lora.r": 64, "training.epochs": 3}],
    }
    assert [member.name for member in make(matrix)] == ["4-1", "4-2", "64-3"]


def test_the_same_seed_draws_the_same_members() -> None:
    matrix = {
        "values": {"training.learning_rate": {"low": 1e-5, "high": 1e-3}, "lora.r": [4, 8]},
        "search": {"random": 5, "seed": 7},
    }
    once = make(matrix)
    assert once == make(matrix)
    assert len({member.name for member in once}) == 5
    assert all(1e-5 <= member.settings["training.learning_rate"] <= 1e-3 for member in once)


def test_a_search_wider_than_the_grid_draws_all_of_it() -> None:
    found = make({"values": {"lora.r": [4, 8], "training.epochs": [1, 2]}, "search": {"random": 50}})
    assert sorted(member.name for member in found) == ["4-1", "4-2", "8-1", "8-2"]


@pytest.mark.parametrize(
    ("matrix", "key", "told"),
    [
        ({"values": {"lora.r": []}}, ("values", "lora.r"), "there are no values, so the matrix is empty"),
        ({"values": {"lora.r": [4]}, "exclude": [{"lora.r": 4}]}, ("exclude",), "leaves no member"),
        ({"values": {"lora.r": [4, 8]}, "name": "x"}, ("name",), "two members are called 'x'"),
        ({"values": {"lora.r": ["a b", "a/b"]}}, ("name",), "two members are called 'a_b'"),
        ({"values": {"lora.r": [4]}, "name": "{rank}"}, ("name",), "no '{rank}' among the values; there are: {r}"),
        ({"values": {"lora.r": [4]}, "name": ".."}, ("name",), "is no name for a folder"),
        ({"values": {"lora.r": [4]}, "exclude": [{"r": 4}]}, ("exclude", 0, "r"), "no 'r' in matrix.values"),
        ({"values": {"lora.r": {"low": 1, "high": 8}}}, ("values", "lora.r"), "a range needs search"),
        ({"values": {"training.seed": list(range(501))}}, (), "501 members, and more than 500 need LIMIT="),
        (
            {"values": {"lora.r": [4], "training.epochs": [1]}, "include": [{"lora.r": 8}]},
            ("include", 0),
            "missing 'training.epochs'",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(matrix: dict[str, Any], key: tuple[str, ...], told: str) -> None:
    with pytest.raises(MatrixFault) as caught:
        make(matrix)
    assert caught.value.key == key
    assert told in caught.value.text


def test_a_limit_takes_the_first_of_however_many() -> None:
    found = make({"values": {"training.seed": list(range(501)), "lora.r": [4, 8]}}, limit=3)
    assert [member.name for member in found] == ["0-4", "0-8", "1-4"]


def test_settings_are_laid_over_a_copy() -> None:
    data = {"lora": {"r": 4, "alpha": 16}}
    assert apply({"lora.r": 8, "data.where.id": "a"}, data) == {
        "lora": {"r": 8, "alpha": 16},
        "data": {"where": {"id": "a"}},
    }
    assert data == {"lora": {"r": 4, "alpha": 16}}


@given(st.lists(st.text(min_size=1), min_size=1, max_size=8, unique=True))
def test_any_text_gives_names_apart_that_are_one_folder_each(values: list[str]) -> None:
    try:
        members = make({"values": {"data.options.pole": values}})
    except MatrixFault:
        return
    names = [member.name for member in members]
    assert len({name.lower() for name in names}) == len(values)
    assert all(name.isascii() and "/" not in name and name not in (".", "..") for name in names)


def test_a_search_ends_where_its_range_has_fewer_values_than_it_asks_for() -> None:
    values = {"training.learning_rate": {"low": 0.1, "high": 0.102}}
    members = make({"values": values, "search": {"random": 50}})
    # Three digits are kept.
    assert sorted(member.settings["training.learning_rate"] for member in members) == [0.1, 0.101, 0.102]
