"""An Axolotl plugin that writes a line for each step: its seconds, tokens and loss, and the GPU's memory so far.

    plugins: [benchmarks.timing.TimingPlugin]
    timing.jsonl: {"seconds": 0.41, "tokens": 3120, "loss": 1.92, "memory_gib": 17.3}

It counts tokens of rows, padding left out, and so measures every configuration alike: ours and `axolotl train`'s own.
"""

import json
import time
from pathlib import Path
from typing import Any

import torch
from axolotl.integrations.base import BasePlugin
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

FILE = "timing.jsonl"


class TimingPlugin(BasePlugin):  # type: ignore[misc]
    """Counts in each batch, and writes after each step."""

    def post_trainer_create(self, cfg: Any, trainer: Any) -> None:
        """Wrap the trainer's step, and follow its callbacks."""
        steps = StepFile(Path(FILE))
        step, pad = trainer.training_step, trainer.processing_class.pad_token_id

        def watch(model: Any, inputs: Any, *more: Any) -> Any:
            steps.tokens += count_tokens(inputs["input_ids"], pad)
            loss = step(model, inputs, *more)
            steps.losses.append(loss.detach())
            return loss

        trainer.training_step = watch
        trainer.add_callback(steps)


class StepFile(TrainerCallback):
    """The lines of the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tokens = 0
        self.losses: list[torch.Tensor] = []
        self.began = 0.0

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The batches of a step are there."""
        self.tokens, self.losses, self.began = 0, [], _look_at_clock()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """The weights have changed."""
        memory = torch.cuda.max_memory_reserved() if torch.cuda.is_available() else 0
        line = {
            "seconds": round(_look_at_clock() - self.began, 4),
            "tokens": self.tokens,
            "loss": round(float(sum(self.losses)), 4),
            "memory_gib": round(memory / 2**30, 2),
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def count_tokens(ids: torch.Tensor, pad: int) -> int:
    """Tokens of a batch, without the padding at the end of each row.

    `[[5, 6, 0, 0], [7, 0, 8, 0]]` with 0 as padding has 2 and 3.
    """
    kept = (ids != pad).flip(1).cumsum(1) > 0
    return int(kept.sum())


def _look_at_clock() -> float:
    """Once the GPU has done what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()
