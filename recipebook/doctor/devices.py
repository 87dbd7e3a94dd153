"""GPUs, their driver, and whether the installed torch can use them; torch is imported in another process, if at all.

check_gpu()     → MachineFinding("gpu", "8 x NVIDIA H100 80GB HBM3, 79.6 GiB each, bf16")
check_torch()   → MachineFinding("torch", "2.13.0+cpu, a build for processors alone", cure="…")
"""

import re
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

from recipebook.doctor.finding import MachineFinding
from recipebook.hardware import (
    computes_bf16,
    detect,
    list_hidden_gpus,
    list_used_memory,
    measure_gpu_memory,
    read_driver,
    read_driver_fault,
)
from recipebook.recipe.keys import Recipe

SECONDS = 180
# A desktop, or a driver that stays awake.
IDLE_GIB = 2.0
BUILD = re.compile(r"^(__version__|cuda)\b[^=]*= (?:'([^']*)'|None)$", re.MULTILINE)
# Computes on each GPU; a build without kernels for one of them raises.
TRIAL = """
import torch
for number in range(torch.cuda.device_count()):
    torch.ones(8, device=f"cuda:{number}").sum().item()
print(torch.cuda.device_count(), ".".join(map(str, torch.cuda.nccl.version())))
"""


def check_gpu(recipe: Recipe | None) -> MachineFinding:
    """The GPUs, against the processes that the recipe starts on this machine."""
    machine, processes = detect(), recipe.launch.processes if recipe else 1
    if hidden := list_hidden_gpus():
        return MachineFinding(
            "gpu",
            f"CUDA_VISIBLE_DEVICES hides this machine's {len(hidden)}",
            f"CUDA_VISIBLE_DEVICES={','.join(hidden)}",
        )
    if not machine.gpu:
        others = " and ".join(dict.fromkeys(machine.other_gpus))
        text = f"none of NVIDIA's, so trainings run on {machine.cores} cores"
        return MachineFinding("gpu", f"{text}; Recipebook does not use this machine's {others}" if others else text)
    memory = measure_gpu_memory()
    kinds = Counter(machine.gpus)
    size = f", {memory} GiB {'each' if len(kinds) == 1 else 'the smallest'}" if memory else ""
    names = " and ".join(f"{count} x {name}" for name, count in kinds.items())
    text = f"{names}{size}, {'bf16' if computes_bf16() else 'fp16, no bf16'}"
    usable = 1 if machine.slices else len(machine.gpus)
    if usable < processes:
        return MachineFinding("gpu", f"{text}; the recipe starts {processes} processes", f"GPUS={usable}")
    used = list_used_memory()
    busy = [f"GPU {name} holds {size:.1f} GiB of other programs" for name, size in used if size > IDLE_GIB]
    if not busy:
        return MachineFinding("gpu", text)
    free = ",".join(name for name, size in used if size <= IDLE_GIB)
    cure = f"CUDA_VISIBLE_DEVICES={free} leaves it alone" if free else "nvidia-smi lists those programs; end them"
    return MachineFinding("gpu", f"{text}; {', '.join(busy)}", cure)


def check_driver() -> MachineFinding:
    """NVIDIA's driver: its version, or why nvidia-smi fails, after which trainings run on the processor."""
    driver = read_driver()
    if driver:
        return MachineFinding("driver", driver)
    if fault := read_driver_fault():
        cure = "restart the machine if its driver was updated; CUDA_VISIBLE_DEVICES=-1 where it has no NVIDIA GPU"
        return MachineFinding("driver", f"nvidia-smi: {fault}", cure)
    if any(Path("/proc/driver/nvidia").glob("*")):
        return MachineFinding(
            "driver", "loaded, but nvidia-smi does not answer", "install nvidia-smi of the same version"
        )
    return MachineFinding("driver", "none, and none needed without an NVIDIA GPU")


def check_torch() -> list[MachineFinding]:
    """The build of torch and, on a machine with GPUs, whether it computes on each, and its NCCL."""
    build = read_build()
    if build is None:
        return [MachineFinding("torch", "not installed", "make setup")]
    version, cuda = build
    if not detect().gpu:
        return [
            MachineFinding("torch", f"{version}{f', for CUDA {cuda}' if cuda else ', a build for processors'}"),
            MachineFinding("nccl", "not needed without GPUs; several processes speak through gloo"),
        ]
    if cuda is None:
        cure = f"install torch {version.partition('+')[0]} built for CUDA into .venv"
        return [MachineFinding("torch", f"{version}, a build for processors alone beside a GPU", cure)]
    return _try_torch(version, cuda)


def read_build() -> tuple[str, str | None] | None:
    """The version of torch, and of the CUDA it is built for, read from its files: ("2.13.0+cpu", None)."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    text = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    found = {name: value or None for name, value in BUILD.findall(text)}
    return str(found.get("__version__")), found.get("cuda")


def _try_torch(version: str, cuda: str) -> list[MachineFinding]:
    name = f"{version}, for CUDA {cuda}"
    try:
        done = subprocess.run(
            [sys.executable, "-c", TRIAL], capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return [MachineFinding("torch", f"{name}, did not compute on a GPU within {SECONDS} s", "restart the machine")]
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        return [
            MachineFinding("torch", f"{name}: {last}", "a driver for this CUDA, or a build of torch for this driver")
        ]
    count, nccl = done.stdout.split()[-2:]
    # Of slices of GPUs, CUDA shows a process one.
    wanted = 1 if detect().slices else len(detect().gpus)
    if int(count) < wanted:
        return [MachineFinding("torch", f"{name}, sees {count} of {wanted} GPUs", "unset CUDA_VISIBLE_DEVICES")]
    return [MachineFinding("torch", f"{name}, computes on {count} GPUs"), MachineFinding("nccl", nccl)]
