"""The machine's GPUs, processor and memory, found without importing torch."""

import os
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path

from recipebook.frozen import Frozen


class Hardware(Frozen):
    """The machine, as the manifest names it."""

    gpus: tuple[str, ...]
    cpu: str
    cores: int
    memory_gib: float

    @property
    def gpu(self) -> bool:
        """Whether training runs on a GPU."""
        return bool(self.gpus)


@cache
def detect() -> Hardware:
    """The GPUs that CUDA would show (`CUDA_VISIBLE_DEVICES` respected), the processor, its cores, the memory."""
    return Hardware(gpus=_gpus(), cpu=_cpu(), cores=len(os.sched_getaffinity(0)), memory_gib=_memory())


def name_gpus() -> list[str]:
    """The name of each visible GPU as `CUDA_VISIBLE_DEVICES` writes it: `0`, `1`, or as the variable names it now."""
    count = len(detect().gpus)
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return (seen.split(",") if seen else [str(number) for number in range(count)])[:count]


def _gpus() -> tuple[str, ...]:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if shutil.which("nvidia-smi") is None or visible in ("", "-1"):
        return ()
    listing = subprocess.run(
        ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, check=False
    )
    names = tuple(listing.stdout.split("\n")[:-1]) if listing.returncode == 0 else ()
    return names[: len(visible.split(","))] if visible else names


def _cpu() -> str:
    with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _memory() -> float:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
