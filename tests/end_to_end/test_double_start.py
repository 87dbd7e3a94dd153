"""Two commands train one recipe at a time: it is trained once. Only the trainer is a stand-in (quick_engine.py)."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.project import Project, give_quick_engine

RECIPE = """\
description: trained by two commands at a time
extends: trait
data: {split: {validation: 0}}
"""
STAGES = "stages: [{name: first}, {name: second, training: {epochs: 2}}]\n"
AGAIN = 20


@pytest.fixture(scope="module")
def project(copy_project: Callable[[], Project]) -> Project:
    """A copy of the project that has its own engine."""
    copied = copy_project()
    give_quick_engine(copied)
    (copied.folder / "recipes" / "plain.yaml").write_text(RECIPE)
    (copied.folder / "recipes" / "staged.yaml").write_text(RECIPE + STAGES)
    return copied


def list_starts(project: Project, seed: int) -> list[Path]:
    """The folders in which something was trained under this seed, each as often as a trainer began there."""
    found = []
    for path in project.folder.glob("runs/**/starts"):
        if f"\nseed: {seed}\n" in (path.parent / "axolotl.yaml").read_text():
            found += [path.parent] * len(path.read_text().splitlines())
    return found


def start_twice(project: Project, recipe: str, seed: int, apart: float) -> tuple[list[int], list[str]]:
    """Two commands, so many seconds apart: their statuses, and what they said."""
    command = ("train", recipe, "--set", f"training.seed={seed}")
    first = project.start(*command)
    time.sleep(apart)
    both = [first, project.start(*command)]
    said = [one.communicate(timeout=300)[0] for one in both]
    return [one.returncode for one in both], said


@pytest.mark.parametrize(("recipe", "trainings"), [("plain", 1), ("staged", 2)])
def test_two_commands_train_a_recipe_once(project: Project, recipe: str, trainings: int) -> None:
    statuses, said = start_twice(project, recipe, 1000 + trainings, 0)
    assert statuses == [0, 0], said
    assert len(list_starts(project, 1000 + trainings)) == trainings
    assert sum("\nfound " in one for one in said) == 1


@pytest.mark.long
@pytest.mark.parametrize(("recipe", "trainings"), [("plain", 1), ("staged", 2)])
def test_no_double_start_of_many_trains_twice(project: Project, recipe: str, trainings: int) -> None:
    rng = random.Random(recipe)
    for seed in range(AGAIN // 2):
        number = 2000 + 2 * seed + (recipe == "staged")
        statuses, said = start_twice(project, recipe, number, rng.uniform(0, 2))
        assert statuses == [0, 0], said
        assert len(list_starts(project, number)) == trainings


def test_the_second_command_takes_over_from_a_killed_one(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    # At its first start the trainer stays at its checkpoint.
    monkeypatch.setenv("HANGS", "plain")
    command = ("train", "plain", "--set", "training.seed=3000")
    first = project.start(*command)
    while not (found := list_starts(project, 3000)):
        assert first.poll() is None, first.communicate()[0]
        time.sleep(0.01)
    trainer = int((found[0] / "starts").read_text().split()[0])
    second = project.start(*command)
    assert second.stdout
    lines = (line for line in iter(second.stdout.readline, "") if line.startswith("waiting"))
    assert next(lines) == f"waiting   plain is being trained by process {first.pid}; waiting\n"
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert next(lines) == f"waiting   runs/{found[0].name} is being trained by process {trainer}; waiting\n"
    os.kill(trainer, signal.SIGKILL)
    said, _ = second.communicate(timeout=300)
    assert second.returncode == 0, said
    folders = list_starts(project, 3000)
    assert (len(folders), len(set(folders))) == (2, 1)
