"""The trainer's reports: which steps are logged beside those of the recipe's interval."""

from pathlib import Path

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from trainer.progress import ProgressFiles


@pytest.mark.parametrize(
    ("steps", "interval", "logged"),
    [(12, 10, [1, 12]), (49, 10, [1, 49]), (50, 10, [1]), (1, 10, [1])],
)
def test_the_first_step_is_logged_and_the_last_of_a_short_training(
    steps: int, interval: int, logged: list[int], tmp_path: Path
) -> None:
    report, arguments = ProgressFiles(tmp_path), TrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    found = []
    for step in range(1, steps + 1):
        control = TrainerControl()
        report.on_step_end(arguments, TrainerState(global_step=step, max_steps=steps, logging_steps=interval), control)
        found += [step] if control.should_log else []
    assert found == logged
