"""The check of the weights that training saved: `{"finite", "changed", "tensors", "digest"}`.

An exit status of 0 proves nothing: DeepSpeed versions have trained NaN with it. So the saved files are read back.
`python -m recipebook.run.weights FOLDER` prints the same for a new adapter that a service trained. Evaluation reads the
digest again: a run's weights are those that its manifest names.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import torch
from safetensors import safe_open


class WeightCheck(TypedDict):
    """The result of the check."""

    finite: bool
    changed: bool
    tensors: int
    parameters: int
    digest: str


def check_weights(folder: Path, start: Path | None) -> WeightCheck:
    """Read the safetensors of `folder` and compare them with those of `start`.

    `start` is None for a fresh adapter, whose `lora_B` are zero until something is learnt, and for weights drawn at
    random, of which a norm's are 1. The digest is over names, shapes and bytes in the order of names.
    """
    finite, changed, tensors, parameters = True, False, 0, 0
    before = dict(read_tensors(start)) if start else {}
    hasher = hashlib.sha256()
    for name, tensor in sorted(read_tensors(folder), key=lambda item: item[0]):
        tensors, parameters = tensors + 1, parameters + tensor.numel()
        finite = finite and bool(torch.isfinite(tensor).all())
        changed = changed or _differs(name, tensor, before.get(name))
        hasher.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        hasher.update(tensor.contiguous().view(torch.uint8).numpy().tobytes())
    return {
        "finite": finite and tensors > 0,
        "changed": changed,
        "tensors": tensors,
        "parameters": parameters,
        "digest": hasher.hexdigest(),
    }


def read_tensors(folder: Path) -> Iterator[tuple[str, torch.Tensor]]:
    """Each tensor of a folder's safetensors with its name, one in memory at a time."""
    for path in sorted(folder.glob("*.safetensors")):
        yield from read_file(path)


def find_tensors(folder: Path) -> dict[str, Path]:
    """The file of each tensor of a folder, by the tensor's name."""
    return {name: path for path in sorted(folder.glob("*.safetensors")) for name in _list_names(path)}


def read_tensor(path: Path, name: str) -> torch.Tensor:
    """One tensor of a file."""
    with safe_open(path, framework="pt") as tensors:
        tensor: torch.Tensor = tensors.get_tensor(name)
    return tensor


def read_file(path: Path) -> Iterator[tuple[str, torch.Tensor]]:
    """Each tensor of one file; raises SafetensorError for a file that is broken."""
    with safe_open(path, framework="pt") as tensors:
        for name in tensors.keys():  # noqa: SIM118 (not a dictionary)
            yield name, tensors.get_tensor(name)


def _list_names(path: Path) -> list[str]:
    with safe_open(path, framework="pt") as tensors:
        return list(tensors.keys())


def _differs(name: str, tensor: torch.Tensor, before: torch.Tensor | None) -> bool:
    if before is not None:
        return not torch.equal(tensor.float(), before.float())
    if "lora_B" in name:
        return bool(tensor.any())
    return "norm" in name and bool((tensor != 1).any())


if __name__ == "__main__":
    print(json.dumps(check_weights(Path(sys.argv[1]), None)))
