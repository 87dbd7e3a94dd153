"""A training that is killed again and again, wherever that falls: it goes on each time and ends as if nothing had been.

The moments are drawn from a fixed seed, over as long as the training takes when it is left alone; so on another machine
they fall elsewhere in it.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import pytest

from benchmarks.orphans import find_in
from tests.end_to_end.project import Project

pytestmark = pytest.mark.long

ROUNDS = 5
SETTINGS = (
    "data.source=some.json", "training.max_steps=24", "training.save_steps=4", "training.eval_steps=12",
    "training.logging_steps=2",
)  # fmt: skip
COMMAND = ("train", "robot-lora", "--set", *SETTINGS)


class Whole(NamedTuple):
    """The training as it is when it is left alone."""

    project: Project
    digest: str
    seconds: float


@pytest.fixture(scope="module")
def whole(copy_project: Callable[[], Project]) -> Whole:
    project = copy_project()
    records = json.loads((project.folder / "samples" / "robot.json").read_bytes())
    (project.folder / "some.json").write_text(json.dumps(records[:400]))
    begun = time.monotonic()
    status, said = project.run(*COMMAND)
    assert status == 0, said
    return Whole(project, project.newest()[1]["weights"]["digest"], time.monotonic() - begun)


def strike(project: Project, process: "subprocess.Popen[str]", how: str) -> None:
    """Kill the runner or what trains, or ask the runner to stop; then kill what is left."""
    if how == "runner":
        process.kill()
    elif how == "stop":
        process.send_signal(signal.SIGTERM)
    else:
        kill_in(project)
    process.communicate(timeout=300)
    kill_in(project)


def kill_in(project: Project) -> None:
    for child in find_in(project.folder / "runs"):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_however_often_it_is_killed_the_same_command_ends_with_the_same_adapter(whole: Whole, seed: int) -> None:
    chance, project = random.Random(seed), whole.project
    shutil.rmtree(project.folder / "runs")
    for _ in range(ROUNDS):
        how, moment = chance.choice(["runner", "trainer", "stop"]), chance.uniform(0, whole.seconds)
        process = project.start(*COMMAND)
        try:
            process.communicate(timeout=moment)
        except subprocess.TimeoutExpired:
            strike(project, process, how)
        # Whatever was written is whole, and says what became of the run.
        assert project.run("runs")[0] == 0
        assert [one["run"] for one in project.manifests()] == [
            path.name for path in project.folder.glob("runs/robot-lora-*") if (path / "manifest.json").exists()
        ]
    status, said = project.run(*COMMAND)
    assert status == 0, said
    (manifest,) = project.manifests()
    assert (manifest["status"], manifest["weights"]["digest"]) == ("trained", whole.digest)
    assert find_in(project.folder / "runs") == []
