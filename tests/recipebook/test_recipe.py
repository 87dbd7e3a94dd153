"""What a recipe's own rules refuse: settings that the engine would take and not heed."""

from typing import Any

import pytest
from pydantic import ValidationError

from recipebook.recipe import Recipe

MINIMAL: dict[str, Any] = {
    "description": "d",
    "model": {"base": "some/model"},
    "data": {"source": "a.json", "converter": "robot"},
}
STOPPING = {"early_stopping": 2, "eval_steps": 10, "save_steps": 20}


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"preference": {"label_smoothing": 0.1}},
            "label_smoothing needs loss to be robust: the engine ignores it under sigmoid",
        ),
        (
            {"training": {**STOPPING, "save_steps": 15}},
            "early_stopping needs eval_steps and save_steps, the second a multiple of the first",
        ),
        (
            {"training": STOPPING, "data": {**MINIMAL["data"], "split": {"validation": 0}}},
            "training.early_stopping needs validation rows, and data.split.validation is 0",
        ),
    ],
)
def test_what_would_not_be_heeded_is_refused(sections: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        Recipe.model_validate({**MINIMAL, **sections})
    assert [problem["msg"] for problem in error.value.errors()] == [f"Value error, {message}"]


@pytest.mark.parametrize(
    "sections",
    [
        {"preference": {"label_smoothing": 0.1, "loss": "robust"}},
        {"training": STOPPING},
        {"training": STOPPING, "data": {**MINIMAL["data"], "validation": "b.json", "split": {"validation": 0}}},
    ],
)
def test_what_is_heeded_is_taken(sections: dict[str, Any]) -> None:
    Recipe.model_validate({**MINIMAL, **sections})
