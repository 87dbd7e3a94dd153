"""A claim: one process at a time has it, others wait and say for whom, and a killed one's goes to who waits."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from recipebook import project
from recipebook.locks import read_owner
from recipebook.project import PROJECT
from recipebook.run.rundir import Run
from recipebook.train.claim import claiming, lock_run, try_claim

HOLD = """\
import pathlib, sys, time
sys.path.insert(0, {project!r})
from recipebook import project
project.CACHE = pathlib.Path({cache!r})
from recipebook.train.claim import claiming
with claiming("5d0c", "robot-lora"):
    print("has it", flush=True)
    time.sleep({seconds})
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(project, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def start(cache: Path, seconds: int = 60) -> "subprocess.Popen[str]":
    """A process that holds the claim for some seconds."""
    code = HOLD.format(project=str(PROJECT), cache=str(cache), seconds=seconds)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def read_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().rstrip()


def test_a_claim_is_held_by_one_and_free_again(cache: Path) -> None:
    with claiming("5d0c", "robot-lora"):
        assert try_claim("5d0c") is None
        assert read_owner(cache / "claims" / "5d0c") == str(os.getpid())
        with claiming("a77a", "another"):
            pass
    lock = try_claim("5d0c")
    assert lock is not None
    os.close(lock)


def test_the_second_waits_says_for_whom_and_takes_over_from_a_killed_one(cache: Path) -> None:
    first = start(cache)
    assert read_line(first) == "has it"
    second = start(cache, 0)
    assert read_line(second) == f"waiting   robot-lora is being trained by process {first.pid}; waiting"
    assert second.poll() is None
    first.send_signal(signal.SIGKILL)
    assert read_line(second) == "has it"
    assert second.wait() == 0
    first.communicate()


def test_a_trainer_that_outlived_its_command_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(tmp_path / "x-20261121-093000")
    run.folder.mkdir()
    lock = run.lock()
    # As the trainer does, it inherits the lock and holds it for as long as it lives.
    orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.5)"], pass_fds=(lock,))
    os.pwrite(lock, f"{orphan.pid}\n".encode(), 0)
    os.close(lock)
    os.close(lock_run(run))
    assert orphan.wait() == 0
    said = capsys.readouterr().out
    assert said == f"waiting   {run.folder} is being trained by process {orphan.pid}; waiting\n"
