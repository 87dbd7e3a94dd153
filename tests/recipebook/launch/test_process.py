"""The command, its environment, and staying with a process group to its end."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from recipebook.launch.process import Stopped, build_command, build_environment, last_error, run_trainer
from recipebook.recipe.keys import Recipe

MINIMAL = {
    "description": "d",
    "model": {"base": "models/tiny-seed", "chat_template": "chatml"},
    "data": {"source": "a.json", "converter": "robot"},
}
SPAWN_A_CHILD = (
    "import subprocess, sys, time, pathlib\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "pathlib.Path('child').write_text(str(child.pid))\n"
    "time.sleep(60)\n"
)


def recipe(**launched: object) -> Recipe:
    return Recipe.model_validate({**MINIMAL, "launch": launched})


def run(folder: Path, code: str) -> int:
    lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR)
    try:
        return run_trainer([sys.executable, "-c", code], {}, folder, lock, lambda _: None)
    finally:
        os.close(lock)


def test_one_process_is_started_without_accelerate() -> None:
    assert build_command(recipe()) == [sys.executable, "-m", "trainer", "axolotl.yaml"]


@pytest.mark.parametrize(("strategy", "how"), [("data-parallel", "--multi_gpu"), ("zero3", "--use_deepspeed")])
def test_several_processes_go_through_accelerate(strategy: str, how: str) -> None:
    command = build_command(recipe(processes=2, strategy=strategy))
    assert command[1:4] == ["-m", "accelerate.commands.launch", how]
    assert command[command.index("--num_processes") + 1] == "2"


def test_telemetry_is_off_and_a_local_base_asks_no_hub() -> None:
    environment = build_environment(recipe())
    assert environment["AXOLOTL_DO_NOT_TRACK"] == "1"
    assert environment["HF_HUB_OFFLINE"] == "1"


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
