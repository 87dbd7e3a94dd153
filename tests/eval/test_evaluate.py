"""An evaluation's folder tells what was asked, and what cannot be asked is told before any model is loaded."""

from pathlib import Path

import pytest

from eval.evaluate import _format_empty, choose_folder
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.keys import Recipe
from recipebook.run.rundir import Run

RECIPE = {"description": "d", "model": {"base": "b"}}


@pytest.mark.parametrize(
    ("part", "checkpoint", "folder"),
    [
        ("test", None, "eval"),
        ("test", 500, "eval/checkpoint-500"),
        ("validation", None, "eval/validation"),
        ("validation", 500, "eval/validation/checkpoint-500"),
    ],
)
def test_parts_and_checkpoints_have_folders_of_their_own(part: str, checkpoint: int | None, folder: str) -> None:
    settings = Evaluation.model_validate({"part": part})
    assert choose_folder(Run(Path("runs/x")), settings, checkpoint) == Path("runs/x") / folder


def test_an_empty_part_is_told_by_what_made_it_so() -> None:
    none = {"source": "x", "converter": "echo", "split": {"test": 0}}
    assert _format_empty(Recipe.model_validate({**RECIPE, "data": none}), "test") == "its recipe's data.split.test is 0"
    few = {"source": "x", "converter": "echo", "split": {"test": 0.05}}
    told = _format_empty(Recipe.model_validate({**RECIPE, "data": few}), "test")
    assert told == "none of its records fell to the share of 0.05"
    split = {"file": "splits.json", "by": ["persona_id"]}
    listed = Recipe.model_validate({**RECIPE, "data": {"source": "x", "converter": "echo", "split": split}})
    assert _format_empty(listed, "validation") == "the lists 'val' of its split file splits.json are empty"
