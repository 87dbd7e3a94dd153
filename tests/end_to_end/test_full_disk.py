"""No room at any phase of a single run: one line, an honest manifest, and the same command finishes with room.

A stand-in trains (quick_engine.py); what the system allows is set by the largest size of a file, phase by phase.
"""

import json
from collections.abc import Callable
from resource import RLIMIT_FSIZE, setrlimit
from typing import Any

import pytest

from tests.end_to_end.project import Project, give_quick_engine, give_ranks_engine

RECIPE = """\
description: a training that finds no room
extends: trait
data: {split: {validation: 0}}
"""
# No file may be larger: rows first; then, with rows that are there already, a run's files and the trainer's model.
WITHOUT_ROWS = (0, 700)
WITH_ROWS = (100, 1500, 4500, 20_000, 60_000)


@pytest.fixture(scope="module")
def project(copy_project: Callable[[], Project]) -> Project:
    """A copy of the project that has its own engine."""
    copied = copy_project()
    give_quick_engine(copied)
    (copied.folder / "recipes" / "full.yaml").write_text(RECIPE)
    return copied


def run_limited(project: Project, size: int, *words: str) -> tuple[int, str]:
    """A command that may write no file larger than `size`."""
    process = project.start(*words, limit=lambda: setrlimit(RLIMIT_FSIZE, (size, size)))
    said, _ = process.communicate(timeout=300)
    return process.returncode, said


def read_manifests(project: Project) -> list[dict[str, Any]]:
    """Every run's manifest."""
    return [json.loads(path.read_bytes()) for path in project.folder.glob("runs/full-*/manifest.json")]


@pytest.mark.long
def test_no_room_is_a_line_at_every_phase_and_the_same_command_finishes_with_room(project: Project) -> None:
    found = [try_limited(project, size) for size in WITHOUT_ROWS]
    # The rows are there from now on, so that later phases are reached.
    assert project.run("train", "full", "--set", "training.seed=2")[0] == 0
    found += [try_limited(project, size) for size in WITH_ROWS]
    assert len(set(found)) > 3, found
    status, said = project.run("train", "full")
    assert status == 0, said
    trained = [one for one in read_manifests(project) if one["status"] == "trained"]
    assert sorted(one["overrides"] for one in trained) == [[], ["training.seed=2"]]


def try_limited(project: Project, size: int) -> str:
    """Train where no file may be larger than `size`; what could not be written."""
    status, said = run_limited(project, size, "train", "full")
    assert (status in (1, 2), "Traceback" in said) == (True, False), said
    (line,) = [line for line in said.splitlines() if "File too large" in line]
    manifests = [one for one in read_manifests(project) if not one["overrides"]]
    assert all(one["status"] in ("prepared", "training", "failed") for one in manifests), said
    return line.partition(":")[0].rpartition("/")[2]


@pytest.mark.long
@pytest.mark.parametrize("rank", ["0", "1"])
def test_a_rank_that_alone_finds_no_room_is_named_with_the_reason(
    rank: str, copy_project: Callable[[], Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = copy_project()
    give_ranks_engine(copied)
    (copied.folder / "recipes" / "full.yaml").write_text(RECIPE)
    monkeypatch.setenv("FULL", rank)
    status, said = copied.run("train", "full", "--gpus", "2")
    assert status == 1, said
    assert f"failed    rank {rank} could not write: File too large (df -h)\n" in said
    (manifest,) = read_manifests(copied)
    assert (manifest["status"], len(manifest["attempts"])) == ("failed", 1)
