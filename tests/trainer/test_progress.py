"""The trainer's reports: which steps are logged beside those of the recipe's interval."""

from pathlib import Path

import pytest
from transformers import EarlyStoppingCallback, TrainerControl, TrainerState, TrainingArguments

from recipebook.run.progress_file import read_progress
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


@pytest.mark.parametrize(("losses", "early"), [([3.0, 2.0, 2.5], False), ([3.0, 3.1, 3.2], True)])
def test_the_last_report_says_whether_validation_ended_the_training(
    losses: list[float], early: bool, tmp_path: Path
) -> None:
    stopper = EarlyStoppingCallback(early_stopping_patience=2)
    report = ProgressFiles(tmp_path)
    report.callbacks = [report, stopper]
    arguments = TrainingArguments(
        output_dir=str(tmp_path), use_cpu=True, metric_for_best_model="eval_loss", greater_is_better=False
    )
    state = TrainerState(max_steps=9, best_metric=losses[0])
    for step, loss in enumerate(losses[1:], 2):
        state.global_step = step
        stopper.on_evaluate(arguments, state, TrainerControl(), {"eval_loss": loss})  # type: ignore[no-untyped-call]
        state.best_metric = min(loss, state.best_metric or loss)
    report.on_train_end(arguments, state, TrainerControl())
    assert read_progress(tmp_path)["early"] is early
