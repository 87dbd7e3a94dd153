"""What a recipe does not have cannot be chosen, which is told before anything is converted."""

import sys

import pytest

from commands import main
from commands.train import train
from recipebook import hardware, project
from recipebook.fleet.train import FleetChoice
from recipebook.launch import ray_machines
from recipebook.pipeline.train import StageChoice


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--stage", "dpo"], "robot-lora has no stages, so STAGE and FROM mean nothing to it"),
        (["--from", "dpo"], "robot-lora has no stages, so STAGE and FROM mean nothing to it"),
        (["--only", "joy_*"], "robot-lora has no matrix, so ONLY and LIMIT mean nothing to it"),
        (["--limit", "2"], "robot-lora has no matrix, so ONLY and LIMIT mean nothing to it"),
        (["--workers", "2"], "robot-lora has no matrix, so WORKERS and LAUNCHER mean nothing to it"),
        (["--launcher", "rya"], "robot-lora has no matrix, so WORKERS and LAUNCHER mean nothing to it"),
    ],
)
def test_what_a_recipe_does_not_have_cannot_be_chosen(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "robot-lora", "--profile", "tiny", *words]) == 2
    assert capsys.readouterr().err == f"{line}\n"


def test_more_cpu_ranks_than_cores_are_refused_before_any_data_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = hardware.Hardware(gpus=(), cpu="Xeon", cores=4, memory_gib=64)
    monkeypatch.setattr(hardware, "detect", lambda: plain)
    assert main(["train", "robot-lora", "--profile", "tiny", "--gpus", "999999999"]) == 2
    assert capsys.readouterr().err == (
        "robot-lora: launch.processes: 999999999, and this machine has no GPU and 4 cores: GPUS=4 at most; "
        "make rehearse GPUS=999999999 tries that launch\n"
    )


def test_ray_runs_the_command_on_each_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def run_on_nodes(*given: object) -> int:
        asked.append(given)
        return 7

    monkeypatch.setattr(ray_machines, "run_on_nodes", run_on_nodes)
    layers = ["launch.processes=4", "launch.machines=2"]
    assert train("robot-lora", "multi-gpu", layers, StageChoice(), FleetChoice(launcher="ray"), out="x") == 7
    command = [sys.executable, "-m", "recipebook", "train", "robot-lora", "--profile", "multi-gpu", "--set", *layers]
    assert asked == [([*command, "--out", "x"], 2, 4, project.RUNS / "ray" / "robot-lora")]
