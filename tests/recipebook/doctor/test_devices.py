"""GPUs and torch's build, on machines that are made up; torch itself is asked in another process."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from recipebook.doctor import devices
from recipebook.doctor.devices import check_driver, check_gpu, check_torch, read_build
from recipebook.doctor.finding import MachineFinding
from recipebook.hardware import Hardware
from recipebook.recipe.keys import Recipe
from recipebook.recipe.resolve import resolve


def become(monkeypatch: pytest.MonkeyPatch, *gpus: str, other: tuple[str, ...] = ()) -> None:
    machine = Hardware(gpus=gpus, cpu="c", cores=2, memory_gib=8, other_gpus=other)
    monkeypatch.setattr(devices, "detect", lambda: machine)
    monkeypatch.setattr(devices, "computes_bf16", lambda: True)
    monkeypatch.setattr(devices, "measure_gpu_memory", lambda: 79.6)
    monkeypatch.setattr(devices, "list_used_memory", lambda: [(str(at), 0.5) for at in range(len(gpus))])
    monkeypatch.setattr(devices, "list_hidden_gpus", list)


def test_gpus_are_held_against_the_recipes_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe: Recipe = resolve("robot-lora", "multi-gpu").recipe
    become(monkeypatch, "NVIDIA H100", "NVIDIA H100")
    text = "2 x NVIDIA H100, 79.6 GiB each, bf16"
    assert check_gpu(None) == MachineFinding("gpu", text)
    assert check_gpu(recipe) == MachineFinding("gpu", f"{text}; the recipe starts 8 processes", "GPUS=2")


def test_gpus_of_several_kinds_are_all_named_and_what_other_programs_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    become(monkeypatch, "NVIDIA H100", "NVIDIA L4", "NVIDIA H100")
    text = "2 x NVIDIA H100 and 1 x NVIDIA L4, 79.6 GiB the smallest, bf16"
    assert check_gpu(None) == MachineFinding("gpu", text)
    monkeypatch.setattr(devices, "list_used_memory", lambda: [("0", 0.5), ("1", 12.25), ("2", 0.0)])
    busy = f"{text}; GPU 1 holds 12.2 GiB of other programs"
    assert check_gpu(None) == MachineFinding("gpu", busy, "CUDA_VISIBLE_DEVICES=0,2 leaves it alone")
    monkeypatch.setattr(devices, "list_hidden_gpus", lambda: ["0", "1"])
    hides = "CUDA_VISIBLE_DEVICES hides this machine's 2"
    assert check_gpu(None) == MachineFinding("gpu", hides, "CUDA_VISIBLE_DEVICES=0,1")


def test_of_slices_a_process_sees_one(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Hardware(gpus=("A MIG 3g.20gb",) * 2, cpu="c", cores=2, memory_gib=8, slices=("MIG-1", "MIG-2"))
    become(monkeypatch)
    monkeypatch.setattr(devices, "detect", lambda: machine)
    assert check_gpu(resolve("robot-lora", "multi-gpu", ["launch.processes=2"]).recipe).cure == "GPUS=1"
    monkeypatch.setattr(devices, "read_build", lambda: ("2.13.0", "13.0"))
    done = SimpleNamespace(returncode=0, stdout="1 2.29.3", stderr="")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert [one.cure for one in check_torch()] == [None, None]


def test_a_gpu_of_another_maker_is_said_to_be_unused(monkeypatch: pytest.MonkeyPatch) -> None:
    become(monkeypatch, other=("AMD GPU", "AMD GPU"))
    assert check_gpu(None).text == (
        "none of NVIDIA's, so trainings run on 2 cores; Recipebook does not use this machine's AMD GPU"
    )


def test_the_build_is_read_without_importing_torch() -> None:
    was_there = "torch" in sys.modules
    version, _ = read_build() or ("", None)
    assert version.startswith("2.")
    assert ("torch" in sys.modules) == was_there


@pytest.mark.parametrize(
    ("build", "trial", "findings"),
    [
        (("2.13.0+cpu", None), None, [("torch", "2.13.0+cpu, a build for processors alone beside a GPU", True)]),
        (("2.13.0", "13.0"), (0, "1 2.29.3\n", ""),
         [("torch", "2.13.0, for CUDA 13.0, computes on 1 GPUs", False), ("nccl", "2.29.3", False)]),
        (("2.13.0", "13.0"), (1, "", "Traceback\nRuntimeError: The NVIDIA driver on your system is too old\n"),
         [("torch", "2.13.0, for CUDA 13.0: RuntimeError: The NVIDIA driver on your system is too old", True)]),
        (None, None, [("torch", "not installed", True)]),
    ],
)  # fmt: skip
def test_torch_must_compute_on_each_gpu(
    build: tuple[str, str | None] | None,
    trial: tuple[int, str, str] | None,
    findings: list[tuple[str, str, bool]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    become(monkeypatch, "NVIDIA H100")
    monkeypatch.setattr(devices, "read_build", lambda: build)

    def run(*_: Any, **__: Any) -> SimpleNamespace:
        assert trial
        return SimpleNamespace(returncode=trial[0], stdout=trial[1], stderr=trial[2])

    monkeypatch.setattr(subprocess, "run", run)
    assert [(one.name, one.text, bool(one.cure)) for one in check_torch()] == findings


def test_a_driver_that_fails_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "read_driver", lambda: None)
    monkeypatch.setattr(devices, "read_driver_fault", lambda: "it ends with status 18: Failed to initialize NVML")
    found = check_driver()
    assert found.text == "nvidia-smi: it ends with status 18: Failed to initialize NVML"
    assert found.cure == (
        "restart the machine if its driver was updated; CUDA_VISIBLE_DEVICES=-1 where it has no NVIDIA GPU"
    )
