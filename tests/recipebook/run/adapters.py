"""Adapters of the embedded base, whole and broken: settings in, a folder as PEFT leaves it out."""

import copy
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from recipebook.project import PROJECT
from recipebook.run.adapter_names import CONFIG, WEIGHTS

TINY = PROJECT / "models" / "tiny-base"
TEXT = [[5, 9, 14, 40, 7, 33, 21, 8, 6, 17, 90, 12], [3, 8, 200, 41, 5, 60, 77, 30, 11, 12, 13, 19]]
Tensors = dict[str, torch.Tensor]


@cache
def _load() -> Any:
    return AutoModelForCausalLM.from_pretrained(TINY, dtype=torch.float32)


def load_base() -> Any:
    """The embedded base in float32, of its own."""
    return copy.deepcopy(_load())


def write_adapter(folder: Path, seed: int = 1, size: float | None = None, **settings: Any) -> Path:
    """An adapter with random weights: PEFT's own, or B as large as `size`."""
    torch.manual_seed(seed)
    chosen: dict[str, Any] = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"], **settings}
    model = get_peft_model(load_base(), LoraConfig(init_lora_weights=size is not None, **chosen))
    if size is not None:
        for name, parameter in model.named_parameters():
            if "lora_B" in name or "lora_embedding_A" in name:
                torch.nn.init.normal_(parameter, std=size)
            elif "modules_to_save" in name or "trainable_tokens_delta" in name:
                parameter.data += size
    model.save_pretrained(str(folder))
    return folder


def write_trained(folder: Path, seed: int, steps: int = 3, rate: float = 1e-3, **settings: Any) -> Path:
    """An adapter that some steps of AdamW have trained to repeat two rows of tokens."""
    torch.manual_seed(seed)
    chosen: dict[str, Any] = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", **settings}
    model: Any = get_peft_model(load_base(), LoraConfig(**chosen))
    optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=rate)
    ids = torch.tensor(TEXT)
    for _ in range(steps):
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(str(folder))
    return folder


def change_weights(folder: Path, change: Callable[[Tensors], Tensors]) -> None:
    """Write an adapter's weights again, changed."""
    save_file(change(load_file(folder / WEIGHTS)), folder / WEIGHTS)


def change_config(folder: Path, **settings: Any) -> None:
    """Write an adapter's settings again, changed."""
    config = json.loads((folder / CONFIG).read_bytes())
    (folder / CONFIG).write_text(json.dumps({**config, **settings}))


def map_weights(change: Callable[[str, torch.Tensor], torch.Tensor]) -> Callable[[Tensors], Tensors]:
    """Changes each tensor, by its name."""
    return lambda tensors: {name: change(name, tensor).contiguous() for name, tensor in tensors.items()}


def rename_weights(old: str, new: str) -> Callable[[Tensors], Tensors]:
    """Changes a part of each name."""
    return lambda tensors: {name.replace(old, new): tensor for name, tensor in tensors.items()}


def drop_weights(part: str) -> Callable[[Mapping[str, torch.Tensor]], Tensors]:
    """Leaves out the tensors with a part of their name."""
    return lambda tensors: {name: tensor for name, tensor in tensors.items() if part not in name}
