"""Staying with a process group to its end."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from recipebook.launch.process import Stopped, run_trainer
from recipebook.run.progress_file import last_error

SPAWN_A_CHILD = (
    "import subprocess, sys, time, pathlib\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "pathlib.Path('child').write_text(str(child.pid))\n"
    "time.sleep(60)\n"
)


def run(folder: Path, code: str) -> int:
    lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR)
    try:
        return run_trainer([sys.executable, "-c", code], {}, folder, lock, lambda _: None)
    finally:
        os.close(lock)


def test_the_exit_status_and_the_log_are_kept(tmp_path: Path) -> None:
    assert run(tmp_path, "print('hello'); raise ValueError('no such thing')") == 1
    assert (tmp_path / "train.log").read_text().startswith("hello\nTraceback")
    assert last_error(tmp_path / "train.log") == "ValueError: no such thing"


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_signal_ends_the_whole_group(tmp_path: Path) -> None:
    def stop() -> None:
        while not (tmp_path / "child").is_file() or not (tmp_path / "child").read_text():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(Stopped, match="SIGTERM"):
        run(tmp_path, SPAWN_A_CHILD)
    stopper.join()
    child = Path("/proc") / (tmp_path / "child").read_text() / "stat"
    # A kill takes effect when its process gets its turn; an orphan's entry may linger until it is reaped.
    wait_until(lambda: not child.exists() or child.read_text().split()[2] == "Z")


def test_handlers_are_as_before_afterwards(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    run(tmp_path, "pass")
    assert signal.getsignal(signal.SIGTERM) is before
