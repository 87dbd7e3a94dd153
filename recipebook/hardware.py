"""The machine's GPUs, processor and memory, found without importing torch.

Hardware(gpus=("NVIDIA H200",), cpu="INTEL(R) XEON(R) PLATINUM 8580", cores=16, memory_gib=128.0, bf16=True)

On Linux they are read from the kernel's files, on macOS by `sysctl`; what is found in neither is left empty.
"""

import math
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from recipebook.errors import UserError
from recipebook.frozen import Frozen
from recipebook.suggestions import shorten

APPLE_GPU = "Apple GPU"
# By the PCI numbers of their makers. NVIDIA's are listed by nvidia-smi.
OTHER_GPUS = {"0x1002": "AMD GPU", "0x8086": "Intel GPU"}
BF16_FLAGS = {"amx_bf16", "avx512_bf16"}
# A driver that wakes a GPU takes some seconds.
ANSWER_SECONDS = 60.0
# The first compute capability of NVIDIA's GPUs, Ampere's, that computes in bfloat16.
BF16_CAPABILITY = 8.0
# Ada's and Hopper's, which multiply in float8.
FP8_CAPABILITY = 8.9
# What is written into CUDA_VISIBLE_DEVICES so that no GPU is seen; the first two by SLURM and by NVIDIA's containers.
HIDING = ("nodevfiles", "void", "none", "")
# As `nvidia-smi -L` lists a GPU, and below it its slices.
GPU_LINE = re.compile(r"GPU (\d+): .*\(UUID: (GPU-[^)]+)\)")
SLICE_LINE = re.compile(r"\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (MIG-[^)]+)\)")
PROCESSORS = Path("/proc/cpuinfo")
CONTROL_GROUP = Path("/sys/fs/cgroup")
# The GPUs that this process may open, and where the kernel describes them: in a container only the first is its own.
GPU_FILES = Path("/dev/dri")
GPU_DESCRIPTIONS = Path("/sys/class/drm")


class Hardware(Frozen):
    """The machine, as the manifest names it."""

    gpus: tuple[str, ...]
    """NVIDIA's GPUs, on which trainings are placed."""
    cpu: str
    cores: int
    memory_gib: float
    """0 where it could not be found."""
    bf16: bool = False
    """Whether the processor itself computes in bfloat16, which others emulate slowly."""
    other_gpus: tuple[str, ...] = ()
    """The makers of all other GPUs: `Apple GPU`, `AMD GPU`, `Intel GPU`."""
    slices: tuple[str, ...] = ()
    """Where GPUs are cut into slices (MIG): the name of each of `gpus` for `CUDA_VISIBLE_DEVICES`; else empty."""

    @property
    def gpu(self) -> bool:
        """Whether training runs on an NVIDIA GPU."""
        return bool(self.gpus)


@cache
def detect() -> Hardware:
    """The GPUs that CUDA would show (`CUDA_VISIBLE_DEVICES` respected), the processor, its cores, the memory."""
    processor, devices = _read_processor(), _ask_of_each("name")
    return Hardware(
        gpus=_list_gpus(devices),
        cpu=processor.get("model name") or _read_sysctl("machdep.cpu.brand_string") or platform.machine(),
        cores=count_cores(),
        memory_gib=round(_measure_memory() / 2**30, 1),
        bf16=not BF16_FLAGS.isdisjoint(processor.get("flags", "").split()),
        other_gpus=_list_other_gpus(),
        slices=tuple(one.name for one, _ in devices) if any(one.slice for one, _ in devices) else (),
    )


def count_cores() -> int:
    """The cores that this process may use; all of them where the system does not limit it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _read_limit("cpu.max").partition(" ")
    return min(cores, -(-int(quota) // int(period))) if quota.isdecimal() and period.isdecimal() else cores


def measure_gpu_memory() -> float | None:
    """GiB of the smallest NVIDIA GPU, or slice of one; None where there is none, or its driver does not say."""
    sizes = [one.slice_gib or _read_mebibytes(answer) for one, answer in _ask_of_each("memory.total")]
    known = [size for size in sizes if size]
    return round(min(known), 1) if known else None


def list_used_memory() -> list[tuple[str, float]]:
    """Each NVIDIA GPU as `CUDA_VISIBLE_DEVICES` names it, and the GiB of it that programs hold; not those in slices."""
    return [(one.name, _read_mebibytes(answer)) for one, answer in _ask_of_each("memory.used") if not one.slice_gib]


def read_driver() -> str | None:
    """The version of NVIDIA's driver; None where there is none."""
    return next((answer for _, answer in _ask_of_each("driver_version")), None)


def computes_bf16() -> bool:
    """Whether what trains here computes in bfloat16 itself: each of the GPUs, or without one the processor.

    torch says so of any GPU, since it emulates what a Tesla T4 lacks. A GPU whose driver does not say counts as one
    that does.
    """
    return _find_least_capability() >= BF16_CAPABILITY if detect().gpu else detect().bf16


def computes_fp8() -> bool:
    """Whether each of the GPUs multiplies in 8 bits; one whose driver does not say counts as one that does."""
    return _find_least_capability() >= FP8_CAPABILITY


def name_gpus() -> list[str]:
    """The name of each visible GPU as `CUDA_VISIBLE_DEVICES` writes it: `0`, `1`, or as the variable names it now."""
    machine = detect()
    if machine.slices:
        return list(machine.slices)
    seen = _read_visible()
    return (seen or [str(number) for number in range(len(machine.gpus))])[: len(machine.gpus)]


def list_hidden_gpus() -> list[str]:
    """The numbers of the NVIDIA GPUs that `CUDA_VISIBLE_DEVICES` hides although nobody asks it to; usually none."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").strip()
    asked = visible.startswith("-") or visible.lower() in HIDING
    return [] if asked or detect().gpu else [gpu.number for gpu, _ in _query("name")]


def read_driver_fault() -> str | None:
    """What nvidia-smi prints where it fails, as after an update of the driver; None where it does not, or is not here.

    Of a machine on which `CUDA_VISIBLE_DEVICES` asks for no GPU nobody wants to know.
    """
    if _read_visible() == [] or shutil.which("nvidia-smi") is None:
        return None
    answer = _start_nvidia_smi("-L")
    lines = [line.strip() for line in (answer.stdout + answer.stderr).splitlines() if line.strip()]
    return f"it ends with status {answer.returncode}: {shorten(' '.join(lines))}" if answer.returncode else None


class _Gpu(NamedTuple):
    """One of NVIDIA's GPUs."""

    number: str
    uuid: str


class _VisibleGpu(NamedTuple):
    """What a process trains on: a GPU, or a slice of one (MIG), which is a GPU to CUDA."""

    name: str
    """As `CUDA_VISIBLE_DEVICES` names it."""
    gpu: _Gpu
    slice: str = ""
    """`3g.20gb`: three sevenths of what computes, and 20 GB."""

    @property
    def slice_gib(self) -> float:
        """GiB of the slice, by its name, which says a little more than nvidia-smi; 0 for a whole GPU."""
        size = re.search(r"(\d+)gb", self.slice)
        return float(size[1]) * 1e9 / 2**30 if size else 0


def _find_least_capability() -> float:
    answers = [answer for _, answer in _ask_of_each("compute_cap")]
    return min((float(one) for one in answers if one.replace(".", "", 1).isdigit()), default=math.inf)


def _list_gpus(devices: Sequence[tuple[_VisibleGpu, str]]) -> tuple[str, ...]:
    """Their names; a slice's as torch has it, `NVIDIA A100-SXM4-40GB MIG 3g.20gb`."""
    return tuple(f"{answer} MIG {one.slice}" if one.slice else answer for one, answer in devices)


def _ask_of_each(what: str) -> list[tuple[_VisibleGpu, str]]:
    """What nvidia-smi answers for each GPU or slice that CUDA would show; for a slice, that of its whole GPU."""
    visible = _read_visible()
    answers = dict(_query(what)) if visible != [] else {}
    slices = _list_slices() if answers else []
    devices = [
        one
        for gpu in answers
        for one in [one for one in slices if one.gpu.uuid == gpu.uuid] or [_VisibleGpu(gpu.number, gpu)]
    ]
    return [(one, answers[one.gpu]) for one in (devices if visible is None else _choose_visible(devices, visible))]


def _read_visible() -> list[str] | None:
    """The names in `CUDA_VISIBLE_DEVICES`; None where it is not set. One that is there twice makes CUDA show none."""
    text = os.environ.get("CUDA_VISIBLE_DEVICES")
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    return [] if text in ("", "-1") or len(set(names)) < len(names) else names


def _choose_visible(devices: Sequence[_VisibleGpu], names: list[str]) -> Iterator[_VisibleGpu]:
    """Those that are named, up to the first name that is none, as CUDA reads them; a GPU's name is all its slices'."""
    for name in names:
        found = [one for one in devices if name and _is_named(one, name)]
        if not found:
            return
        # One that is whole is named as the variable names it.
        yield from (one if one.slice else one._replace(name=name) for one in found)


def _is_named(device: _VisibleGpu, name: str) -> bool:
    return name == device.gpu.number or device.gpu.uuid.startswith(name) or device.name.startswith(name)


def _query(what: str) -> list[tuple[_Gpu, str]]:
    """What nvidia-smi answers for each GPU. Where there is none it says so in words."""
    parts = [
        line.split(", ", 2)
        for line in _run_nvidia_smi(f"--query-gpu=index,uuid,{what}", "--format=csv,noheader,nounits")
    ]
    return [(_Gpu(one[0], one[1]), one[2]) for one in parts if len(one) == 3 and one[0].isdecimal()]


def _list_slices() -> list[_VisibleGpu]:
    """The slices into which GPUs are cut; a list of all is the only answer in which nvidia-smi has them."""
    found, gpu = [], _Gpu("", "")
    for line in _run_nvidia_smi("-L"):
        if whole := GPU_LINE.match(line):
            gpu = _Gpu(whole[1], whole[2])
        elif part := SLICE_LINE.match(line):
            found.append(_VisibleGpu(part[2], gpu, part[1]))
    return found


def _run_nvidia_smi(*words: str) -> list[str]:
    """The lines that it prints; none where there is no driver, or it does not answer."""
    if shutil.which("nvidia-smi") is None:
        return []
    listing = _start_nvidia_smi(*words)
    return listing.stdout.splitlines() if listing.returncode == 0 else []


def _start_nvidia_smi(*words: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            ["nvidia-smi", *words],
            capture_output=True, text=True, errors="replace", check=False, timeout=ANSWER_SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        why = error.strerror if isinstance(error, OSError) else f"no answer in {ANSWER_SECONDS:.0f} s: its driver hangs"
        raise UserError(f"nvidia-smi: {why}; CUDA_VISIBLE_DEVICES=-1 trains without GPUs") from error


def _read_mebibytes(answer: str) -> float:
    """An answer of nvidia-smi in GiB; 0 where it is no number."""
    return float(answer) / 2**10 if answer.replace(".", "", 1).isdigit() else 0


def _list_other_gpus() -> tuple[str, ...]:
    # Not by rocm-smi or amd-smi: those are Python programs, and take longer to start than a recipe to check.
    if (platform.system(), platform.machine()) == ("Darwin", "arm64"):
        return (APPLE_GPU,)
    makers = [GPU_DESCRIPTIONS / file.name / "device" / "vendor" for file in sorted(GPU_FILES.glob("renderD*"))]
    numbers = [maker.read_text(encoding="utf-8").strip() for maker in makers if maker.is_file()]
    return tuple(OTHER_GPUS[number] for number in numbers if number in OTHER_GPUS)


def _read_processor() -> dict[str, str]:
    """The first processor of /proc/cpuinfo: `{"model name": "…", "flags": "fpu vme …"}`; empty outside Linux."""
    fields: dict[str, str] = {}
    if PROCESSORS.is_file():
        with PROCESSORS.open(encoding="utf-8") as file:
            for line in file:
                if not line.strip():
                    break
                key, _, value = line.partition(":")
                fields[key.strip()] = value.strip()
    return fields


def _measure_memory() -> int:
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        found, limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), _read_limit("memory.max")
        return min(found, int(limit)) if limit.isdecimal() else found
    return int(_read_sysctl("hw.memsize") or 0)


def _read_limit(name: str) -> str:
    """What a container may use, by its control group: `200000 100000` for two cores; empty or `max` without a limit."""
    path = CONTROL_GROUP / name
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def _read_sysctl(name: str) -> str:
    """A value of macOS's sysctl; empty where there is none."""
    if platform.system() != "Darwin" or shutil.which("sysctl") is None:
        return ""
    return subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, check=False).stdout.strip()
