"""Two machines, played by two commands that meet on this one: what befalls the second one's rank is known on both."""

import json
import os
import random
import signal
import socket
import subprocess
import time

import pytest

from benchmarks.orphans import find_in
from tests.end_to_end.project import Project

pytestmark = pytest.mark.long

SETTINGS = (
    "data.source=few.json", "data.split.validation=0", "data.split.test=0", "training.epochs=1",
    "training.logging_steps=1", "training.global_batch=16", "training.save_steps=2", "launch.machines=2",
)  # fmt: skip


@pytest.fixture(scope="module")
def few(project: Project) -> Project:
    records = json.loads((project.folder / "samples" / "robot.json").read_bytes())
    (project.folder / "few.json").write_text(json.dumps(random.Random(1).sample(records, 128)))
    return project


def start_both(
    project: Project, monkeypatch: pytest.MonkeyPatch, *settings: str
) -> tuple["subprocess.Popen[str]", "subprocess.Popen[str]"]:
    """Machine 0's command, and machine 1's."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MAIN", f"127.0.0.1:{free.getsockname()[1]}")
    started = []
    for number in ("0", "1"):
        monkeypatch.setenv("MACHINE_RANK", number)
        started.append(project.start("train", "robot-lora", "--set", *SETTINGS, *settings))
    return started[0], started[1]


def test_a_rank_of_another_machine_that_finds_no_room_is_named_on_both(
    few: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = "axolotl.plugins=[tests.end_to_end.full_rank.FullRank]"
    first, second = start_both(few, monkeypatch, "training.seed=21", plugin)
    said, also = first.communicate(timeout=900)[0], second.communicate(timeout=300)[0]
    reason = f"machine 1 ({socket.gethostname()}): rank 1 could not write: File too large (df -h)"
    assert (first.returncode, second.returncode) == (1, 1), said + also
    assert f"failed    {reason}\n" in said
    folder, manifest = few.newest()
    assert also.endswith(f"failed    runs/{folder.name}, as machine 0 recorded it: {reason}\n")
    assert (manifest["status"], manifest["reason"], len(manifest["attempts"])) == ("failed", reason, 1)
    assert not find_in(folder)


def test_a_rank_of_another_machine_that_is_lost_has_all_of_them_started_again(
    few: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(few.folder.glob("runs/*"))
    first, second = start_both(few, monkeypatch, "training.seed=22")

    def find_third_step() -> bool:
        new = [path for path in few.folder.glob("runs/*/progress.json") if path.parent not in before]
        return any(json.loads(path.read_bytes())["step"] >= 3 for path in new)

    while not find_third_step():
        assert first.poll() is None, first.communicate()[0]
        time.sleep(0.02)
    folder, _ = few.newest()
    os.kill(json.loads((folder / "ranks" / "1.json").read_bytes())["pid"], signal.SIGKILL)
    said, also = first.communicate(timeout=900)[0], second.communicate(timeout=300)[0]
    assert (first.returncode, second.returncode) == (0, 0), said + also
    assert f"failed    machine 1 ({socket.gethostname()}): rank 1 was killed by signal 9\n" in said
    manifest = few.newest()[1]
    assert [one["outcome"] for one in manifest["attempts"]] == ["failed", "trained"]
    assert manifest["attempts"][1]["from_step"] >= 2
    assert not find_in(folder)
