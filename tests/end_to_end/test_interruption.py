"""Runs that are killed, stopped or broken: honest manifests, and the same command goes on."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.project import Project, read_logged

SETTINGS = (
    "data.source=some.json", "training.max_steps=16", "training.save_steps=4", "training.eval_steps=16",
    "training.logging_steps=2",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def some_records(project: Project) -> None:
    """Few enough that what takes time is what is tested."""
    records = json.loads((project.folder / "samples" / "robot.json").read_bytes())
    (project.folder / "some.json").write_text(json.dumps(records[:400]))


def start_training(project: Project, until: int, *settings: str) -> tuple["subprocess.Popen[str]", Path]:
    """Start a new run and wait until its trainer is at step `until`; the runner and the run's folder."""
    return project.start_until(until, "train", "robot-lora", "--set", *SETTINGS, *settings)


def find_trainer(folder: Path) -> int:
    """The process that trains in the folder."""
    for entry in Path("/proc").iterdir():
        try:
            if (
                entry.name.isdigit()
                and (entry / "cwd").readlink() == folder
                and b"axolotl" in (entry / "cmdline").read_bytes()
            ):
                return int(entry.name)
        except OSError:
            continue
    raise AssertionError(f"nothing trains in {folder}")


@pytest.fixture(scope="module")
def killed(project: Project) -> tuple[Path, dict[str, Any], str]:
    """A run whose trainer was killed between two checkpoints."""
    process, folder = start_training(project, 6)
    os.kill(find_trainer(folder), signal.SIGKILL)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    return folder, json.loads((folder / "manifest.json").read_bytes()), said


@pytest.mark.long
def test_a_killed_trainer_is_told(killed: tuple[Path, dict[str, Any], str]) -> None:
    _, manifest, said = killed
    assert manifest["status"] == "failed"
    assert manifest["reason"] == "the trainer was killed by signal 9"
    assert "failed    the trainer was killed by signal 9" in said


@pytest.mark.long
@pytest.mark.parametrize(
    ("order", "rows_a_step", "killed_at"),
    [
        ("training.group_by_length=true", 8, 28),
        ("training.group_by_length=false", 8, 28),
        ("training.packing=true", 2, 28),
    ],
)
def test_a_run_killed_in_its_second_epoch_sees_the_rows_of_an_uninterrupted_one(
    project: Project, order: str, rows_a_step: int, killed_at: int
) -> None:
    records = json.loads((project.folder / "samples" / "robot.json").read_bytes())
    (project.folder / "few.json").write_text(json.dumps(records[:200]))
    settings = (
        *("data.source=few.json", f"training.batch_size={rows_a_step}", "training.max_steps=null", "training.epochs=2"),
        *("training.save_steps=3", "training.logging_steps=1", order),
    )
    process, folder = start_training(project, killed_at, *settings)
    os.kill(find_trainer(folder), signal.SIGKILL)
    process.communicate(timeout=60)
    status, said = project.train(*SETTINGS, *settings)
    assert status == 0, said
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert manifest["attempts"][1]["from_step"] > json.loads((folder / "progress.json").read_bytes())["steps"] / 2

    status, said = project.run("train", "robot-lora", "--force", "--set", *SETTINGS, *settings)
    assert status == 0, said
    whole, uninterrupted = project.newest()
    assert read_logged(folder) == read_logged(whole)
    assert manifest["weights"]["digest"] == uninterrupted["weights"]["digest"]


@pytest.mark.long
def test_a_killed_run_goes_on_and_ends_as_if_nothing_had_been(
    project: Project, killed: tuple[Path, dict[str, Any], str]
) -> None:
    folder, _, _ = killed
    half_written = folder / "model" / "checkpoint-15"
    half_written.mkdir()
    status, said = project.train(*SETTINGS)
    assert status == 0, said
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert "dropped   checkpoint-15" in said
    assert [attempt["outcome"] for attempt in manifest["attempts"]] == ["failed", "trained"]
    assert manifest["attempts"][1]["from_step"] in (4, 8)
    assert json.loads((folder / "progress.json").read_bytes())["step"] == 16

    status, said = project.run("train", "robot-lora", "--force", "--set", *SETTINGS)
    assert status == 0, said
    assert project.newest()[1]["weights"]["digest"] == manifest["weights"]["digest"]


def test_a_stop_ends_the_trainer_and_is_told(project: Project) -> None:
    process, folder = start_training(project, 2, "training.seed=7")
    trainer = find_trainer(folder)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped   by SIGTERM: run the same command to resume from the last checkpoint" in said
    assert json.loads((folder / "manifest.json").read_bytes())["status"] == "interrupted"
    assert not Path(f"/proc/{trainer}").exists()
    assert [folder.name, "interrupted"] in [line.split()[:2] for line in project.run("runs")[1].splitlines()]


def test_a_run_in_training_is_waited_for_and_not_trained_twice(project: Project) -> None:
    first, folder = start_training(project, 1, "training.seed=8")
    trainer = find_trainer(folder)
    # It would be at its end before a slow machine has begun the second command.
    os.kill(trainer, signal.SIGSTOP)
    second = project.start("train", "robot-lora", "--set", *SETTINGS, "training.seed=8")
    try:
        assert second.stdout
        lines = iter(second.stdout.readline, "")
        waits = f"waiting   robot-lora is being trained by process {first.pid}; waiting\n"
        assert next(line for line in lines if line.startswith("waiting")) == waits
    finally:
        os.kill(trainer, signal.SIGCONT)
    said, _ = first.communicate(timeout=300)
    assert first.returncode == 0, said
    said, _ = second.communicate(timeout=60)
    assert (second.returncode, f"found     runs/{folder.name}: same recipe" in said) == (0, True)
    assert len(json.loads((folder / "manifest.json").read_bytes())["attempts"]) == 1


def test_diverging_training_ends_at_the_step_whose_loss_is_no_number(project: Project) -> None:
    status, said = project.train(
        "data.source=some.json", "training.max_steps=4", "training.learning_rate=1e30", "training.max_grad_norm=1e30",
        "training.scheduler=constant", "training.logging_steps=1",
    )  # fmt: skip
    assert status == 1
    assert "failed    the trainer ended with status 1: ValueError: the loss at step 2 is nan" in said
    assert project.newest()[1]["status"] == "failed"
