"""The command that trains a recipe, and its environment."""

import sys

import pytest

from recipebook.hardware import Hardware
from recipebook.launch import command as launching
from recipebook.launch.command import build_command, build_environment
from recipebook.recipe.keys import Recipe

MINIMAL = {
    "description": "d",
    "model": {"base": "models/tiny-seed", "chat_template": "chatml"},
    "data": {"source": "a.json", "converter": "robot"},
}


def recipe(**launched: object) -> Recipe:
    return Recipe.model_validate({**MINIMAL, "launch": launched})


def test_one_process_is_started_without_accelerate() -> None:
    assert build_command(recipe()) == [sys.executable, "-m", "trainer", "axolotl.yaml"]


@pytest.mark.parametrize("launched", [{"processes": 2}, {"machines": 2}, {"strategy": "zero2"}])
def test_several_processes_and_deepspeed_are_started_by_the_runs_own_script(launched: dict[str, object]) -> None:
    assert build_command(recipe(**launched)) == ["bash", "launch.sh"]


def test_telemetry_is_off_and_a_local_base_asks_no_hub() -> None:
    environment = build_environment(recipe())
    assert environment["AXOLOTL_DO_NOT_TRACK"] == "1"
    assert environment["HF_HUB_OFFLINE"] == "1"


@pytest.mark.parametrize(
    ("gpus", "launched", "variables"),
    [
        ((), {}, {"ACCELERATE_USE_CPU": "true"}),
        ((), {"processes": 2, "strategy": "zero2"}, {"DS_ACCELERATOR": "cpu"}),
        ((), {"device": "mps"}, {"PYTORCH_ENABLE_MPS_FALLBACK": "1"}),
        (("NVIDIA H200",), {}, {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}),
    ],
)
def test_the_environment_keeps_a_training_on_the_wanted_device(
    gpus: tuple[str, ...], launched: dict[str, object], variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Hardware(gpus=gpus, cpu="c", cores=2, memory_gib=8)
    monkeypatch.setattr(launching, "detect", lambda: machine)
    monkeypatch.setattr(launching, "name_gpus", lambda: [str(number) for number in range(len(gpus))])
    environment = build_environment(recipe(**launched))
    names = ("ACCELERATE_USE_CPU", "CUDA_DEVICE_ORDER", "DS_ACCELERATOR", "PYTORCH_ENABLE_MPS_FALLBACK")
    assert {name: environment[name] for name in names if name in environment} == variables
