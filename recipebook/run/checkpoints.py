"""Whether a checkpoint is whole: its folder in, what is missing or cut short out.

    model/checkpoint-500/ → None, or "optimizer.pt is cut short"

A trainer that is killed, or finds no room, leaves files that are not all there. Only their ends and heads are read, as
the weights of a large model would take long.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

from recipebook.run.resolved import read_settings

STATE = "trainer_state.json"
TORCH = (".pt", ".pth", ".bin")
# DeepSpeed's and FSDP's folders have weights and optimizer in their own forms.
SHARDED = ("global_step*", "pytorch_model_fsdp_*")
OPTIMIZERS = ("optimizer.pt", "optimizer.bin", "optimizer_*")


def find_fault(checkpoint: Path) -> str | None:
    """What keeps a training from resuming here, in a few words; None where nothing does."""
    if fault := _find_json_fault(checkpoint):
        return fault
    for path in sorted(path for path in checkpoint.rglob("*") if path.is_file()):
        whole = list_tensors(path) is not None if path.suffix == ".safetensors" else _is_whole_torch(path)
        if not whole:
            return f"{path.name} is cut short"
    if not any(checkpoint.glob("*.safetensors")) and not _has(checkpoint, (*SHARDED, "*model*.bin")):
        return "it has no weights"
    if not _has(checkpoint, (*OPTIMIZERS, *SHARDED)) and not _leaves_optimizer_out(checkpoint):
        return "it has no optimizer.pt"
    return None


def list_tensors(path: Path) -> list[str] | None:
    """The names of the tensors in a safetensors file; None where the file is not as long as its head says."""
    shapes = read_shapes(path)
    return None if shapes is None else list(shapes)


def read_shapes(path: Path) -> dict[str, tuple[int, ...]] | None:
    """The shape of each tensor in a safetensors file; None where the file is not as long as its head says."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            size = path.stat().st_size
            head: dict[str, Any] = json.loads(file.read(length)) if length <= size else {}
        head.pop("__metadata__", None)
        end = max((entry["data_offsets"][1] for entry in head.values()), default=0)
        whole = size >= 8 and size == 8 + length + end
        return {name: tuple(entry["shape"]) for name, entry in head.items()} if whole else None
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None


def _find_json_fault(checkpoint: Path) -> str | None:
    if not (checkpoint / STATE).is_file():
        return f"it has no {STATE}"
    for path in sorted((checkpoint / STATE, *checkpoint.glob("*config.json"), *checkpoint.glob("*.index.json"))):
        try:
            found = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return f"{path.name} is no JSON"
        if not isinstance(found, dict):
            return f"{path.name} holds no object"
        for shard in sorted(set(found.get("weight_map", {}).values())):
            if not (checkpoint / shard).is_file():
                return f"it has no {shard}"
    return None


def _is_whole_torch(path: Path) -> bool:
    """Whether a file that torch wrote has its end; any other file counts as whole."""
    return path.suffix not in TORCH or zipfile.is_zipfile(path)


def _has(checkpoint: Path, patterns: tuple[str, ...]) -> bool:
    return any(True for pattern in patterns for _ in checkpoint.glob(pattern))


def _leaves_optimizer_out(checkpoint: Path) -> bool:
    """Whether the run's own configuration has checkpoints without an optimizer."""
    return bool(read_settings(checkpoint.parents[1]).get("save_only_model"))
