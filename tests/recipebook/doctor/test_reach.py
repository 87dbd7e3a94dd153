"""Places, port, hub and box: what is missing, and that no secret is printed."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from recipebook import project
from recipebook.doctor import reach
from recipebook.doctor.places import check_places
from recipebook.doctor.reach import check_port, check_sandbox
from recipebook.recipe.resolve import resolve

ROOT = Path(__file__).parents[3]


def test_a_port_that_is_taken_is_named_with_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        monkeypatch.setattr(reach, "PORT", taken.getsockname()[1])
        alone = check_port(resolve("robot-lora", "tiny").recipe)
        found = check_port(resolve("robot-lora", "tiny", ["launch.machines=2"]).recipe)
    assert alone.text.endswith("Address already in use")
    assert alone.cure is None
    assert found.cure and "MAIN=HOST:" in found.cure


def test_a_box_is_missing_only_where_a_recipe_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "list_missing", lambda: ["bubblewrap: apt-get install bubblewrap"])
    assert check_sandbox(None).cure is None
    assert check_sandbox(resolve("robot-lora", "tiny").recipe).cure is None
    assert check_sandbox(resolve("os-interaction-rl", "tiny", ["training.method=grpo"]).recipe).cure


def test_a_full_disk_is_missing_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(project, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(3 << 30))
    found = check_places(resolve("robot-lora", "cpu").recipe)
    # Five for rows and logs, and 12.6 for CodeLlama-7B in 16 bits where it lies on the same disk.
    assert any(one.cure and one.text.startswith("3 GiB free in ") for one in found)


def test_the_command_prints_a_line_each_and_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_this_is_a_secret")
    done = subprocess.run(
        [sys.executable, "-m", "recipebook", "doctor", "robot-lora", "--profile", "tiny"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert [line[:9].strip() for line in lines[:-1]] == [
        "missing" if line.startswith("missing") else "ok" for line in lines[:-1]
    ]
    names = [line[10:20].strip() for line in lines[:-1]]
    assert names == ["python", "lock", "gpu", "driver", "torch", "nccl", "write", "disk", "port", "hub", "telemetry",
                     "sandbox"]  # fmt: skip
    assert done.returncode == any(line.startswith("missing") for line in lines)
    assert "hf_this" not in done.stdout + done.stderr
