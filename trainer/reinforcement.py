"""The Axolotl plugin of training by reinforcement: it sets up the episodes, and leaves steps out that learn nothing.

    plugins: [trainer.reinforcement.ReinforcementPlugin]
    episodes: {rounds: 5, seconds: 20, answer_tokens: 256, …}

Adam moves weights by its momentum even where the gradient is exactly 0. A step without a gradient is therefore none:
the optimizer leaves weights alone that have no gradient at all.
"""

from functools import partial
from pathlib import Path
from typing import Any

from axolotl.integrations.base import BasePlugin
from pydantic import BaseModel
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from trainer.collected import TRAINED, Collections
from trainer.divergence import StartingPolicy
from trainer.rollouts import EpisodeKeys, Player, begin_with


class ReinforcementKeys(BaseModel):
    """The plugin's keys in `axolotl.yaml`."""

    episodes: EpisodeKeys | None = None


class ReinforcementPlugin(BasePlugin):  # type: ignore[misc]
    """Hooks in the order in which Axolotl calls them."""

    def get_input_args(self) -> str:
        """Where Axolotl finds the plugin's keys."""
        return "trainer.reinforcement.ReinforcementKeys"

    def pre_model_load(self, cfg: Any) -> None:
        """Set the player that TRL's trainer will call."""
        keys = EpisodeKeys.model_validate(dict(cfg.episodes))
        self.collections = Collections(Path.cwd(), keys.least_success)
        self.player = Player(keys, self.collections)
        begin_with(self.player)

    def get_training_args(self, cfg: Any) -> dict[str, Any]:
        """Without dropout: with it, the probability ratio of the first step would not be 1."""
        return {"disable_dropout": True}

    def add_callbacks_pre_trainer(self, cfg: Any, model: Any) -> list[Any]:
        """Leave steps out that would be made of momentum alone, and note the figures of the others."""
        return [NoEmptySteps(), Updates(self.collections)]

    def post_trainer_create(self, cfg: Any, trainer: Any) -> None:
        """Note where the policy starts, and save the trained adapter alone.

        TRL puts a frozen copy beside the adapter where `beta` is above 0.
        """
        model = trainer.model
        if hasattr(model, "peft_config"):
            self.player.start = StartingPolicy(model)
            model.save_pretrained = partial(model.save_pretrained, selected_adapters=[TRAINED])


class NoEmptySteps(TrainerCallback):
    """Takes the gradients away where all of them are 0, so that the optimizer makes no step."""

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The gradients are there and clipped."""
        trained = [weight for weight in kwargs["model"].parameters() if weight.grad is not None]
        if not any(bool(weight.grad.any()) for weight in trained):
            for weight in trained:
                weight.grad = None


class Updates(TrainerCallback):
    """Notes what TRL logs beside the figures of the collection that was learned from."""

    def __init__(self, collections: Collections) -> None:
        self.collections = collections

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """TRL's means since the last log."""
        if state.is_world_process_zero:
            self.collections.note_updates(logs or {})
