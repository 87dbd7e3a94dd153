"""An Axolotl plugin that writes the rows each rank is given, as their tokens, to seen-<rank>.txt.

    axolotl: {plugins: [trainer.seen_rows.SeenRows]}

A rehearsal counts them: none may be missing, and those that come twice are known beforehand.
"""

import os
from pathlib import Path
from typing import Any

from axolotl.integrations.base import BasePlugin


class SeenRows(BasePlugin):  # type: ignore[misc]
    """Looks at each training batch before the trainer does."""

    def post_trainer_create(self, cfg: Any, trainer: Any) -> None:
        """Wrap the step."""
        step = trainer.training_step

        def watch(model: Any, inputs: Any, *more: Any) -> Any:
            with Path(f"seen-{os.environ.get('RANK', '0')}.txt").open("a") as file:
                for ids, mask in zip(inputs["input_ids"].tolist(), inputs["attention_mask"].tolist(), strict=True):
                    file.write(" ".join(str(one) for one, kept in zip(ids, mask, strict=True) if kept) + "\n")
            return step(model, inputs, *more)

        trainer.training_step = watch
