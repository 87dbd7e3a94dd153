"""Files and folders that one process holds at a time, until the last descriptor of the lock is closed.

In: `runs/robot-lora-20261120-141503/run.lock`. Out: a descriptor, such as 7, that holds the file.

The kernel closes a descriptor when its process ends, so no lock outlives its owner. A child process that inherits the
descriptor (`pass_fds`, or a fork) holds the lock as well, and keeps it when its parent is killed, unless it is then
killed too.
"""

import ctypes
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_SET_DEATH_SIGNAL = 1


def lock_file(path: Path, *, wait: bool = True) -> int:
    """Lock a file, made if it does not exist; without `wait`, a BlockingIOError where somebody else holds it."""
    return _lock(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), wait)


def lock_folder(folder: Path, *, wait: bool = True) -> int:
    """Lock a folder that exists; without `wait`, a BlockingIOError where somebody else holds it."""
    return _lock(os.open(folder, os.O_RDONLY), wait)


@contextmanager
def holding(lock: int) -> Iterator[int]:
    """Close a lock's descriptor in the end."""
    try:
        yield lock
    finally:
        os.close(lock)


def write_owner(lock: int, pid: int) -> None:
    """Write into a locked file which process holds it, for the messages of others; the lock counts without it."""
    with suppress(OSError):
        os.pwrite(lock, f"{pid}\n".encode(), 0)


def read_owner(path: Path) -> str:
    """The process that a locked file names; `unknown` where the file went away meanwhile."""
    try:
        # A longer number that was there before may have left its last digits on a second line.
        return path.read_text().partition("\n")[0] or "unknown"
    except FileNotFoundError:
        return "unknown"


def die_with_parent(parent: int, signum: signal.Signals = signal.SIGKILL) -> None:
    """Let the kernel kill this process when its parent dies, so that it holds nothing for work that nobody wants.

    By SIGTERM, one that has started others can end them first.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signum)
    # It may have died before.
    if os.getppid() != parent:
        os._exit(1)


def _lock(descriptor: int, wait: bool) -> int:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
