"""Limits of whole boxes by the kernel's cgroups, where this machine has given this process some of its own.

    find_cgroups()           →  Cgroups(Path("/sys/fs/cgroup/user.slice/…/run-r1.scope"), …), or why there are none
    cgroups.make(settings)   →  its folder, box-4711-1, with memory.max and pids.max written
    cgroups.remove(folder)      once the box has ended

Only version 2 can be given to a program safely: systemd does so with `Delegate=yes`. They count what the agent cannot
see, such as the kernel's buffers of sockets and pipes, and hold at once, where the agent looks five times a second.
"""

import atexit
import errno
import itertools
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from recipebook.shell.contract import BoxSettings

CONTROLLERS = ("memory", "pids")
MOUNTS, OWN = Path("/proc/self/mounts"), Path("/proc/self/cgroup")
DELEGATED = ("user.delegate", "trusted.delegate")
HOW = "systemd-run --user --scope -p Delegate=yes make …"
# The leaf that this process and its neighbours move to: a cgroup that shares out its controllers holds no process.
LEAF = "server"
BOX = "box"
MEGABYTE = 2**20
# For the agent, bubblewrap, /dev/shm and the kernel's own records of a box.
SPARE_MIB, SPARE_PROCESSES = 48, 8
# Seconds that the last boxes' processes have at most, when this process ends.
FINISHING = 2.0


class Cgroups:
    """The cgroups below `folder`, which is this process's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._ended: set[Path] = set()
        atexit.register(self._finish)
        for left in folder.glob(f"{BOX}-*"):
            if not Path("/proc", left.name.split("-")[1]).exists():
                self.remove(left)

    def make(self, settings: BoxSettings) -> Path:
        """A cgroup for one box; its first process enters it by writing 0 to its cgroup.procs."""
        folder = self.folder / f"{BOX}-{os.getpid()}-{next(self._numbers)}"
        folder.mkdir()
        # Files count as memory, since the box's file systems have no disk.
        memory = settings.memory_mib + settings.disk_mib + SPARE_MIB
        (folder / "memory.max").write_text(str(memory * MEGABYTE))
        (folder / "pids.max").write_text(str(settings.processes + SPARE_PROCESSES))
        with suppress(FileNotFoundError):
            # Not there where the kernel knows no swap.
            (folder / "memory.swap.max").write_text("0")
        return folder

    def remove(self, folder: Path) -> None:
        """Remove a box's cgroup, or do so later, since killed processes take a moment to go."""
        with self._lock:
            self._ended.add(folder)
            self._sweep()

    def _sweep(self) -> None:
        for ended in list(self._ended):
            try:
                ended.rmdir()
            except OSError as error:
                if error.errno == errno.EBUSY:
                    continue
            self._ended.discard(ended)

    def _finish(self) -> None:
        until = time.monotonic() + FINISHING
        while self._ended and time.monotonic() < until:
            self._sweep()
            time.sleep(0.01)


def share_out(mounts: str, own: str) -> Cgroups | str:
    """The cgroups of a process with these /proc/self/mounts and /proc/self/cgroup, or why it has none."""
    mount = next((Path(line.split()[1]) for line in mounts.splitlines() if line.split()[2] == "cgroup2"), None)
    place = next((line[len("0::/") :] for line in own.splitlines() if line.startswith("0::/")), None)
    if mount is None or place is None:
        return "this machine has no cgroups of version 2"
    folder = mount / place
    if folder.name == LEAF:
        # A server before this one moved the shell that both were started from.
        folder = folder.parent
    try:
        missing = set(CONTROLLERS) - set((folder / "cgroup.controllers").read_text().split())
        if missing:
            return f"those of version 2 have no {' and no '.join(sorted(missing))} here"
        if not _is_delegated(folder, mount):
            return f"this process was given none: {HOW}"
        _enable(folder)
        return Cgroups(folder)
    except OSError as error:
        return f"{folder}: {error.strerror}"


def _is_delegated(folder: Path, mount: Path) -> bool:
    """Whether the machine has left the cgroup to its user; root may write everywhere, and is told by a mark."""
    files = [folder, folder / "cgroup.procs", folder / "cgroup.subtree_control"]
    if not all(os.access(file, os.W_OK) for file in files):
        return False
    return os.geteuid() != 0 or folder == mount or any(_has_mark(folder, mark) for mark in DELEGATED)


def _has_mark(folder: Path, mark: str) -> bool:
    try:
        return os.getxattr(folder, mark) == b"1"
    except OSError:
        return False


def _enable(folder: Path) -> None:
    """Let the cgroups below have the controllers; its processes first move into a leaf, where the kernel wants it."""
    switch, wanted = folder / "cgroup.subtree_control", " ".join(f"+{name}" for name in CONTROLLERS)
    try:
        switch.write_text(wanted)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        leaf = folder / LEAF
        leaf.mkdir(exist_ok=True)
        for process in (folder / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                (leaf / "cgroup.procs").write_text(process)
        switch.write_text(wanted)


_found: dict[int, Cgroups | str] = {}
_finding = threading.Lock()


def find_cgroups() -> Cgroups | str:
    """This process's cgroups, or why it has none."""
    with _finding:
        if os.getpid() not in _found:
            _found[os.getpid()] = share_out(MOUNTS.read_text(), OWN.read_text())
        return _found[os.getpid()]


def describe_cgroups() -> str:
    """Whether boxes are limited by cgroups, for people."""
    found = find_cgroups()
    if isinstance(found, str):
        return f"not used, {found}; limits are those of processes, and the agent in each box counts its memory"
    return f"used, below {found.folder}: memory and processes of each box"
