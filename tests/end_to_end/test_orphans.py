"""Ten launches of two ranks, ended in every way: no process is left. A stand-in trains; ranks and launcher are real."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from random import Random

import pytest

from benchmarks.orphans import WAYS, find_in, run_round
from recipebook.run.progress_file import read_progress
from tests.end_to_end.project import Project, give_ranks_engine

pytestmark = pytest.mark.long

RECIPE = """\
description: two ranks that are ended before their last step
extends: trait
data: {split: {validation: 0}}
launch: {processes: 2}
"""
ROUNDS = 10


@pytest.fixture(scope="module")
def project(copy_project: Callable[[], Project]) -> Project:
    """A copy of the project whose ranks only wait."""
    copied = copy_project()
    give_ranks_engine(copied)
    (copied.folder / "recipes" / "ended.yaml").write_text(RECIPE)
    return copied


def test_no_process_is_left_however_a_launch_ends(project: Project) -> None:
    chance = Random(42)

    def start() -> "subprocess.Popen[str]":
        return project.start("train", "ended", "--force")

    left = {(at, way): run_round(start, project.folder / "runs", way, chance)
            for at, way in enumerate(islice(cycle(WAYS), ROUNDS))}  # fmt: skip
    assert left == dict.fromkeys(left, 0)


def test_a_rank_that_is_lost_at_every_launch_fails_the_run_with_its_name(project: Project) -> None:
    process, folder = project.start_until(1, "train", "ended", "--force")
    killed: set[int] = set()
    while process.poll() is None:
        pid = read_rank(folder)
        if pid not in killed and read_progress(folder):
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
        time.sleep(0.1)
    said, _ = process.communicate()
    assert (process.returncode, len(killed)) == (1, 3)
    labels = [line.partition(" ")[0] for line in said.splitlines()]
    told = [one for one in labels if one in ("failed", "again", "trained")]
    assert told == ["failed", "again", "failed", "again", "failed"]
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert (manifest["status"], manifest["reason"]) == ("failed", "rank 1 was killed by signal 9")
    assert [one["outcome"] for one in manifest["attempts"]] == ["failed"] * 3
    assert not find_in(folder)


def read_rank(folder: Path) -> int:
    """The process of rank 1, once it is there."""
    path = folder / "ranks" / "1.json"
    end = time.monotonic() + 60
    while not path.is_file():
        assert time.monotonic() < end
        time.sleep(0.05)
    return int(json.loads(path.read_bytes())["pid"])
