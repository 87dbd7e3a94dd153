"""How many steps a training takes, and a training of one step whose learning rate is 0."""

from typing import Any

import pytest

from recipebook.recipe.keys import Remote
from recipebook.recipe.resolve import resolve
from recipebook.train.steps import count_steps, find_idle_step
from tests.recipebook.train.making import write_recipe

KEYS = ("processes", "machines")
IDLE = (
    "training.warmup_ratio: this training has one step, the first of the warm-up, whose learning rate is 0: "
    "training.warmup_ratio=0, or more steps"
)


@pytest.mark.parametrize(
    ("training", "rows", "steps"),
    [
        ({"batch_size": 4, "epochs": 2}, 10, 5),
        ({"batch_size": 16, "epochs": 4}, 115, 29),
        ({"batch_size": 4, "epochs": 0.5}, 10, 2),
        ({"batch_size": 4, "gradient_accumulation": 3, "epochs": 1}, 13, 2),
        ({"batch_size": 4, "max_steps": 7}, 10, 7),
    ],
)
def test_steps_are_counted(training: dict[str, Any], rows: int, steps: int) -> None:
    assert count_steps(write_recipe(**training), rows) == steps


@pytest.mark.parametrize(("records", "steps"), [(8, 605), (32, 152)])
def test_robot_lora_takes_as_many_steps_on_any_number_of_gpus(records: int, steps: int) -> None:
    """4,839 rows of train, in one epoch."""
    for launch in ((1, 1), (2, 1), (4, 1), (8, 1), (4, 2)):
        processes, machines = (f"launch.{key}={value}" for key, value in zip(KEYS, launch, strict=True))
        settings = [processes, machines, f"training.global_batch={records}", "training.epochs=1"]
        assert count_steps(resolve("robot-lora", "multi-gpu", settings).recipe, 4839) == steps


@pytest.mark.parametrize(
    ("training", "rows", "reason"),
    [
        ({"method": "dpo", "batch_size": 4, "max_steps": 1}, 100, IDLE),
        ({"method": "dpo", "batch_size": 4, "max_steps": 2}, 100, None),
        ({"method": "dpo", "batch_size": 4, "max_steps": 1, "warmup_ratio": 0}, 100, None),
        ({"method": "dpo", "batch_size": 4, "max_steps": 1, "scheduler": "constant"}, 100, None),
        # Of three steps, a tenth is none.
        ({"method": "dpo", "batch_size": 4, "epochs": 1, "max_steps": 1}, 12, None),
        ({"method": "dpo", "batch_size": 4, "epochs": 1}, 4, None),
        ({"method": "simpo", "batch_size": 4, "epochs": 1}, 4, IDLE),
        ({"method": "sft", "max_steps": 1}, 100, None),
        ({"method": "grpo", "batch_size": 16, "gradient_accumulation": 3}, 4, None),
        ({"method": "grpo", "max_steps": 1}, 4, IDLE),
    ],
)
def test_one_step_of_a_warm_up_is_found(training: dict[str, Any], rows: int, reason: str | None) -> None:
    assert find_idle_step(write_recipe(**training), rows) == reason


def test_a_service_counts_its_own_steps() -> None:
    recipe = write_recipe(max_steps=1).model_copy(update={"remote": Remote()})
    assert find_idle_step(recipe, 100) is None
