"""Forms that came back: letters become systems again, and what cannot be used is refused in a line each."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.human.returned import find_files, read_returned
from eval.human.study import Item, Key
from recipebook.errors import UserError

ORDERS = (("tuned", "base"), ("base", "tuned"))
KEY = Key(
    study="s1", seed=42, runs=("robot",), systems=("base", "tuned"),
    sheets=tuple(
        tuple(Item(question=f"x#{at}", conversation=f"x#{at}", systems=order) for at, order in enumerate(orders, 1))
        for orders in (ORDERS, ORDERS[::-1])
    ),
)  # fmt: skip
Save = Callable[..., Path]


def rate(quality: int) -> dict[str, int]:
    return {"quality": quality, "fluency": 3, "satisfaction": 3}


def fill(evaluator: int = 1) -> dict[str, Any]:
    answers = [
        {"question": 1, "ratings": {"A": rate(5), "B": rate(1)}, "best": "A"},
        {"question": 2, "ratings": {"A": rate(2), "B": rate(4)}, "best": "no difference"},
    ]
    return {"study": "s1", "evaluator": evaluator, "answers": answers}


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(form: Any, name: str = "a.json") -> Path:
        (tmp_path / name).write_text(form if isinstance(form, str) else json.dumps(form))
        return tmp_path / name

    return write


def test_letters_become_systems_by_each_evaluators_own_order(save: Save) -> None:
    found = read_returned([save(fill(2), "b.json"), save(fill(1))], {"s1": KEY})
    assert found.evaluators == (1, 2)
    told = [
        (one.evaluator, one.conversation, one.ratings["base"]["quality"], one.ratings["tuned"]["quality"], one.best)
        for one in found.judgements
    ]
    assert told == [
        (1, "x#1", 1, 5, "tuned"),
        (1, "x#2", 2, 4, None),
        (2, "x#1", 5, 1, "base"),
        (2, "x#2", 4, 2, None),
    ]


def change(**values: Any) -> dict[str, Any]:
    return {**fill(), **values}


def change_first(**values: Any) -> dict[str, Any]:
    first, second = fill()["answers"]
    return change(answers=[{**first, **values}, second])


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ("{", "Invalid JSON: EOF while parsing an object at line 1 column 1"),
        ("[]", "Input should be an object"),
        (change(study="s\n2"), r"is of study 's\n2'; this run has: s1"),
        (change(evaluator=3), "evaluator 3 is none of the study's 1 to 2"),
        (change(evaluator="1"), "evaluator: Input should be a valid integer"),
        (change(name="me"), "name: Extra inputs are not permitted"),
        (change(answers=fill()["answers"][1:]), "1 of 2 questions are not filled in, the first is 1"),
        (change(answers=[]), "2 of 2 questions are not filled in, the first is 1"),
        (change(answers=[fill()["answers"][0]] * 2), "questions are twice there or out of order"),
        (change_first(question=7), "question 7 is none of the study's 1 to 2"),
        (change_first(ratings={"A": rate(5)}), "1 of 2 questions are not filled in, the first is 1"),
        (change_first(ratings={x: rate(5) for x in "ABC"}), "question 1 has no answer 'C'; AB it has"),
        (change_first(ratings={"A": rate(6), "B": rate(1)}), "answers.0.ratings.A.quality: Input should be less than"),
        (change_first(ratings={"A": {"quality": 1}, "B": rate(1)}), "answers.0.ratings.A.fluency: Field required"),
        (change_first(best="C"), "question 1: best is 'C', none of A, B, no difference"),
        (change_first(best=None), "answers.0.best: Input should be a valid string"),
    ],
)
def test_a_form_that_is_unknown_or_partly_filled_in_is_refused(save: Save, form: Any, reason: str) -> None:
    path = save(form)
    with pytest.raises(UserError) as error:
        read_returned([path], {"s1": KEY})
    assert str(error.value).startswith(f"{path}: {reason}")
    assert "\n" not in str(error.value)


def test_the_same_evaluator_twice_is_refused_and_every_bad_file_has_a_line(save: Save) -> None:
    files = [save(fill()), save(fill(), "b.json"), save("{", "c.json")]
    with pytest.raises(UserError) as error:
        read_returned(files, {"s1": KEY})
    first, second = str(error.value).splitlines()
    assert first == f"{files[1]}: evaluator 1 is in a.json already"
    assert second.startswith(f"{files[2]}: Invalid JSON")


def test_forms_of_two_studies_are_not_mixed(save: Save) -> None:
    other = KEY.model_copy(update={"study": "s2"})
    files = [save(fill()), save({**fill(2), "study": "s2"}, "b.json")]
    with pytest.raises(UserError, match=r"b\.json: is of study s2, a\.json of another; IN names files of one"):
        read_returned(files, {"s1": KEY, "s2": other})


def test_folders_give_their_json_files_and_none_is_told(save: Save, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no JSON file in .*: no form has come back"):
        find_files([tmp_path])
    with pytest.raises(UserError, match="IN: no file or folder 'nowhere'"):
        find_files([Path("nowhere")])
    paths = [save(fill(), "b.json"), save(fill()), save("", "notes.txt")]
    assert find_files([tmp_path]) == [paths[1], paths[0]]
    assert find_files([paths[2]]) == [paths[2]]
