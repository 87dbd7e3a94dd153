"""An adapter that a method with a reference model trains further: `trainer_cls: trainer.continued.ContinuedDPO`.

Axolotl 0.19 reads `lora_model_dir` for supervised training; for DPO, IPO and KTO it hands TRL the settings of a new
adapter, and silently ignores the existing one. Given the adapter itself, TRL keeps a frozen copy of it beside the one
in training, so that the reference is the model as the earlier stage left it, not the base.
"""

from functools import partial
from typing import Any

from axolotl.core.trainers import AxolotlKTOTrainer
from axolotl.core.trainers.dpo.trainer import AxolotlDPOTrainer
from peft import PeftModel

TRAINED = "default"


class _Continued:
    """Puts the adapter in `adapter` on the model before TRL sees it."""

    adapter = ""

    def __init__(self, model: Any, *args: Any, peft_config: Any = None, **kwargs: Any) -> None:
        tuned: Any = PeftModel.from_pretrained(model, self.adapter, is_trainable=True)
        super().__init__(tuned, *args, **kwargs)  # type: ignore[call-arg]
        # The copy is not saved: a checkpoint with two adapters would be resumed from the wrong one.
        tuned.save_pretrained = partial(tuned.save_pretrained, selected_adapters=[TRAINED])


class ContinuedDPO(_Continued, AxolotlDPOTrainer):  # type: ignore[misc]
    """DPO and IPO."""


class ContinuedKTO(_Continued, AxolotlKTOTrainer):  # type: ignore[misc]
    """KTO."""


def begin_with(adapter: str) -> None:
    """Set the adapter's folder, which Axolotl passes to its plugins and not to its trainers."""
    _Continued.adapter = adapter
