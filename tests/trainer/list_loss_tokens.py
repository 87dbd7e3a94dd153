"""For a test: configurations of Axolotl in; the texts that its trainers' own batches put loss on, and the plan's, out.

    python list_loss_tokens.py cases.json found.json

In: `{"robot-lora": {"base_model": …}}`, run in a folder that has a subfolder with the rows for each case. Out, for each
sequence of the first epoch, its pieces of text with whether they carry loss, and those of the plan's first rows:

    {"robot-lora": {"batches": [[["<|im_start|>user\\nstop<|im_end|>\\n<|im_start|>assistant\\n", false],
                                 ["robot.stop()<|im_end|>", true], ["\\n", false]], …],
                    "plan": […]}}
"""

import itertools
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import yaml

from trainer.__main__ import UNUSED, hide, load_engine

Pieces = list[tuple[str, bool]]
# By method a batch names its sequences, and what of them carries loss, in one of these ways.
NAMES = (
    ("input_ids", "attention_mask", "labels"),
    ("input_ids", "attention_mask", "completion_mask"),
    ("chosen_input_ids", "chosen_attention_mask", "chosen_labels"),
    ("rejected_input_ids", "rejected_attention_mask", "rejected_labels"),
)


def list_pieces(config: Mapping[str, Any]) -> list[Pieces]:
    """Set a training up, and read every batch of its first epoch."""
    from axolotl.cli.config import load_cfg
    from axolotl.common.datasets import load_datasets, load_preference_datasets
    from axolotl.integrations.base import PluginManager
    from axolotl.train import setup_model_and_trainer

    Path("axolotl.yaml").write_text(yaml.safe_dump(dict(config)))
    cfg = load_cfg("axolotl.yaml")
    PluginManager.get_instance().load_datasets(cfg)
    meta = (load_preference_datasets if cfg.rl else load_datasets)(cfg=cfg)
    trainer, _, tokenizer, _, _ = setup_model_and_trainer(cfg, meta)
    batches = trainer.get_train_dataloader()
    return [pieces for batch in batches for pieces in read_batch(batch, tokenizer)]


def read_batch(batch: Mapping[str, torch.Tensor], tokenizer: Any) -> Iterator[Pieces]:
    """The sequences of a batch, without padding."""
    for ids, shown, counted in NAMES:
        if counted in batch:
            for one, mask, count in zip(batch[ids], batch[shown], batch[counted], strict=True):
                at = mask.bool()
                lossy = count != -100 if counted.endswith("labels") else count.bool()
                yield join(one[at].tolist(), lossy[at].tolist(), tokenizer)


def join(ids: list[int], lossy: list[bool], tokenizer: Any) -> Pieces:
    """Neighbours that all carry loss, or all do not, as one piece of text."""
    groups = itertools.groupby(zip(ids, lossy, strict=True), key=lambda pair: pair[1])
    return [(tokenizer.decode([token for token, _ in pairs]), counted) for counted, pairs in groups]


def run_in_child(config: Mapping[str, Any], folder: Path) -> None:
    """Axolotl keeps its plugins and patches libraries, so that each training needs a process."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.chdir(folder)
            batches = list_pieces(config)
            plan = preview(Path("axolotl.yaml"), load_whole)["train"]["examples"]
            Path("pieces.json").write_text(json.dumps({"batches": batches, "plan": plan}))
            status = 0
        finally:
            sys.stderr.flush()
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit(f"{folder.name}: the trainer was not set up")


if __name__ == "__main__":
    hide(UNUSED)
    load_engine()
    from trainer.light import load_whole
    from trainer.preview import preview

    cases = json.loads(Path(sys.argv[1]).read_text())
    for name, config in cases.items():
        run_in_child(config, Path(name))
    found = {name: json.loads(Path(name, "pieces.json").read_text()) for name in cases}
    Path(sys.argv[2]).write_text(json.dumps(found))
    os._exit(0)
