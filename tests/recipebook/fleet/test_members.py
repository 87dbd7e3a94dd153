"""Members of a fleet as recipes of their own, and what is wrong with a matrix, told with its place."""

from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.fleet.members import list_members, resolve_member
from recipebook.project import PROJECT
from recipebook.recipe.resolve import Resolved, resolve

HEAD = f"""\
description: d
model: {{base: models/tiny-base, chat_template: chatml}}
data: {{source: {PROJECT}/samples/persona.jsonl, converter: persona}}
"""


def read(folder: Path, matrix: str, *overrides: str) -> Resolved:
    path = folder / "x.yaml"
    path.write_text(f"{HEAD}matrix:\n{matrix}")
    return resolve(str(path), overrides=overrides)


def test_a_member_is_the_recipe_with_its_values_and_without_the_matrix(tmp_path: Path) -> None:
    resolved = read(tmp_path, "  values: {lora.r: [4, 8], training.learning_rate: [1e-3]}\n", "training.epochs=2")
    members = list_members(resolved)
    assert [member.name for member in members] == ["4-0.001", "8-0.001"]
    recipe = resolve_member(resolved, members[1]).recipe
    assert recipe.matrix is None
    assert recipe.lora and recipe.lora.r == 8
    assert (recipe.training.learning_rate, recipe.training.epochs) == (1e-3, 2)


def test_members_are_chosen_by_name_pattern_and_number(tmp_path: Path) -> None:
    resolved = read(tmp_path, "  values: {training.seed: [1, 2, 11, 12]}\n")
    assert [member.name for member in list_members(resolved, ["1*", "2"])] == ["1", "2", "11", "12"]
    assert [member.name for member in list_members(resolved, ["1?"])] == ["11", "12"]
    assert [member.name for member in list_members(resolved, limit=2)] == ["1", "2"]


def test_a_column_of_the_samples_has_a_member_a_persona(tmp_path: Path) -> None:
    resolved = read(tmp_path, "  values: {data.where.persona_id: {column: persona_id}}\n")
    members = list_members(resolved)
    assert (len(members), members[0].name, members[31].name) == (32, "persona_000", "persona_031")
    assert resolve_member(resolved, members[1]).recipe.data.where == {"persona_id": "persona_001"}


@pytest.mark.parametrize(
    ("matrix", "told"),
    [
        ("  values: {lora.r: []}\n", "x.yaml:5:20: matrix.values.lora.r: there are no values, so the matrix is empty"),
        ("  values: {training.seed: [1, 1]}\n", "matrix.name: two members are called '1'"),
        ("  values: {data.where.who: {column: who}}\n", "record 1: has no 'who'; it has: persona_id, session_id"),
        ("  values: {matrix.attempts: [1]}\n", "a member cannot have its own 'matrix'"),
    ],
)
def test_a_wrong_matrix_is_one_line(tmp_path: Path, matrix: str, told: str) -> None:
    with pytest.raises(UserError) as caught:
        list_members(read(tmp_path, matrix))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_value_is_told_at_its_key_with_the_member(tmp_path: Path) -> None:
    resolved = read(tmp_path, "  values:\n    lora.r: [4, eight]\n")
    with pytest.raises(UserError) as caught:
        resolve_member(resolved, list_members(resolved)[1])
    assert str(caught.value).endswith(
        "x.yaml:6:13: member eight: lora.r: 'eight' is not a whole number (greater than 0)"
    )


def test_what_the_matrix_sets_the_command_line_cannot(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"SET: the matrix of x sets training.seed for each member"):
        list_members(read(tmp_path, "  values: {training.seed: [1]}\n", "training.seed=3"))


def test_an_unknown_member_is_told_with_those_near(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ONLY: x has no member '7'; it has: 1, 2"):
        list_members(read(tmp_path, "  values: {training.seed: [1, 2]}\n"), ["7"])
