"""Axolotl plugins that break a training on purpose, on its last rank alone.

axolotl: {plugins: [tests.end_to_end.breaking.PoisonWeights]}
"""

import os
from pathlib import Path
from resource import RLIMIT_FSIZE, setrlimit
from typing import Any

import torch
from axolotl.integrations.base import BasePlugin

STEP, ROOM = 3, 1000


def is_last() -> bool:
    """Whether this is the last rank, or the only process."""
    return int(os.environ.get("RANK", "0")) == int(os.environ.get("WORLD_SIZE", "1")) - 1


class PoisonWeights(BasePlugin):  # type: ignore[misc]
    """Puts a value that is no number into a weight before the third step."""

    def post_trainer_create(self, cfg: Any, trainer: Any) -> None:
        """Wrap the step."""
        step, done = trainer.training_step, [0]

        def poison(model: Any, inputs: Any, *more: Any) -> Any:
            done[0] += 1
            if done[0] == STEP and is_last():
                weight = next(weight for weight in model.parameters() if weight.requires_grad)
                with torch.no_grad():
                    weight.view(-1)[0] = float("nan")
            return step(model, inputs, *more)

        trainer.training_step = poison


class FillDisk(BasePlugin):  # type: ignore[misc]
    """Leaves room for no file of more than a kilobyte, as a disk does that is nearly full."""

    def post_trainer_create(self, cfg: Any, trainer: Any) -> None:
        """Limit this process."""
        if is_last():
            setrlimit(RLIMIT_FSIZE, (ROOM, ROOM))


def poison_base(folder: Path) -> None:
    """Put a value that is no number into the first weight of a base."""
    from safetensors.torch import load_file, save_file

    (path,) = folder.glob("*.safetensors")
    weights = load_file(path)
    weights[min(weights)].view(-1)[0] = float("nan")
    save_file(weights, path, metadata={"format": "pt"})
