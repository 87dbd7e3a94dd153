"""What a recipe's own rules refuse: settings that the engine would take and not heed."""

from typing import Any

import pytest
from pydantic import ValidationError

from recipebook.recipe.keys import Recipe

MINIMAL: dict[str, Any] = {
    "description": "d",
    "model": {"base": "some/model"},
    "data": {"source": "a.json", "converter": "robot"},
}
WEIGHTS = {"tool": 1.0, "position": 0.8, "argument": 0.6, "fluency": 0.4}
MARKED = {"source": "a.json", "converter": "toolformer", "options": {"spans": True}}
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
        (
            {"training": {"method": "kto", "batch_size": 1}},
            "batch_size must be 2 or more under kto: it compares the answers of a batch",
        ),
        (
            # 48 episodes, 4 times, in batches of 4: 48 steps.
            {"training": {"method": "grpo", "batch_size": 4, "save_steps": 60}},
            "training.save_steps (60) must be a multiple of a collection's steps (48)",
        ),
        (
            {"training": {"span_weights": WEIGHTS, "packing": True}, "data": MARKED},
            "span_weights are for rows of their own: they cannot go with packing",
        ),
        (
            {"training": {"span_weights": dict.fromkeys(WEIGHTS, 0.0)}, "data": MARKED},
            "span_weights are all 0: nothing would be learned",
        ),
        (
            {"training": {"span_weights": WEIGHTS}},
            "training.span_weights needs data.options.spans: true, by which a converter marks spans",
        ),
        (
            {"launch": {"device": "mps", "processes": 2}},
            "device: mps trains in one process, which has nothing to share",
        ),
        (
            {"launch": {"device": "mps"}, "training": {"precision": "bf16"}},
            "training.precision must be fp32 or fp16 where launch.device is mps",
        ),
        (
            {"launch": {"device": "mps"}, "lora": {"quantize": "8bit"}},
            "lora.quantize needs an NVIDIA GPU, and launch.device is mps",
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
        {"training": {"method": "kto", "batch_size": 2}},
        {"training": {"span_weights": {**WEIGHTS, "fluency": 0.0}}, "data": MARKED},
        {"training": STOPPING, "data": {**MINIMAL["data"], "validation": "b.json", "split": {"validation": 0}}},
    ],
)
def test_what_is_heeded_is_taken(sections: dict[str, Any]) -> None:
    Recipe.model_validate({**MINIMAL, **sections})
