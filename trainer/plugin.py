"""The Axolotl plugin that every run loads: progress, training on CPUs, and the check of the saved weights.

`plugins: [trainer.plugin.RunPlugin]` in `axolotl.yaml`; the run's folder is the working directory.
"""

import json
import os
from pathlib import Path
from typing import Any

from axolotl.integrations.base import BasePlugin
from transformers import EarlyStoppingCallback, set_seed

from recipebook.files import write_text
from recipebook.run.weights import check_weights
from trainer import cpu_ranks, on_cpu, row_types
from trainer.finite import StayFinite
from trainer.named_rows import name_broken_rows
from trainer.progress import ProgressFiles
from trainer.rank import be_rank
from trainer.resumed import CheckSchedule
from trainer.row_order import OrderRows, count_steps_by_seed
from trainer.stopping import StopTogether
from trainer.tracked import RecordTrackers, continue_tracked_runs


class RunPlugin(BasePlugin):  # type: ignore[misc]
    """Hooks in the order in which Axolotl calls them."""

    def register(self, cfg: dict[str, Any]) -> None:
        """The configuration is read, nothing is set up."""
        on_cpu.hide_apple_gpu()
        if "LOCAL_RANK" in os.environ:
            be_rank(int(os.environ["RANK"]))
        if cpu_ranks.is_one():
            cpu_ranks.share_one_cpu()
            if cfg.get("deepspeed"):
                cpu_ranks.join_for_deepspeed()
            if cfg.get("fsdp_config"):
                cpu_ranks.shard_on_cpu()

    def load_datasets(self, cfg: Any, preprocess: bool = False) -> None:
        """Called between the choice of a device and the loading of the model; trackers' variables are set."""
        row_types.take_all_types()
        name_broken_rows()
        count_steps_by_seed(cfg.seed)
        if cpu_ranks.is_one():
            cpu_ranks.place_on_cpu(cfg)
        earlier = continue_tracked_runs(Path.cwd())
        if cfg.use_trackio:
            from trainer.trackio_start import begin_by_keys

            begin_by_keys(cfg.trackio_project_name, cfg.trackio_space_id, earlier.trackio)

    def pre_model_load(self, cfg: Any) -> None:
        """New weights are drawn from the seed alone, whatever was drawn on the way here."""
        set_seed(cfg.seed)
        if cfg.get("precompute_ref_log_probs") and "LOCAL_RANK" in os.environ:
            from trainer.shared_reference import share_reference

            share_reference(Path.cwd())

    def pre_lora_load(self, cfg: Any, model: Any) -> None:
        """Draw a new adapter from the seed alone too: reusing tokenised rows leaves the generator in another state."""
        set_seed(cfg.seed)
        if cfg.get("trainer_cls") and cfg.get("lora_model_dir"):
            from trainer.continued import begin_with

            begin_with(cfg.lora_model_dir)

    def post_model_load(self, cfg: Any, model: Any) -> None:
        """The model is whole; its adapter is included but under TRL."""
        self.all_weights = model.num_parameters()

    def add_callbacks_post_trainer(self, cfg: Any, trainer: Any) -> list[Any]:
        """The rows of every epoch come in an order that a resumed training finds again, on any number of ranks."""
        self.progress.callbacks = trainer.callback_handler.callbacks
        if cfg.get("fsdp_config"):
            from trainer.whole_checkpoints import write_whole

            write_whole(trainer)
        return [OrderRows(trainer, cfg.seed)]

    def add_callbacks_pre_trainer(self, cfg: Any, model: Any) -> list[Any]:
        """Follow the training, and end it early where Axolotl would not: it does so for supervised training alone."""
        patience = cfg.get("rl") and cfg.get("early_stopping_patience")
        folder = Path.cwd()
        self.progress = ProgressFiles(folder)
        stop = StopTogether(folder, collects=cfg.get("rl") == "grpo")
        ours = [stop, StayFinite(), self.progress, RecordTrackers(folder), CheckSchedule()]
        return [*ours, *([EarlyStoppingCallback(patience)] if patience else [])]

    def get_training_args(self, cfg: Any) -> dict[str, Any]:
        """Training that ends early goes back to its best checkpoint; bf16 without a GPU is agreed to.

        The tokens of a step count alike, whichever rank has them: Axolotl would average the ranks' mean losses, so that
        the number of GPUs would change what is learned. The methods of TRL and weighted losses have means of their own.
        """
        alike = {} if cfg.get("rl") or cfg.get("span_weights") else {"average_tokens_across_devices": True}
        best = {"load_best_model_at_end": True} if cfg.get("rl") and cfg.get("early_stopping_patience") else {}
        # Else a loss that is no number would be logged as the mean of those before it.
        honest = {} if cfg.get("fp16") else {"logging_nan_inf_filter": False}
        return {**alike, **best, **honest, **on_cpu.allow_bf16(cfg)}

    def post_train_unload(self, cfg: Any) -> None:
        """Check the saved weights, once everything is saved."""
        if os.environ.get("RANK", "0") == "0":
            if cfg.get("rl") and cfg.get("adapter"):
                # Axolotl saves the base beside the adapter, under names that nothing loads.
                (Path(cfg.output_dir) / "model.safetensors").unlink(missing_ok=True)
            found = check_weights(Path(cfg.output_dir), _start(cfg))
            # TRL puts the adapter on a model that is loaded without one.
            more = found["parameters"] if cfg.get("rl") and cfg.get("adapter") else 0
            write_text(Path("weights.json"), json.dumps({**found, "of": self.all_weights + more}))


def _start(cfg: Any) -> Path | None:
    """The folder of the weights that training began with, where there is one to compare with."""
    if cfg.get("lora_model_dir"):
        return Path(cfg.lora_model_dir)
    if cfg.get("adapter") or cfg.get("reinit_weights"):
        return None
    base = Path(cfg.base_model)
    if base.is_dir():
        return base
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(cfg.base_model, revision=cfg.get("revision_of_model"), local_files_only=True))
