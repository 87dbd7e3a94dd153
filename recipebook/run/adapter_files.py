"""An adapter's folder in; its settings and weights out, or the reason why they cannot act on any base.

    read_adapter(Path("runs/robot-lora-20261121-093000/model"))
    → AdapterFiles(config={"peft_type": "LORA", "r": 32, "lora_alpha": 64, …},
                   tensors={"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight": tensor, …})

PEFT loads most broken adapters with a warning or none, and the base then answers as if nothing had been trained. What
the files alone prove is refused here, before a base is loaded.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import torch
from peft import PeftType
from safetensors import SafetensorError

from recipebook.errors import UserError, on_one_line
from recipebook.project import shown
from recipebook.run.adapter_names import CONFIG, PREFIX, WEIGHTS
from recipebook.run.weights import read_file

LORA = "LORA"
FORMS = ("lora_A.weight", "lora_B.weight"), ("lora_embedding_A", "lora_embedding_B")


class AdapterFiles(NamedTuple):
    """The content of an adapter's folder."""

    folder: Path
    config: dict[str, Any]
    tensors: dict[str, torch.Tensor]

    @property
    def pairs(self) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """The matrices A and B of each module that has both, by the module's name in the base."""
        return {
            name.removesuffix(f".{a}").removeprefix(PREFIX): (tensor, self.tensors[other])
            for a, b in FORMS
            for name, tensor in self.tensors.items()
            if name.endswith(f".{a}") and (other := name.removesuffix(a) + b) in self.tensors
        }


def read_adapter(folder: Path) -> AdapterFiles:
    """Read an adapter; refuse files that are broken, weights that are no numbers, and those that add up to nothing."""
    files = AdapterFiles(folder, _read_config(folder), _read_weights(folder))
    faults = (
        (_find_bad_numbers, _find_other_rank, _find_zero) if files.config["peft_type"] == LORA else (_find_bad_numbers,)
    )
    for find_fault in faults:
        if fault := find_fault(files):
            raise UserError(f"{shown(folder)}: {fault}")
    return files


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    try:
        config: Any = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(f"{shown(path)}: cannot be read: {on_one_line(str(error))}") from None
    kind = config.get("peft_type") if isinstance(config, dict) else None
    if kind not in PeftType.__members__:
        raise UserError(f"{shown(path)}: peft_type is {kind}, which is no kind of adapter; LORA is one")
    return dict(config)


def _read_weights(folder: Path) -> dict[str, torch.Tensor]:
    path = folder / WEIGHTS
    # Other forms of weights may run code. And where there are none, PEFT looks for them on the hub.
    if not path.is_file():
        raise UserError(f"{shown(folder)}: it has no {WEIGHTS}, so there is no adapter to evaluate")
    try:
        tensors = dict(read_file(path))
    except (OSError, SafetensorError) as error:
        raise UserError(f"{shown(path)}: cannot be read: {on_one_line(str(error))}") from None
    if not tensors:
        raise UserError(f"{shown(path)}: it is empty: no weights are in it")
    return tensors


def _find_bad_numbers(files: AdapterFiles) -> str | None:
    for name, tensor in files.tensors.items():
        kind = str(tensor.dtype).removeprefix("torch.")
        if not tensor.is_floating_point():
            return f"{name} is stored as {kind}; an adapter's weights are fractions, which {kind} cannot hold"
        wrong = int((~torch.isfinite(tensor)).sum())
        if wrong:
            hint = f"; {kind} ends at 65,504, larger weights overflow" if kind == "float16" else ""
            return f"{name}: {wrong:,} of {tensor.numel():,} weights are NaN or infinite{hint}"
    return None


def _find_other_rank(files: AdapterFiles) -> str | None:
    """The rank of the weights, where it is another than the settings say; experts' matrices are stacked."""
    if files.config.get("rank_pattern") or files.config.get("target_parameters"):
        return None
    ranks = Counter(len(a) for a, _ in files.pairs.values())
    wrong = [rank for rank, _ in ranks.most_common() if rank != files.config.get("r")]
    return f"{CONFIG} has r: {files.config.get('r')}, and the weights have rank {wrong[0]}" if wrong else None


def _find_zero(files: AdapterFiles) -> str | None:
    """Whether B·A is zero at every module; other tensors, such as DoRA's magnitudes, may act all the same."""
    pairs = files.pairs.values()
    if not pairs or len(files.tensors) > 2 * len(pairs) or any(bool(a.any()) and bool(b.any()) for a, b in pairs):
        return None
    side = "B" if not any(bool(b.any()) for _, b in pairs) else "A or B"
    return f"the adapter acts at no module: lora_{side} is zero at all {len(pairs)}, so B·A adds nothing to the base"
