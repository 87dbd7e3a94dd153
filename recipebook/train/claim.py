"""The claim to train an identity: one command at a time trains it, and others wait for what comes of it.

In: the identity `5d0c1f…` and the name `robot-lora`. Out: the lock of `.cache/claims/5d0c1f…`, held to the end of the
training. The kernel lets go of it when its command dies, and whoever waits takes over.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recipebook import project
from recipebook.locks import holding, lock_file, read_owner, write_owner
from recipebook.run.rundir import Run
from recipebook.terminal import print_field


def try_claim(identity: str) -> int | None:
    """The claim's lock; None while another process holds it."""
    try:
        return _own(lock_file(_find(identity), wait=False))
    except BlockingIOError:
        return None


@contextmanager
def claiming(identity: str, name: str) -> Iterator[None]:
    """Hold the claim inside; first wait for whoever trains the same, which a line says."""
    lock = try_claim(identity)
    if lock is None:
        _print_wait(name, _find(identity))
        lock = _own(lock_file(_find(identity)))
    with holding(lock):
        yield


def lock_run(run: Run) -> int:
    """The lock of a claimed run; a trainer that outlived its killed command is waited for."""
    lock = run.try_lock()
    if lock is None:
        _print_wait(project.shown(run.folder), run.lock_path)
        lock = _own(lock_file(run.lock_path))
    return lock


def _find(identity: str) -> Path:
    folder = project.CACHE / "claims"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / identity


def _own(lock: int) -> int:
    write_owner(lock, os.getpid())
    return lock


def _print_wait(name: str, path: Path) -> None:
    print_field("waiting", f"{name} is being trained by process {read_owner(path)}; waiting")
