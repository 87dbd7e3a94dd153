"""Launches that break: a line with the reason, a failed run, nothing left of its ranks; and never a trained model."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.orphans import find_in
from tests.end_to_end.breaking import poison_base
from tests.end_to_end.project import Project

pytestmark = pytest.mark.long

SETTINGS = (
    "data.source=few.json", "data.split.validation=0", "data.split.test=0", "training.max_steps=6",
    "training.batch_size=4", "training.logging_steps=1",
)  # fmt: skip
POISONED = "axolotl.plugins=[tests.end_to_end.breaking.PoisonWeights]"
TWO = ("training.global_batch=8", "launch.processes=2")


@pytest.fixture(scope="module", autouse=True)
def few_records(project: Project) -> None:
    """Few enough that little time goes into reading them."""
    records = json.loads((project.folder / "samples" / "robot.json").read_bytes())
    (project.folder / "few.json").write_text(json.dumps(records[:100]))


def fail(project: Project, *settings: str) -> tuple[Path, str]:
    """Train, which fails; the run's folder, and the reason, which the command prints in a line too."""
    status, said = project.run("train", "robot-lora", "--set", *SETTINGS, *settings)
    folder, manifest = project.newest()
    assert (status, manifest["status"]) == (1, "failed"), said
    assert f"failed    {manifest['reason']}\n" in said
    assert "Traceback" not in said
    assert not find_in(folder)
    return folder, manifest["reason"]


def test_a_base_whose_weights_are_no_numbers(project: Project) -> None:
    base = project.folder / "models" / "broken-base"
    shutil.copytree(project.folder / "models" / "tiny-base", base)
    poison_base(base)
    _, reason = fail(project, "model.base=models/broken-base")
    assert "ValueError: the loss at step 1 is nan" in reason
    assert "the base's own weights or the rows give it" in reason


# The mean that is logged leaves out a rank whose own loss is no number; its gradients reach all in the same step.
@pytest.mark.parametrize(("launch", "step"), [((), 3), (TWO, 4)])
def test_a_loss_that_becomes_no_number(project: Project, launch: tuple[str, ...], step: int) -> None:
    _, reason = fail(project, POISONED, *launch)
    assert f"ValueError: the loss at step {step} is nan" in reason


def test_weights_that_are_no_numbers_when_a_checkpoint_is_due(project: Project) -> None:
    folder, reason = fail(project, POISONED, "training.logging_steps=50", "training.save_steps=4")
    assert "holds values that are not finite at step 4" in reason
    assert list((folder / "model").glob("checkpoint-*")) == []


def test_no_room_for_the_checkpoint_of_one_rank(project: Project) -> None:
    full = "axolotl.plugins=[tests.end_to_end.breaking.FillDisk]"
    folder, _ = fail(project, full, "training.save_steps=2", *TWO)
    assert list((folder / "model").glob("checkpoint-*")) == []


@pytest.fixture
def small_disk(project: Project) -> Iterator[None]:
    """A disk for the runs that is full before the second checkpoint."""
    runs = project.folder / "runs"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", runs], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a disk can be mounted by root alone")
    yield
    subprocess.run(["umount", runs], check=True)


def test_a_disk_that_fills_up_while_one_process_trains_and_then_has_room(project: Project, small_disk: None) -> None:
    every_step = ("training.save_steps=1", "training.logging_steps=1")
    folder, reason = fail(project, *every_step)
    assert "No space left on device" in reason or "could not be written" in reason
    subprocess.run(["mount", "-o", "remount,size=64m", project.folder / "runs"], check=True)
    status, said = project.run("train", "robot-lora", "--set", *SETTINGS, *every_step)
    assert status == 0, said
    finished, manifest = project.newest()
    assert (finished, manifest["status"]) == (folder, "trained")


def test_a_disk_that_fills_up_while_two_ranks_train(project: Project, small_disk: None) -> None:
    _, reason = fail(project, "training.save_steps=1", "training.logging_steps=1", *TWO)
    assert "No space left on device" in reason or "could not be written" in reason
