"""GPUs, their driver, and whether the installed torch can use them; torch is imported in another process, if at all.

check_gpu()     → MachineFinding("gpu", "8 x NVIDIA H100 80GB HBM3, 79.6 GiB each, bf16")
check_torch()   → MachineFinding("torch", "2.13.0+cpu, a build for processors alone", cure="…")
"""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from recipebook.doctor.finding import MachineFinding
from recipebook.hardware import computes_bf16, detect, measure_gpu_memory, read_driver
from recipebook.recipe.keys import Recipe

SECONDS = 180
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
    if not machine.gpu:
        others = " and ".join(dict.fromkeys(machine.other_gpus))
        text = f"none of NVIDIA's, so trainings run on {machine.cores} cores"
        return MachineFinding("gpu", f"{text}; Recipebook does not use this machine's {others}" if others else text)
    memory = measure_gpu_memory()
    size = f", {memory} GiB each" if memory else ""
    text = f"{len(machine.gpus)} x {machine.gpus[0]}{size}, {'bf16' if computes_bf16() else 'fp16, no bf16'}"
    if len(machine.gpus) < processes:
        return MachineFinding("gpu", f"{text}; the recipe starts {processes} processes", f"GPUS={len(machine.gpus)}")
    return MachineFinding("gpu", text)


def check_driver() -> MachineFinding:
    """NVIDIA's driver."""
    driver = read_driver()
    if driver:
        return MachineFinding("driver", driver)
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
    if int(count) < len(detect().gpus):
        return [
            MachineFinding("torch", f"{name}, sees {count} of {len(detect().gpus)} GPUs", "unset CUDA_VISIBLE_DEVICES")
        ]
    return [MachineFinding("torch", f"{name}, computes on {count} GPUs"), MachineFinding("nccl", nccl)]
