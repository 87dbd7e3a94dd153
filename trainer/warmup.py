"""The Axolotl plugin that warms SimPO up by a share of its steps: `warmup_share: 0.1` in `axolotl.yaml`.

Axolotl refuses `warmup_ratio` with `rl: simpo`, which TRL could not do once; its trainer can now.
"""

from typing import Any

from axolotl.integrations.base import BasePlugin
from pydantic import BaseModel


class WarmupKeys(BaseModel):
    """The plugin's keys in `axolotl.yaml`."""

    warmup_share: float | None = None


class WarmupPlugin(BasePlugin):  # type: ignore[misc]
    """Sets the trainer's own argument."""

    def get_input_args(self) -> str:
        """Where Axolotl finds the plugin's keys."""
        return "trainer.warmup.WarmupKeys"

    def get_training_args(self, cfg: Any) -> dict[str, Any]:
        """transformers takes a number of steps below 1 for a share of them."""
        return {"warmup_steps": cfg.warmup_share or 0}
