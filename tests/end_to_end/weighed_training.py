"""An Axolotl plugin: the bytes that a training of all weights keeps, of weights, gradients and the optimizer's state.

axolotl: {plugins: [tests.end_to_end.weighed_training.Weighed]}     kept.json: {"kept": 17301504}

A rank of several writes what it holds itself.
"""

import json
import os
from pathlib import Path
from typing import Any

import torch
from axolotl.integrations.base import BasePlugin
from transformers import TrainerCallback


class Weigh(TrainerCallback):
    """Weighs before each step, with the gradients still there; after the first there are moments too."""

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The gradients are those of the whole step."""
        weights = [weight for weight in kwargs["model"].parameters() if weight.requires_grad]
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        moments = [value for kept in kwargs["optimizer"].state.values() for value in kept.values()]
        kept = sum(_weigh(one) for one in (*weights, *gradients, *moments) if isinstance(one, torch.Tensor))
        Path(f"kept-{os.environ.get('RANK', '0')}.json").write_text(json.dumps({"kept": kept}))


class Weighed(BasePlugin):  # type: ignore[misc]
    """Adds it to the training."""

    def add_callbacks_post_trainer(self, cfg: Any, trainer: Any) -> list[TrainerCallback]:
        """Once the trainer is there."""
        return [Weigh()]


def _weigh(tensor: torch.Tensor) -> int:
    local = tensor.to_local() if hasattr(tensor, "to_local") else tensor
    return local.numel() * local.element_size() if local.dim() else 0
