"""Locks: one holder at a time, passed on to children, and gone with the last of them."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from recipebook.locks import holding, lock_file, lock_folder, read_owner, write_owner

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


def test_a_file_is_held_until_its_descriptor_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    lock = lock_file(path, wait=False)
    with pytest.raises(BlockingIOError):
        lock_file(path, wait=False)
    os.close(lock)
    os.close(lock_file(path, wait=False))


def test_a_folder_is_held_and_not_made(tmp_path: Path) -> None:
    with holding(lock_folder(tmp_path)), pytest.raises(BlockingIOError):
        lock_folder(tmp_path, wait=False)
    os.close(lock_folder(tmp_path, wait=False))
    with pytest.raises(FileNotFoundError):
        lock_folder(tmp_path / "gone", wait=False)
    assert list(tmp_path.iterdir()) == []


def test_a_refused_lock_leaves_no_descriptor_open(tmp_path: Path) -> None:
    with holding(lock_file(tmp_path / "x")):
        before = len([*Path("/proc/self/fd").iterdir()])
        with pytest.raises(BlockingIOError):
            lock_file(tmp_path / "x", wait=False)
        assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_who_waits_gets_the_lock_after_its_holder(tmp_path: Path) -> None:
    got: list[int] = []
    lock = lock_file(tmp_path / "x")
    waiting = threading.Thread(target=lambda: got.append(lock_file(tmp_path / "x")))
    waiting.start()
    waiting.join(0.1)
    assert got == []
    os.close(lock)
    waiting.join(10)
    assert len(got) == 1
    os.close(got[0])


def test_a_child_that_inherits_a_lock_holds_it_after_its_parent(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    lock = lock_file(path)
    heir = subprocess.Popen(SLEEP, pass_fds=(lock,), stdout=subprocess.PIPE)
    stranger = subprocess.Popen(SLEEP, close_fds=False, stdout=subprocess.PIPE)
    with heir, stranger:
        assert heir.stdout and heir.stdout.readline() == b"up\n"
        assert stranger.stdout and stranger.stdout.readline() == b"up\n"
        os.close(lock)
        with pytest.raises(BlockingIOError):
            lock_file(path, wait=False)
        heir.kill()
        heir.wait()
        # A process that merely was started meanwhile has no part in it.
        os.close(lock_file(path, wait=False))
        stranger.kill()


def test_a_lock_names_its_owner(tmp_path: Path) -> None:
    with holding(lock_file(tmp_path / "run.lock")) as lock:
        write_owner(lock, 104857)
        assert read_owner(tmp_path / "run.lock") == "104857"
        write_owner(lock, 99)
        assert read_owner(tmp_path / "run.lock") == "99"
    assert read_owner(tmp_path / "gone") == "unknown"
