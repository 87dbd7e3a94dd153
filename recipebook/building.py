"""A folder under construction, locked by its builder, so that what a killed builder left behind is known and swept.

In: `.cache/data` and the name `5d0c1f`. Out: `.cache/data/.5d0c1f.x7q2`, gone in the end unless it was renamed.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def building(name: str, parent: Path) -> Iterator[Path]:
    """Make a folder to build in, beside its final place; folders whose builders are gone are removed first."""
    parent.mkdir(parents=True, exist_ok=True)
    with _locking(parent):
        # Nobody sweeps between the making and the locking.
        _sweep(parent)
        folder = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=parent))
        lock = _open_locked(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


@contextmanager
def _locking(folder: Path) -> Iterator[None]:
    lock = _open_locked(folder)
    try:
        yield
    finally:
        os.close(lock)


def _open_locked(folder: Path, wait: int = 0) -> int:
    """Lock a folder until the descriptor is closed, by this process or by its death."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | wait)
    except BlockingIOError:
        os.close(descriptor)
        raise
    return descriptor


def _sweep(parent: Path) -> None:
    for folder in parent.glob(".*.*/"):
        try:
            lock = _open_locked(folder, fcntl.LOCK_NB)
        except (BlockingIOError, FileNotFoundError):
            continue
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
