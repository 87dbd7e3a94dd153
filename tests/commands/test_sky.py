"""A task for SkyPilot has the keys that its page on YAML documents, and trains what was asked for."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from commands import main
from recipebook import project
from recipebook.launch.sky import SkyTask, render_task
from tests.commands.calling import call

# Of docs.skypilot.co, "SkyPilot YAML".
TASK = {"name", "workdir", "num_nodes", "resources", "envs", "secrets", "file_mounts", "setup", "run", "config"}
RESOURCES = {
    *("infra", "accelerators", "accelerator_args", "cpus", "memory", "instance_type", "use_spot", "disk_size"),
    *("disk_tier", "network_tier", "image_id", "ports", "labels", "autostop", "any_of", "ordered", "job_recovery"),
}


def write(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> dict[str, Any]:
    monkeypatch.setattr(project, "RUNS", folder)
    assert main(["sky", *words]) == 0
    (path,) = (folder / "sky").iterdir()
    return dict(yaml.safe_load(path.read_bytes()))


def test_a_recipe_trains_on_the_cards_of_one_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = write(tmp_path, monkeypatch, "robot-lora", "--card", "H100", "--gpus", "4", "--set", "lora.r=8")
    assert set(task) <= TASK and set(task["resources"]) <= RESOURCES
    assert task["resources"] == {"accelerators": "H100:4", "autostop": 10}
    assert task["run"] == (
        "./.venv/bin/python -m recipebook train robot-lora --profile multi-gpu --set lora.r=8 launch.processes=4"
    )


def test_a_fleet_has_a_card_for_each_member_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = write(tmp_path, monkeypatch, "traits", "--profile", "gpu", "--card", "L4", "--workers", "4")
    assert task["resources"]["accelerators"] == "L4:4"
    assert task["run"].endswith(" train traits --profile gpu --workers 4")


def test_a_task_of_stages_needs_no_gpu_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = write(tmp_path, monkeypatch, "robot-curriculum", "--profile", "gpu", "--card", "L4")
    assert task["resources"]["accelerators"] == "L4:1"


def test_a_project_elsewhere_brings_the_installation_along() -> None:
    text = render_task(SkyTask("a/b", "T4", 1, ("a/b", "--set", "x=1 2")), Path("/home/ann/own"), Path("/opt/book"))
    assert text == (
        "name: a-b\n"
        "workdir: /home/ann/own\n"
        "resources:\n"
        "  accelerators: T4:1\n"
        "  autostop: 10\n"
        "file_mounts:\n"
        "  ~/recipebook: /opt/book\n"
        "setup: make -C ~/recipebook setup\n"
        "run: ~/recipebook/.venv/bin/python -m recipebook train a/b --set 'x=1 2'\n"
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["--card", "H100", "--machines", "2", "--gpus", "4"],
            "MACHINES: machines that SkyPilot starts share no folder",
        ),
        (["--card", "H100", "--workers", "4"], "robot-lora has no matrix, so WORKERS means nothing to it"),
        (["--card", "H100", "--gpus", "3"], "recipes/robot-lora.yaml:35:26: training.global_batch: 8 records do not"),
        (["--card", "H100:8"], "recipebook sky: argument --card: 'H100:8' is no card as sky show-gpus lists them"),
        (["--card", "H1000"], "no card 'H1000' is known; there are: B200, H200, GH200, H100"),
        (["--card", "H\u00b200"], "recipebook sky: argument --card: 'H\u00b200' is no card as sky show-gpus lists"),
        (["--card", "T4", "--set", "training.precision=bf16"], "robot-lora: training.precision: bf16, and T4 has none"),
        (["--card", "A100", "--set", "axolotl.fp8=true"], "robot-lora: axolotl.fp8, and A100 has none; an H100, L4"),
        (["--card", "H100", "--profile", "cpu"], "PROFILE=cpu uses no GPU, and CARD=H100 would be paid for"),
        (["--card", "H100", "--profile", "mps"], "robot-lora: launch.device: mps is an Apple GPU's, and no node"),
        (["--card", "H100", "--profile", "together"], "robot-lora: a service trains it, so that it needs no job"),
        (["--card", "H100", "--gpus", "1.5"], "recipebook sky: argument --gpus: '1.5' is not a whole number above 0"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    words: list[str], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(project, "RUNS", tmp_path)
    assert call("sky", "robot-lora", *words) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(line)
    assert list(tmp_path.iterdir()) == []
