"""What is found on machines of other kinds, and the GPUs' names as `CUDA_VISIBLE_DEVICES` takes them.

The machines are made of files as Linux has them, and of programs in PATH that answer as NVIDIA's and macOS's do.
"""

import os
import platform
import time
from pathlib import Path

import pytest

from recipebook import hardware
from recipebook.errors import UserError
from recipebook.hardware import (
    Hardware,
    computes_bf16,
    computes_fp8,
    list_hidden_gpus,
    list_used_memory,
    measure_gpu_memory,
    name_gpus,
    read_driver_fault,
)


@pytest.mark.parametrize(
    ("gpus", "visible", "names"),
    [
        (0, None, []),
        (0, "-1", []),
        (1, None, ["0"]),
        (3, None, ["0", "1", "2"]),
        (3, "", ["0", "1", "2"]),
        (2, "5,3", ["5", "3"]),
        (2, "GPU-3f2a,GPU-77c0", ["GPU-3f2a", "GPU-77c0"]),
        (2, "0,1,2,3", ["0", "1"]),
    ],
)
def test_each_gpu_that_is_seen_has_a_name(
    gpus: int, visible: str | None, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Hardware(gpus=("NVIDIA H200",) * gpus, cpu="c", cores=2, memory_gib=8)
    monkeypatch.setattr(hardware, "detect", lambda: machine)
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert name_gpus() == names


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for a machine with nothing in it."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "dri").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(hardware, "PROCESSORS", tmp_path / "cpuinfo")
    monkeypatch.setattr(hardware, "CONTROL_GROUP", tmp_path)
    monkeypatch.setattr(hardware, "GPU_FILES", tmp_path / "dri")
    monkeypatch.setattr(hardware, "GPU_DESCRIPTIONS", tmp_path / "drm")
    return tmp_path


def detect() -> Hardware:
    return hardware.detect.__wrapped__()


def add_program(machine: Path, name: str, lines: str) -> None:
    path = machine / "bin" / name
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)


def add_gpus(machine: Path, **answers: tuple[str, ...]) -> None:
    """An nvidia-smi that answers such questions, for a GPU each."""
    cases = [
        f"*,{what}) " + "".join(f"echo '{at}, GPU-a{at}77, {answer}';" for at, answer in enumerate(found)) + ";"
        for what, found in answers.items()
    ]
    add_program(machine, "nvidia-smi", f'case "$1" in {" ".join(cases)} esac')


def add_slices(machine: Path, *slices: str) -> None:
    """An nvidia-smi of an A100 that is cut into slices, and of an H100 that is whole."""
    listed = [f"  MIG {name}     Device  {at}: (UUID: MIG-c{at}d4)" for at, name in enumerate(slices)]
    lines = ["GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-a077)", *listed, "GPU 1: NVIDIA H100 (UUID: GPU-a177)"]
    add_gpus(
        machine,
        name=("NVIDIA A100-SXM4-40GB", "NVIDIA H100"),
        compute_cap=("8.0", "9.0"),
        **{"memory.total": ("40960", "81559"), "memory.used": ("[N/A]", "3072")},
    )
    path = machine / "bin" / "nvidia-smi"
    path.write_text(
        path.read_text().replace(" esac", " -L) " + "".join(f"echo '{line}';" for line in lines) + "; esac")
    )


def add_processor(machine: Path, flags: str) -> None:
    block = f"processor\t: {{}}\nmodel name\t: Some CPU @ 2.00GHz: fast\nflags\t\t: {flags}\n\n"
    (machine / "cpuinfo").write_text(block.format(0) + block.format(1).replace("Some", "Other"))


def add_gpu(machine: Path, node: str, vendor: str) -> None:
    (machine / "dri" / node).touch()
    (machine / "drm" / node / "device").mkdir(parents=True)
    (machine / "drm" / node / "device" / "vendor").write_text(f"{vendor}\n")


def become_a_mac(machine: Path, monkeypatch: pytest.MonkeyPatch, processor: str) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: processor)
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 10)
    monkeypatch.setattr(os, "sysconf_names", {"SC_PAGE_SIZE": 30})
    values = "machdep.cpu.brand_string) echo 'Apple M2 Pro';; hw.memsize) echo 17179869184;;"
    add_program(machine, "sysctl", f'case "$2" in {values} esac')


def test_the_names_of_nvidia_gpus_are_those_of_nvidia_smi(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_gpus(machine, name=("NVIDIA H200", "NVIDIA L4"))
    assert (detect().gpus, detect().gpu) == (("NVIDIA H200", "NVIDIA L4"), True)
    seen = {
        "1": ("NVIDIA L4",), "GPU-a1,0": ("NVIDIA L4", "NVIDIA H200"), "0,7,1": ("NVIDIA H200",),
        "MIG-3f2a": (), "-1": (), "0,": ("NVIDIA H200",), "GPU-9": (), " 1, 0": ("NVIDIA L4", "NVIDIA H200"),
        "0,0": (), "1,0,1": (), "GPU-a1,7": ("NVIDIA L4",), "NoDevFiles": (), "": (),
    }  # fmt: skip
    for visible, gpus in seen.items():
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert detect().gpus == gpus


@pytest.mark.parametrize(
    ("visible", "names", "gpus", "gib"),
    [
        # 5 GB are 4.7 GiB.
        (None, ["MIG-c0d4", "MIG-c1d4", "1"], ("A MIG 3g.20gb", "A MIG 1g.5gb+me", "NVIDIA H100"), 4.7),
        ("MIG-c0d4", ["MIG-c0d4"], ("A MIG 3g.20gb",), 18.6),
        ("MIG-c1,MIG-c0d4,MIG-9", ["MIG-c1d4", "MIG-c0d4"], ("A MIG 1g.5gb+me", "A MIG 3g.20gb"), 4.7),
        # A GPU that is cut stands for its slices.
        ("0", ["MIG-c0d4", "MIG-c1d4"], ("A MIG 3g.20gb", "A MIG 1g.5gb+me"), 4.7),
        ("GPU-a1", ["GPU-a1"], ("NVIDIA H100",), 79.6),
        ("MIG-9", [], (), None),
    ],
)
def test_a_slice_of_a_gpu_is_a_gpu_with_its_own_name_and_memory(
    visible: str | None,
    names: list[str],
    gpus: tuple[str, ...],
    gib: float | None,
    machine: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_slices(machine, "3g.20gb", "1g.5gb+me")
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = detect()
    monkeypatch.setattr(hardware, "detect", lambda: found)
    assert found.gpus == tuple(name.replace("A MIG", "NVIDIA A100-SXM4-40GB MIG") for name in gpus)
    assert name_gpus() == names
    assert measure_gpu_memory() == gib


def test_a_variable_that_hides_all_gpus_by_mistake_is_known(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_gpus(machine, name=("NVIDIA H200", "NVIDIA L4"))
    monkeypatch.setattr(hardware, "detect", hardware.detect.__wrapped__)
    for visible, hidden in {
        "2": ["0", "1"], "0,0": ["0", "1"], "GPU-9": ["0", "1"], "MIG-1": ["0", "1"],
        "all": ["0", "1"], "cuda:0": ["0", "1"], ",": ["0", "1"],
        "1": [], "": [], " ": [], "-1": [], "-2": [], "NoDevFiles": [], "none": [], "void": [],
    }.items():  # fmt: skip
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert list_hidden_gpus() == hidden


def test_the_memory_that_programs_hold_is_listed_for_whole_gpus(machine: Path) -> None:
    add_slices(machine, "7g.40gb")
    assert list_used_memory() == [("1", 3.0)]


def test_the_memory_of_gpus_is_that_of_the_smallest(machine: Path) -> None:
    assert measure_gpu_memory() is None
    add_gpus(machine, name=("A", "B"), **{"memory.total": ("81559", "24564")})
    assert measure_gpu_memory() == 24.0


@pytest.mark.parametrize(
    ("capabilities", "bf16", "fp8"),
    [
        (("8.0",), True, False),
        (("8.9",), True, True),
        (("9.0", "7.5"), False, False),
        (("10.0", "12.0"), True, True),
        (("[N/A]",), True, True),
        ((), False, True),
    ],
)
def test_gpus_compute_in_bf16_from_ampere_on_and_in_fp8_from_ada_on(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capabilities: tuple[str, ...], bf16: bool, fp8: bool
) -> None:
    add_gpus(machine, name=("A",) * len(capabilities), compute_cap=capabilities)
    found = detect()
    monkeypatch.setattr(hardware, "detect", lambda: found)
    assert (computes_bf16(), computes_fp8()) == (bf16, fp8)


@pytest.mark.parametrize("words", ["No devices were found", "a, b", "a, b, c", ""])
def test_an_answer_that_names_no_gpu_is_none(machine: Path, words: str) -> None:
    add_program(machine, "nvidia-smi", f"echo '{words}'")
    assert detect().gpus == ()


def test_a_driver_that_hangs_is_one_line(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "ANSWER_SECONDS", 0.2)
    add_program(machine, "nvidia-smi", "while :; do :; done")
    with pytest.raises(UserError, match=r"^nvidia-smi: no answer in 0 s: its driver hangs; CUDA_VISIBLE_DEVICES=-1"):
        detect()


def test_a_driver_that_does_not_answer_is_no_gpu(machine: Path) -> None:
    add_program(machine, "nvidia-smi", "echo 'NVIDIA-SMI has failed'; exit 9")
    assert (detect().gpus, detect().gpu) == ((), False)


def test_why_a_driver_does_not_answer_is_known(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_driver_fault() is None
    add_gpus(machine, name=("A",))
    assert read_driver_fault() is None
    add_program(machine, "nvidia-smi", "echo 'Failed to initialize NVML:'; echo ' version mismatch'; exit 18")
    assert read_driver_fault() == "it ends with status 18: Failed to initialize NVML: version mismatch"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert read_driver_fault() is None


@pytest.mark.parametrize(
    ("vendors", "names"),
    [
        (["0x1002", "0x1002"], ("AMD GPU", "AMD GPU")),
        (["0x8086"], ("Intel GPU",)),
        (["0x10de", "0x1a03"], ()),
    ],
)
def test_amd_and_intel_gpus_are_named(machine: Path, vendors: list[str], names: tuple[str, ...]) -> None:
    for number, vendor in enumerate(vendors):
        add_gpu(machine, f"renderD{128 + number}", vendor)
    assert (detect().other_gpus, detect().gpu) == (names, False)


def test_a_gpu_of_the_host_that_a_container_may_not_open_is_not_named(machine: Path) -> None:
    add_gpu(machine, "renderD128", "0x1002")
    (machine / "dri" / "renderD128").unlink()
    assert detect().other_gpus == ()


@pytest.mark.parametrize(
    ("flags", "bf16"),
    [
        ("fpu avx2 avx512f avx512_bf16 vaes", True),
        ("fpu amx_bf16 amx_tile", True),
        ("fpu avx2 avx512f amx_tile", False),
        ("", False),
    ],
)
def test_the_flags_of_a_processor_say_whether_it_has_bf16(machine: Path, flags: str, bf16: bool) -> None:
    add_processor(machine, flags)
    assert (detect().cpu, detect().bf16) == ("Some CPU @ 2.00GHz: fast", bf16)


@pytest.mark.parametrize(
    ("limits", "cores", "memory"),
    [
        ({}, 8, 64.0),
        ({"cpu.max": "max 100000", "memory.max": "max"}, 8, 64.0),
        ({"cpu.max": "200000 100000", "memory.max": str(2**31)}, 2, 2.0),
        ({"cpu.max": "50000 100000", "memory.max": str(2**40)}, 1, 64.0),
        ({"cpu.max": "1250000 100000"}, 8, 64.0),
    ],
)
def test_a_container_has_the_cores_and_memory_that_it_may_use(
    machine: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, str], cores: int, memory: float
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(os, "sysconf", lambda name: 2**12 if name == "SC_PAGE_SIZE" else 2**24)
    for name, limit in limits.items():
        (machine / name).write_text(f"{limit}\n")
    assert (detect().cores, detect().memory_gib) == (cores, memory)


def test_a_mac_is_described_without_files_of_linux(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    become_a_mac(machine, monkeypatch, "arm64")
    assert detect() == Hardware(gpus=(), cpu="Apple M2 Pro", cores=10, memory_gib=16, other_gpus=("Apple GPU",))


def test_an_older_mac_has_no_gpu_to_train_on(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    become_a_mac(machine, monkeypatch, "x86_64")
    assert detect().other_gpus == ()


def test_a_system_that_tells_nothing_is_described_all_the_same(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    monkeypatch.setattr(platform, "machine", lambda: "AMD64")
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    monkeypatch.delattr(os, "sysconf_names")
    assert detect() == Hardware(gpus=(), cpu="AMD64", cores=1, memory_gib=0)


def test_this_machine_is_described_quickly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    times = []
    for _ in range(5):
        started = time.perf_counter()
        detect()
        times.append(time.perf_counter() - started)
    assert min(times) < 0.02
