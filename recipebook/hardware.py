"""The machine's GPUs, processor and memory, found without importing torch.

Hardware(gpus=("NVIDIA H200",), cpu="INTEL(R) XEON(R) PLATINUM 8580", cores=16, memory_gib=128.0, bf16=True)

On Linux they are read from the kernel's files, on macOS by `sysctl`; what is found in neither is left empty.
"""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from recipebook.errors import UserError
from recipebook.frozen import Frozen

APPLE_GPU = "Apple GPU"
# By the PCI numbers of their makers. NVIDIA's are listed by nvidia-smi.
OTHER_GPUS = {"0x1002": "AMD GPU", "0x8086": "Intel GPU"}
BF16_FLAGS = {"amx_bf16", "avx512_bf16"}
# A driver that wakes a GPU takes some seconds.
ANSWER_SECONDS = 60.0
# The first compute capability of NVIDIA's GPUs, Ampere's, that computes in bfloat16.
BF16_CAPABILITY = 8.0
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

    @property
    def gpu(self) -> bool:
        """Whether training runs on an NVIDIA GPU."""
        return bool(self.gpus)


@cache
def detect() -> Hardware:
    """The GPUs that CUDA would show (`CUDA_VISIBLE_DEVICES` respected), the processor, its cores, the memory."""
    processor = _read_processor()
    return Hardware(
        gpus=_list_gpus(),
        cpu=processor.get("model name") or _read_sysctl("machdep.cpu.brand_string") or platform.machine(),
        cores=count_cores(),
        memory_gib=round(_measure_memory() / 2**30, 1),
        bf16=not BF16_FLAGS.isdisjoint(processor.get("flags", "").split()),
        other_gpus=_list_other_gpus(),
    )


def count_cores() -> int:
    """The cores that this process may use; all of them where the system does not limit it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _read_limit("cpu.max").partition(" ")
    return min(cores, -(-int(quota) // int(period))) if quota.isdecimal() and period.isdecimal() else cores


def measure_gpu_memory() -> float | None:
    """GiB of the smallest NVIDIA GPU; None where there is none, or its driver does not say."""
    sizes = [float(size) for size in _ask_nvidia_smi("memory.total") if size.replace(".", "", 1).isdigit()]
    return round(min(sizes) / 2**10, 1) if sizes else None


def read_driver() -> str | None:
    """The version of NVIDIA's driver; None where there is none."""
    return next(iter(_ask_nvidia_smi("driver_version")), None)


def computes_bf16() -> bool:
    """Whether what trains here computes in bfloat16 itself: each of the GPUs, or without one the processor.

    torch says so of any GPU, since it emulates what a Tesla T4 lacks. A GPU whose driver does not say counts as one
    that does.
    """
    if not detect().gpu:
        return detect().bf16
    capabilities = [float(answer) for answer in _ask_nvidia_smi("compute_cap") if answer.replace(".", "", 1).isdigit()]
    return min(capabilities, default=BF16_CAPABILITY) >= BF16_CAPABILITY


def name_gpus() -> list[str]:
    """The name of each visible GPU as `CUDA_VISIBLE_DEVICES` writes it: `0`, `1`, or as the variable names it now."""
    count = len(detect().gpus)
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return (seen.split(",") if seen else [str(number) for number in range(count)])[:count]


def _list_gpus() -> tuple[str, ...]:
    return _ask_nvidia_smi("name")


def _ask_nvidia_smi(what: str) -> tuple[str, ...]:
    """Its answer for each GPU that CUDA would show; none where there is no driver, or it does not answer."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if shutil.which("nvidia-smi") is None or visible in ("", "-1"):
        return ()
    command = ["nvidia-smi", f"--query-gpu=index,uuid,{what}", "--format=csv,noheader,nounits"]
    try:
        listing = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, timeout=ANSWER_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = error.strerror if isinstance(error, OSError) else f"no answer in {ANSWER_SECONDS:.0f} s: its driver hangs"
        raise UserError(f"nvidia-smi: {why}; CUDA_VISIBLE_DEVICES=-1 trains without GPUs") from error
    lines = listing.stdout.splitlines() if listing.returncode == 0 else []
    # Where there is no GPU it says so in words.
    parts = [line.split(", ", 2) for line in lines]
    found = [(one[0], one[1], one[2]) for one in parts if len(one) == 3 and one[0].isdecimal()]
    if visible is None:
        return tuple(answer for *_, answer in found)
    return tuple(_choose_visible(found, visible.split(",")))


def _choose_visible(found: list[tuple[str, str, str]], names: list[str]) -> Iterator[str]:
    """The answers of the GPUs that are named, up to the first name that is none, as CUDA reads them."""
    for name in names:
        # A slice of a GPU has a name of its own, which is not listed.
        sliced = name.startswith("MIG")
        answer = next(
            (one for index, uuid, one in found if sliced or name == index or (name and uuid.startswith(name))), None
        )
        if not name or answer is None:
            return
        yield answer


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
