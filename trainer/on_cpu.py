"""Training on a processor: a Mac's GPU is left alone, and transformers 5 is told that bf16 is meant."""

import os
from functools import cache
from typing import Any

import torch


def hide_apple_gpu() -> None:
    """Let torch show no Apple GPU where the run's environment asks for the CPU.

    accelerate reads ACCELERATE_USE_CPU; Axolotl and transformers do not, and would load the model onto that GPU.
    """
    if os.environ.get("ACCELERATE_USE_CPU") == "true":
        torch.backends.mps.is_available = cache(lambda: False)


def allow_bf16(cfg: Any) -> dict[str, bool]:
    """The argument without which transformers refuses bf16 where it finds no GPU that has it.

    Under DeepSpeed it would switch DeepSpeed off.
    """
    on_cpu = not torch.cuda.is_available() and not cfg.get("deepspeed")
    return {"use_cpu": True} if cfg.get("bf16") and on_cpu else {}
