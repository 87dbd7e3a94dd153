"""Several processes on a CPU: fixes for accelerate 1.13, DeepSpeed 0.19 and Axolotl 0.19."""

import os
from typing import Any

import torch
from accelerate.parallelism_config import ParallelismConfig
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType


def is_one() -> bool:
    """Whether this is a launched process on a machine without a GPU."""
    return "LOCAL_RANK" in os.environ and not torch.cuda.is_available()


def share_one_cpu() -> None:
    """Give each process the device `cpu`.

    accelerate numbers them `cpu:0`, `cpu:1`, and torch then cannot read a checkpoint: "don't know how to restore data
    location of torch.storage.UntypedStorage (tagged with cpu:0)".
    """
    number = PartialState.set_device

    def set_device(self: PartialState) -> None:
        number(self)
        if self.device.type == "cpu":
            self.device = torch.device("cpu")

    PartialState.set_device = set_device


def join_for_deepspeed() -> None:
    """Make accelerate join the processes through gloo.

    Without a GPU it picks no backend for DeepSpeed, and every process then believes that it is alone and trains on
    all of the data.
    """
    import deepspeed

    prepare = PartialState._prepare_backend

    def prepare_with_gloo(self: PartialState, *args: Any, **kwargs: Any) -> Any:
        backend, distributed_type = prepare(self, *args, **kwargs)
        return backend or "gloo", distributed_type

    PartialState._prepare_backend = prepare_with_gloo
    join = deepspeed.comm.init_distributed
    # Axolotl names NCCL where there is one process.
    deepspeed.comm.init_distributed = lambda dist_backend=None, **kwargs: join("gloo", **kwargs)
    # DeepSpeed's own all-reduce over shared memory would be compiled first: a compiler, and minutes of it, for nothing
    # that a run on CPU ranks would notice.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    AcceleratorState._reset_state(reset_partial_state=True)


def shard_on_cpu() -> None:
    """Let FSDP divide the weights among CPU ranks.

    Axolotl asks for a mesh of GPUs outright, and accelerate has no FSDP on processors: it would train data-parallel,
    without a word.
    """
    build, begin = ParallelismConfig.build_device_mesh, AcceleratorState.__init__

    def begin_sharding(self: AcceleratorState, *given: Any, **named: Any) -> None:
        begin(self, *given, **named)
        plugin = named.get("fsdp_plugin")
        if plugin is not None and self.distributed_type == DistributedType.MULTI_CPU:
            if self._mixed_precision != "no":
                plugin.set_mixed_precision(self._mixed_precision)
            self.distributed_type, self.fsdp_plugin = DistributedType.FSDP, plugin

    ParallelismConfig.build_device_mesh = lambda self, device: build(self, "cpu")
    AcceleratorState.__init__ = begin_sharding


def place_on_cpu(cfg: Any) -> None:
    """Undo Axolotl's `device_map={"": LOCAL_RANK}`, which torch reads as an accelerator's index."""
    cfg.device_map = {"": "cpu"}
