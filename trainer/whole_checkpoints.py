"""Checkpoints of weights that FSDP divides among ranks: shards in, the files of a data-parallel training out.

    checkpoint-3/adapter_model.safetensors, optimizer.pt    on any number of ranks, and by either strategy

accelerate 1.13 writes an adapter's shard of rank 0 alone into `pytorch_model_fsdp.bin`, and reads it back into rank 0;
the other ranks silently resume with the adapter that training began with. Its optimizer's state goes by the names of
weights, where that of a data-parallel training goes by their numbers, so that neither could read the other's.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)

# Its names are those that Trainer itself imports from accelerate.
engine: Any = import_module("transformers.trainer")

OPTIMIZER = "optimizer.pt"


def write_whole(trainer: Any) -> None:
    """Let a trainer of sharded weights write whole checkpoints, and resume from them."""
    accelerator = trainer.accelerator
    accelerator.get_state_dict = gather_weights
    # save_model has written them.
    engine.save_fsdp_model = lambda *given, **named: None
    engine.load_fsdp_model = lambda plugin, accelerator, model, folder, **named: read_weights(model, Path(folder))
    engine.save_fsdp_optimizer = lambda plugin, accelerator, optimizer, model, folder, **named: write_optimizer(
        model, optimizer, Path(folder), here=accelerator.is_main_process
    )
    engine.load_fsdp_optimizer = lambda plugin, accelerator, optimizer, model, folder, **named: read_optimizer(
        model, optimizer, Path(folder), here=accelerator.is_main_process
    )

    def load_from_checkpoint(folder: str, model: Any = None) -> None:
        read_weights(trainer.model if model is None else model, Path(folder))

    trainer._load_from_checkpoint = load_from_checkpoint


def gather_weights(model: Any, **named: Any) -> dict[str, Any]:
    """On rank 0 all weights, or those that are trained where the base is frozen; nothing on others.

    A weight that goes by two names, as an embedding that is the output layer too, is there once.
    """
    frozen = hasattr(model, "peft_config")
    options = StateDictOptions(full_state_dict=True, cpu_offload=True, ignore_frozen_params=frozen)
    once = {name for name, _ in model.named_parameters()}
    again = {name for name, _ in model.named_parameters(remove_duplicate=False)} - once
    return {name: held for name, held in get_model_state_dict(model, options=options).items() if name not in again}


def read_weights(model: Any, folder: Path) -> Any:
    """Give each rank its shard of a checkpoint's weights; returns the names that were missing or too many."""
    names = dict(_list_names(model))
    files = sorted(folder.glob("*.safetensors"))
    whole: dict[str, Any] = {names.get(key, key): value for path in files for key, value in load_file(path).items()}
    # Every rank reads them: a frozen base is not among them, and the weights of a checkpoint lie in the page cache.
    return set_model_state_dict(model, whole, options=StateDictOptions(full_state_dict=True, strict=False))


def write_optimizer(model: Any, optimizer: Any, folder: Path, *, here: bool) -> None:
    """Write the state of all ranks' shards, by the numbers of weights; `here`: on this rank."""
    state = get_optimizer_state_dict(
        model, _unwrap(optimizer), options=StateDictOptions(full_state_dict=True, cpu_offload=True)
    )
    if here:
        torch.save(number_state(state), folder / OPTIMIZER)


def read_optimizer(model: Any, optimizer: Any, folder: Path, *, here: bool) -> None:
    """Give each rank its shard of the state that rank 0, which is `here`, reads."""
    own = _unwrap(optimizer)
    options = StateDictOptions(full_state_dict=True, broadcast_from_rank0=True)
    groups: Any = get_optimizer_state_dict(model, own)["param_groups"]
    whole: Any = torch.load(folder / OPTIMIZER, map_location="cpu", weights_only=True) if here else None
    set_optimizer_state_dict(model, own, name_state(whole, groups) if whole else {}, options=options)


def number_state(state: dict[str, Any]) -> dict[str, Any]:
    """An optimizer's state by names to one by numbers, as `Optimizer.state_dict` has them: in the groups' order."""
    names = [name for group in state["param_groups"] for name in group["params"]]
    numbers = {name: number for number, name in enumerate(names)}
    groups = [{**group, "params": [numbers[name] for name in group["params"]]} for group in state["param_groups"]]
    return {"state": {numbers[name]: held for name, held in state["state"].items()}, "param_groups": groups}


def name_state(state: dict[str, Any], own: list[dict[str, Any]]) -> dict[str, Any]:
    """The reverse; `own` are the groups of this training's optimizer, which name their weights."""
    names = [name for group in own for name in group["params"]]
    groups = [{**group, "params": [names[number] for number in group["params"]]} for group in state["param_groups"]]
    return {"state": {names[number]: held for number, held in state["state"].items()}, "param_groups": groups}


def _unwrap(optimizer: Any) -> Any:
    """accelerate wraps an optimizer."""
    return getattr(optimizer, "optimizer", optimizer)


def _list_names(model: Any) -> Iterator[tuple[str, str]]:
    """The name of each trained weight in an adapter's file, and in the model; nothing where all weights are trained."""
    if not hasattr(model, "peft_config"):
        return
    from peft import get_peft_model_state_dict

    names = [name for name, weight in model.named_parameters() if weight.requires_grad]
    numbered = {name: torch.tensor(number) for number, name in enumerate(names)}
    for key, number in get_peft_model_state_dict(model, numbered, save_embedding_layers=False).items():
        yield key, names[int(number)]
