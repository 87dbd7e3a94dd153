"""A training that computes with what is no number ends, with the step and a cause."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerControl, TrainerState, TrainingArguments

from trainer.finite import StayFinite, check_parameters


def log(folder: Path, loss: Any, step: int, *, fp16: bool = False) -> None:
    arguments = TrainingArguments(output_dir=str(folder), use_cpu=True)
    arguments.fp16 = fp16
    StayFinite().on_log(arguments, TrainerState(global_step=step), TrainerControl(), {"loss": loss, "epoch": 1.0})


def test_a_finite_loss_is_no_fault(tmp_path: Path) -> None:
    log(tmp_path, "2.5", 1)
    log(tmp_path, -0.5, 9)


@pytest.mark.parametrize(
    ("loss", "step", "told"),
    [
        (float("nan"), 1, "the loss at step 1 is nan, and no later step mends the weights: "
         "the base's own weights or the rows give it"),
        ("inf", 20, "the loss at step 20 is inf, and no later step mends the weights: "
         "try a lower training.learning_rate"),
    ],
)  # fmt: skip
def test_a_loss_that_is_no_number_ends_the_training(tmp_path: Path, loss: Any, step: int, told: str) -> None:
    with pytest.raises(ValueError) as caught:
        log(tmp_path, loss, step)
    assert str(caught.value) == told


def test_in_fp16_the_step_is_left_out_instead(tmp_path: Path) -> None:
    log(tmp_path, float("nan"), 20, fp16=True)


def test_weights_that_are_no_numbers_become_no_checkpoint(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 1)
    check_parameters(model, 4)
    with torch.no_grad():
        model.weight[0, 1] = float("nan")
    watch, arguments, state = StayFinite(), TrainingArguments(output_dir=str(tmp_path), use_cpu=True), TrainerState()
    state.global_step = 4
    watch.on_step_end(arguments, state, TrainerControl(should_save=False), model=model)
    with pytest.raises(ValueError, match=r"^weight holds values that are not finite at step 4"):
        watch.on_step_end(arguments, state, TrainerControl(should_save=True), model=model)
    model.weight.requires_grad_(False)
    check_parameters(model, 4)
