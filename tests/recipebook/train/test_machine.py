"""Which profile fits a machine, and what is refused on machines that lack the device."""

from pathlib import Path
from typing import NamedTuple

import pytest

from recipebook import hardware
from recipebook.errors import UserError
from recipebook.hardware import APPLE_GPU, Hardware
from recipebook.recipe.batches import divide_batch
from recipebook.recipe.resolve import resolve
from recipebook.train import machine as machines
from recipebook.train.machine import choose_profile, require_cores, resolve_for_machine


class Machines(NamedTuple):
    """One of each kind."""

    nvidia: Hardware = Hardware(gpus=("NVIDIA L4",) * 2, cpu="Xeon", cores=8, memory_gib=64, other_gpus=("Intel GPU",))
    amd: Hardware = Hardware(gpus=(), cpu="EPYC", cores=8, memory_gib=64, other_gpus=("AMD GPU", "AMD GPU"))
    mac: Hardware = Hardware(gpus=(), cpu="Apple M2", cores=8, memory_gib=16, other_gpus=(APPLE_GPU,))
    plain: Hardware = Hardware(gpus=(), cpu="Xeon", cores=8, memory_gib=64)


MACHINES = Machines()


@pytest.mark.parametrize(
    ("machine", "profile"),
    [(MACHINES.nvidia, "gpu"), (MACHINES.amd, "tiny"), (MACHINES.mac, "tiny"), (MACHINES.plain, "tiny")],
)
def test_without_an_nvidia_gpu_the_profile_is_tiny(
    machine: Hardware, profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "detect", lambda: machine)
    assert choose_profile(None) == profile


def test_one_recipe_runs_on_any_of_eight_gpus_that_divide_its_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "detect", lambda: MACHINES.nvidia.model_copy(update={"gpus": ("NVIDIA H100",) * 8}))
    for processes in (1, 2, 4, 8):
        resolved = resolve_for_machine("robot-lora", "multi-gpu", [f"launch.processes={processes}"])
        assert divide_batch(resolved.recipe.training, processes).records == 8
    for processes, fault in (
        (3, "8 records do not divide among 3 processes"),
        (16, "8 records do not divide among 16"),
    ):
        with pytest.raises(UserError, match=fault):
            resolve_for_machine("robot-lora", "multi-gpu", [f"launch.processes={processes}"])
    wide = ["launch.processes=16", "training.global_batch=32"]
    with pytest.raises(UserError, match=r"launch\.processes: 16, but this machine shows 8 GPUs; GPUS=8"):
        resolve_for_machine("robot-lora", "multi-gpu", wide)


@pytest.mark.parametrize(
    ("machine", "profile", "fault"),
    [
        (MACHINES.nvidia, "mps", "launch.device: mps needs an Apple GPU, and this machine has: "
         "NVIDIA L4, Intel GPU, Xeon; PROFILE=gpu"),
        (MACHINES.amd, "mps", "launch.device: mps needs an Apple GPU, and this machine has: AMD GPU, EPYC; "
         "PROFILE=cpu"),
        (MACHINES.plain, "mps", "launch.device: mps needs an Apple GPU, and this machine has: Xeon; PROFILE=cpu"),
        (MACHINES.plain, "gpu", "profile gpu needs an NVIDIA GPU, and this machine has: Xeon; PROFILE=cpu"),
        (MACHINES.mac, "gpu", "profile gpu needs an NVIDIA GPU, and this machine has: Apple GPU, Apple M2; "
         "PROFILE=mps"),
    ],
)  # fmt: skip
def test_a_profile_for_another_device_is_refused_in_one_line(
    machine: Hardware, profile: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "detect", lambda: machine)
    with pytest.raises(UserError) as error:
        resolve_for_machine("robot-lora", profile, [])
    assert str(error.value) == f"robot-lora: {fault}"


@pytest.mark.parametrize(
    ("machine", "profile"), [(MACHINES.mac, "mps"), (MACHINES.mac, "cpu"), (MACHINES.plain, "cpu")]
)
def test_cpu_and_mps_keep_the_base_of_the_recipe(
    machine: Hardware, profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "detect", lambda: machine)
    assert resolve_for_machine("robot-lora", profile, []).recipe.model.base == "codellama/CodeLlama-7b-Python-hf"


@pytest.mark.parametrize(
    ("base", "fault"),
    [
        ("models/mine", "no folder models/mine"),
        ("../elsewhere/mine", "no folder ../elsewhere/mine"),
        ("models/tiny-base", "no folder models/tiny-base; make tiny-base puts it there"),
        (
            ".cache/models/smollm2-135m-instruct",
            "no folder .cache/models/smollm2-135m-instruct; make small-base puts it there",
        ),
    ],
)
def test_a_base_that_is_no_folder_is_refused_in_one_line(
    base: str, fault: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machines, "locate", lambda name: tmp_path / name)
    with pytest.raises(UserError) as error:
        resolve_for_machine("robot-lora", "cpu", [f"model.base={base}"])
    assert str(error.value) == f"robot-lora: model.base: {fault}"


def test_bf16_is_refused_on_a_gpu_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "detect", lambda: MACHINES.nvidia)
    monkeypatch.setattr(hardware, "computes_bf16", lambda: False)
    resolve_for_machine("robot-lora", "gpu", [])
    with pytest.raises(UserError) as error:
        resolve_for_machine("robot-lora", "gpu", ["training.precision=bf16"])
    assert str(error.value) == (
        "robot-lora: training.precision: bf16, and NVIDIA L4 has none; SET=training.precision=auto computes in what it "
        "has"
    )


def test_fp8_is_refused_on_a_gpu_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "detect", lambda: MACHINES.nvidia)
    monkeypatch.setattr(hardware, "computes_fp8", lambda: True)
    resolve_for_machine("robot-lora", "gpu", ["axolotl.fp8=true"])
    monkeypatch.setattr(hardware, "computes_fp8", lambda: False)
    with pytest.raises(UserError) as error:
        resolve_for_machine("robot-lora", "gpu", ["axolotl.fp8=true"])
    assert str(error.value) == "robot-lora: axolotl.fp8, and NVIDIA L4 has none; an H100, L4 or 4090 has"


def test_offload_needs_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ["launch.strategy=zero2", "launch.offload=optimizer"]
    monkeypatch.setenv("CXX", "sh")
    resolve_for_machine("robot-lora", "tiny", settings)
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UserError) as error:
        resolve_for_machine("robot-lora", "tiny", settings)
    assert str(error.value) == (
        "robot-lora: launch.offload: DeepSpeed compiles an optimizer for it, and this machine has no no-such-compiler; "
        "Debian's packages g++ and python3-dev have them"
    )


def test_gpus_that_a_variable_hides_by_mistake_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "8")
    monkeypatch.setattr(hardware, "list_hidden_gpus", lambda: ["0", "1"])
    with pytest.raises(UserError) as error:
        resolve_for_machine("robot-lora", None, [])
    with pytest.raises(UserError) as again:
        require_cores(resolve("robot-lora", "multi-gpu"))
    assert str(again.value) == str(error.value)
    assert str(error.value) == (
        "CUDA_VISIBLE_DEVICES=8: CUDA shows no GPU by this; this machine has: 0, 1, each to be named once; -1 trains "
        "without them"
    )


def test_slices_of_gpus_train_one_process_each(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = MACHINES.nvidia.model_copy(update={"slices": ("MIG-1", "MIG-2")})
    monkeypatch.setattr(hardware, "detect", lambda: machine)
    resolve_for_machine("robot-lora", "gpu", [])
    with pytest.raises(UserError) as error:
        resolve_for_machine("robot-lora", "multi-gpu", ["launch.processes=2"])
    assert str(error.value) == (
        "robot-lora: launch.processes: 2, but GPUs of this machine are cut into slices (MIG), and CUDA shows a process "
        "one of them; GPUS=1"
    )


def test_an_optimizer_whose_package_is_not_installed_is_refused_before_anything_is_loaded() -> None:
    with pytest.raises(UserError) as found:
        resolve_for_machine("robot-lora", "tiny", ["training.optimizer=came_pytorch"])
    assert str(found.value) == (
        "training.optimizer: came_pytorch needs the package came-pytorch, which is not installed; "
        "pip install came-pytorch, or adamw_torch, which needs none"
    )
    assert resolve_for_machine("robot-lora", "tiny", ["training.optimizer=schedule_free_adamw"])
