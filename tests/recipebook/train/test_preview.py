"""The plan's preview: what is printed of it, and when training could not begin."""

from typing import Any

import pytest

from recipebook.errors import UserError
from recipebook.recipe.keys import Recipe
from recipebook.train.preview import find_refusal, print_preview

GOOD = {
    "lengths": [10, 12],
    "trained": [4, 5],
    "examples": [[["asked", False], ["said", True]]],
    "first": "x.jsonl#1",
    "first_long": None,
    "passed": 2,
    "findings": [],
}


def write_recipe(**training: Any) -> Recipe:
    return Recipe.model_validate(
        {
            "description": "x",
            "model": {"base": "models/mine"},
            "data": {"source": "x.jsonl", "converter": "chat"},
            "training": training,
        }
    )


def find(kind: str, count: int, text: str = "is wrong") -> dict[str, Any]:
    return {"kind": kind, "text": text, "note": kind == "opening", "count": count, "first": "x.jsonl#2"}


@pytest.mark.parametrize(
    ("changes", "training", "refusal"),
    [
        ({}, {}, None),
        ({"findings": [find("broken", 1)]}, {}, "x.jsonl#2: is wrong (1 of 3 train rows)"),
        (
            {"lengths": [10, 12], "first_long": "x.jsonl#2"},
            {"max_length": 11},
            "x.jsonl#2: 12 tokens, and training.max_length is 11: 1 of 2 train rows are longer, the longest has 12 "
            "(training.too_long: raise)",
        ),
        ({"first_long": "x.jsonl#2"}, {"max_length": 11, "too_long": "drop"}, None),
        (
            {"first_long": "x.jsonl#1"},
            {"max_length": 9, "too_long": "drop"},
            "x.jsonl#1: 10 tokens, and training.max_length is 9: 2 of 2 train rows are longer, the longest has 12 "
            "(training.too_long: drop)",
        ),
        ({"first_long": "x.jsonl#1"}, {"max_length": 9, "too_long": "truncate"}, None),
        ({"trained": [0, 0]}, {}, "x.jsonl#1: no token carries loss (2 of 2 train rows)"),
        ({"passed": 1, "findings": [find("end", 1)]}, {}, None),
        ({"findings": [find("opening", 2)]}, {}, None),
        (
            {"passed": 0, "findings": [find("opening", 2), find("prompt", 1, "is a little wrong"), find("end", 2)]},
            {},
            "x.jsonl#2: is wrong (2 of 2 train rows, and none passes)",
        ),
    ],
)
def test_a_training_that_could_not_begin_is_refused_with_row_and_count(
    changes: dict[str, Any], training: dict[str, Any], refusal: str | None
) -> None:
    assert find_refusal({**GOOD, **changes}, write_recipe(**training)) == refusal


def test_rows_without_loss_are_counted_after_they_are_cut(capsys: pytest.CaptureFixture[str]) -> None:
    found = {**GOOD, "lengths": [10, 40, 50], "trained": [5, 0, 0], "first_long": "x.jsonl#2"}
    print_preview(found, write_recipe(max_length=20, too_long="truncate"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:3] == [
        "          2 rows are longer: they would be cut (training.too_long)",
        "loss on   10% of the tokens; 2 rows without any, dropped",
    ]


def test_findings_are_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    print_preview({**GOOD, "passed": 1, "findings": [find("end", 1), find("opening", 2, "opens")]}, write_recipe())
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "text      1 of 2 rows pass: evaluation asks as training writes, answers are whole and end",
        "          1 of 2 rows: is wrong (first: x.jsonl#2)",
        "          2 of 2 rows: opens (first: x.jsonl#2)",
    ]


def test_a_preview_that_failed_is_refused_unless_a_service_trains(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match=r"^models/mine: OSError: no such model$"):
        print_preview("OSError: no such model", write_recipe())
    with pytest.raises(UserError, match=r"^model\.base: models/mine has no chat template: set model.chat_template to"):
        print_preview("trainer.preview.NoTemplateError: models/mine has no chat template", write_recipe())
    recipe = Recipe.model_validate({**write_recipe().model_dump(), "lora": {}, "remote": {}})
    print_preview("OSError: no such model", recipe)
    assert capsys.readouterr().out == "tokens    cannot be shown: OSError: no such model\n"
