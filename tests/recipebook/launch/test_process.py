"""Staying with a process group to its end."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recipebook.launch.process import Stopped, run_trainer, signals_raise, start_process
from recipebook.project import PROJECT
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


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP])
def test_each_way_to_stop_a_command_ends_its_trainer(tmp_path: Path, signum: signal.Signals) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        stopper = threading.Timer(0.3, os.kill, (os.getpid(), signum))
        stopper.start()
        with pytest.raises(Stopped, match=signum.name):
            run(tmp_path, "import time; time.sleep(60)")
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_closed_terminal_is_nothing_to_a_command_under_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_raise():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_handlers_are_as_before_afterwards(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    run(tmp_path, "pass")
    assert signal.getsignal(signal.SIGTERM) is before


def start(folder: Path, code: str, **settings: Any) -> subprocess.Popen[bytes]:
    """A Python process that writes into the folder's log and inherits a pipe's end."""
    read, write = os.pipe()
    try:
        with (folder / "train.log").open("ab") as log:
            command = [sys.executable, "-c", code, str(write)]
            return start_process(command, folder, {"GIVEN": "by the recipe"}, log, write, **settings)
    finally:
        os.close(read)
        os.close(write)


def test_a_process_gets_our_environment_less_what_must_not_decide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("ACCELERATE_USE_CPU", "WORLD_SIZE", "LOCAL_RANK", "FSDP_VERSION", "GIVEN", "OURS", "NOT_WANTED")
    for name in names:
        monkeypatch.setenv(name, "ours")
    code = f"import os; print([os.environ.get(name) for name in {names}])"
    assert start(tmp_path, code, without=["NOT_WANTED"]).wait() == 0
    assert (tmp_path / "train.log").read_text() == "[None, None, None, None, 'by the recipe', 'ours', None]\n"


def test_a_process_leads_a_group_and_holds_the_descriptor(tmp_path: Path) -> None:
    code = "import os, sys; os.fstat(int(sys.argv[1])); print(os.getcwd(), os.getpgrp() == os.getpid())"
    assert start(tmp_path, code).wait() == 0
    assert start(tmp_path, code, tied=True).wait() == 0
    assert (tmp_path / "train.log").read_text() == f"{tmp_path} True\n{tmp_path} False\n"


def test_a_tied_process_dies_with_its_parent(tmp_path: Path) -> None:
    parent = (
        "import os, pathlib, sys, time\n"
        "from recipebook.launch.process import start_process\n"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(60)']\n"
        "child = start_process(sleep, pathlib.Path('.'), {}, None, int(sys.argv[1]), tied=True)\n"
        "pathlib.Path('child').write_text(str(child.pid))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    assert start(tmp_path, f"import sys; sys.path.insert(0, {str(PROJECT)!r})\n{parent}").wait() == -signal.SIGKILL
    child = Path("/proc") / (tmp_path / "child").read_text() / "stat"
    wait_until(lambda: not child.exists() or child.read_text().split()[2] == "Z")
