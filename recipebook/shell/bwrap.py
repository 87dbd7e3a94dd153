"""Boxes by bubblewrap: this process's end of the spawner, and of each box's agent.

The spawner of a base starts with the first box of it; its ids, and its boxes', are those of ids.py.
"""

import atexit
import itertools
import os
import select
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from recipebook.shell.base import require_base
from recipebook.shell.cgroups import Cgroups, find_cgroups
from recipebook.shell.contract import BaseName, BoxError, BoxResult, BoxSettings
from recipebook.shell.ids import read_reason, start_among
from recipebook.shell.requirements import find_bwrap

MESSAGE = 65536
KILOBYTE, MEGABYTE = 1024, 2**20


class BwrapBox:
    """A running box."""

    def __init__(self, settings: BoxSettings) -> None:
        self.settings = settings
        self.lock = threading.Lock()
        self.closed = False
        inner_requests, requests = os.pipe()
        replies, inner_replies = os.pipe()
        self.requests, self.replies = os.fdopen(requests, "wb"), os.fdopen(replies, "rb")
        # Before the spawner, which is to start where this process then is.
        self.cgroups = find_cgroups()
        self.cgroup: Path | None = None
        descriptors = [inner_requests, inner_replies]
        try:
            if isinstance(self.cgroups, Cgroups):
                self.cgroup = self.cgroups.make(settings)
                descriptors.append(os.open(self.cgroup / "cgroup.procs", os.O_WRONLY))
            self.spawner = find_spawner(settings.base)
            self.number = self.spawner.start(list_limits(settings), descriptors)
        except BaseException:
            self.requests.close()
            self.replies.close()
            self._leave_cgroup()
            raise
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        try:
            self._read(time.monotonic() + settings.start_seconds)
        except BoxError:
            self.close()
            raise

    def run(self, script: str, seconds: float) -> BoxResult:
        """Run a script; a box that does not answer in time is closed, and counts as lost to its own commands."""
        return self._send("run", script, seconds)

    def judge(self, script: str, seconds: float) -> BoxResult:
        """Run a script that judges, unless a program that it stands on has been replaced."""
        return self._send("judge", script, seconds)

    def _send(self, what: str, script: str, seconds: float) -> BoxResult:
        text = script.encode(errors="surrogateescape")
        try:
            self.requests.write(f"{seconds} {what} {len(text)}\n".encode() + text)
            self.requests.flush()
            status, flags, output = self._read(time.monotonic() + seconds + self.settings.start_seconds)
        except (BoxError, OSError, ValueError) as error:
            self.close()
            if self.spawner.process.poll() is not None:
                raise BoxError("the process that starts boxes has ended, and all boxes with it") from error
            return BoxResult(137, "", timed_out=False, cut=False, lost=True)
        if "l" in flags:
            self.close()
        timed_out, cut, lost, tampered = (flag in flags for flag in "tclj")
        return BoxResult(status, output.decode(errors="replace"), timed_out, cut, lost, tampered)

    def kill(self) -> None:
        """End the box's processes; a script that runs comes back as lost."""
        self.spawner.end(self.number)

    def close(self) -> None:
        """End the box; its processes go a moment later."""
        with self.lock:
            if self.closed:
                return
            self.closed = True
        self.kill()
        with suppress(OSError):
            # What could not be sent is tried once more.
            self.requests.close()
        self.replies.close()
        self._leave_cgroup()

    def _leave_cgroup(self) -> None:
        if self.cgroup and isinstance(self.cgroups, Cgroups):
            self.cgroups.remove(self.cgroup)

    def _read(self, until: float) -> tuple[int, str, bytes]:
        """The agent's next reply; BoxError with what stands in its place if there is none."""
        poll = select.poll()
        poll.register(self.replies, select.POLLIN)
        if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
            raise BoxError("the box did not answer in time")
        line = self.replies.readline()
        fields = line.split()
        if len(fields) != 3 or not fields[2].isdigit():
            rest = (line + self.replies.read(MESSAGE)).decode(errors="replace").strip()
            raise BoxError(rest.splitlines()[0] if rest else "the box ended without a word")
        return int(fields[0]), fields[1].decode(), self.replies.read(int(fields[2]))


def list_limits(settings: BoxSettings) -> dict[str, Any]:
    """A box's limits as the spawner reads them."""
    return {
        "memory": settings.memory_mib * MEGABYTE,
        "address_space": settings.address_space_mib * MEGABYTE,
        "disk": settings.disk_mib * MEGABYTE,
        "files": settings.files,
        "file": settings.file_mib * MEGABYTE,
        "processes": settings.processes,
        "open_files": settings.open_files,
        "output": settings.output_kib * KILOBYTE,
        "bwrap": find_bwrap(os.environ.get("PATH")) or "bwrap",
    }


class SpawnerProcess:
    """The process that starts boxes of a base, and the socket to it."""

    def __init__(self, base: BaseName) -> None:
        self.numbers = itertools.count(1)
        self.owner = os.getpid()
        folder = require_base(base)
        self.process, self.control = start_among("recipebook.shell.spawner", *([str(folder)] if folder else []))
        if self.control.recv(MESSAGE) != b"ready":
            raise BoxError(f"boxes cannot be had here: {read_reason(self.process)}")

    def start(self, limits: dict[str, Any], descriptors: list[int]) -> int:
        """Have a box started on these descriptors: its input, its output, its cgroup if it has one; its number."""
        box = next(self.numbers)
        try:
            words = ["start", box, *itertools.chain.from_iterable(limits.items())]
            socket.send_fds(self.control, ["\0".join(map(str, words)).encode()], descriptors)
        except OSError:
            raise BoxError("the process that starts boxes has ended") from None
        return box

    def end(self, box: int) -> None:
        """Have a box ended."""
        with suppress(OSError):
            self.control.send(f"close\0{box}".encode())

    def stop(self) -> None:
        """End the spawner, and with it all boxes."""
        self.control.close()
        if self.owner == os.getpid():
            self.process.wait()


_starting = threading.Lock()
_spawners: dict[BaseName, SpawnerProcess] = {}


def find_spawner(base: BaseName = "host") -> SpawnerProcess:
    """This process's spawner for a base, started if there is none or if it has ended."""
    with _starting:
        found = _spawners.get(base)
        if found is None or found.owner != os.getpid() or found.process.poll() is not None:
            found = _spawners[base] = SpawnerProcess(base)
            atexit.register(found.stop)
        return found
