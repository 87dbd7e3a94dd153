"""The trainer's reports while it runs.

`metrics.jsonl` grows by a line at each log (`{"step": 10, "epoch": 0.1, "loss": 1.9, "learning_rate": 0.003}` or
`{"step": 120, "eval_loss": 0.4}`); `progress.json` is replaced at each step
(`{"phase": "training", "step": 120, "steps": 600, "loss": 0.4, "validation_loss": 0.5, "learning_rate": 0.003,
"memory_gib": 1.52, "longest": 0.8, "time": 1795234000.0}`). `longest` is the longest time between two reports, in
seconds: of a step, a batch of an evaluation or a checkpoint. `early` is there after the last step: whether the
validation loss ended the training before it.
"""

import json
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import EarlyStoppingCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from recipebook.run.progress_file import write_progress

# Logged figures whose last value stands in progress.json, under these names.
LATEST = {"loss": "loss", "eval_loss": "validation_loss", "learning_rate": "learning_rate"}

# The loss of the first step is that of the weights before training. Of a training that logs less often than so, the
# end is logged too, since its last steps would count in no loss.
FEW_LOGS = 5


class ProgressFiles(TrainerCallback):
    """Writes both files into the run's folder, from the first process only."""

    def __init__(self, folder: Path) -> None:
        self.metrics = folder / "metrics.jsonl"
        self.progress = folder / "progress.json"
        self.latest: dict[str, float | None] = dict.fromkeys(LATEST.values())
        self.longest = 0.0
        self.written: float | None = None
        self.callbacks: Sequence[TrainerCallback] = ()
        """All of the trainer's, once they are known."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Training starts, or resumes from a checkpoint."""
        self._write(state, "training")

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """One optimizer step is done."""
        self._write(state, "checkpoint" if control.should_save or control.should_evaluate else "training")
        few = state.max_steps < FEW_LOGS * state.logging_steps
        if state.global_step == 1 or (few and state.global_step == state.max_steps):
            control.should_log = True

    def on_prediction_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """One batch of an evaluation is done."""
        self._write(state, "evaluating")

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """A checkpoint is written."""
        self._write(state, "training")

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """An evaluation is done."""
        self._write(state, "checkpoint" if control.should_save else "training")

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The last step is done, the weights are not saved yet."""
        self._write(state, "saving", early=any(map(has_stopped, self.callbacks)))

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Keep what the trainer logs, as numbers."""
        if not state.is_world_process_zero:
            return
        line = {"step": state.global_step, **{key: _number(value) for key, value in (logs or {}).items()}}
        self.latest |= {name: line[key] for key, name in LATEST.items() if key in line}
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _write(self, state: TrainerState, phase: str, **more: bool) -> None:
        if not state.is_world_process_zero:
            return
        now = time.monotonic()
        self.longest = max(self.longest, now - (self.written or now))
        self.written = now
        figures = {**self.latest, "memory_gib": measure_memory(), "longest": round(self.longest, 2), **more}
        write_progress(self.progress, phase, state.global_step, state.max_steps, **figures)


def has_stopped(callback: TrainerCallback) -> bool:
    """Whether it is the one that ends a training early, and has done so."""
    if not isinstance(callback, EarlyStoppingCallback):
        return False
    return callback.early_stopping_patience_counter >= callback.early_stopping_patience


def measure_memory() -> float:
    """The most main memory that this process has held at a time, in GiB."""
    # The kernel counts in bytes on a Mac, and in KiB elsewhere.
    unit = 1 if sys.platform == "darwin" else 1 << 10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / (1 << 30), 2)


def _number(value: Any) -> Any:
    """Axolotl logs some numbers as text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return value
