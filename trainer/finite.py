"""A training whose loss or weights are no numbers any more ends at once, and leaves no checkpoint of them.

Nothing mends such weights. Without this, training would go on to its last step, and its checkpoints would be resumed.
"""

import math
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class StayFinite(TrainerCallback):
    """Raises where a logged loss, or a weight that is about to be saved, is not a finite number."""

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Look at the loss; in fp16 a step with such a loss is left out, and its weights stay as they were."""
        if not args.fp16 and logs and "loss" in logs:
            check_loss(float(logs["loss"]), state.global_step)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Look at the weights before they become a checkpoint."""
        if control.should_save:
            check_parameters(kwargs["model"], state.global_step)


def check_loss(loss: float, step: int) -> None:
    """Raise if a loss is not a finite number."""
    if not math.isfinite(loss):
        cause = "the base's own weights or the rows give it" if step <= 1 else "try a lower training.learning_rate"
        raise ValueError(f"the loss at step {step} is {loss}, and no later step mends the weights: {cause}")


def check_parameters(model: torch.nn.Module, step: int) -> None:
    """Raise if a weight in training is not a finite number; of weights that ranks share, each looks at its own."""
    for name, weight in model.named_parameters():
        if weight.requires_grad and not torch.isfinite(weight).all():
            raise ValueError(
                f"{name} holds values that are not finite at step {step}: try a lower training.learning_rate"
            )
