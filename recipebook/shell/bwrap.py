"""Boxes by bubblewrap: this process's end of the spawner, and of each box's agent.

The spawner starts with the first box. Under root it is a user of its own with 65,536 ids that belong to nobody; under
another user it has the ids that /etc/subuid gives that user, or, if none, only the user's own.
"""

import atexit
import json
import os
import pwd
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from recipebook.project import INSTALLATION
from recipebook.shell.contract import BoxError, BoxResult, BoxSettings

ALL_IDS = 65536
# The first of the ids that root gives: far above those that Debian gives to users, services and containers.
FIRST_OF_ROOT = 1_900_000_000
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
        try:
            self.spawner = find_spawner()
            self.number = self.spawner.start(_list_limits(settings), inner_requests, inner_replies)
        except BaseException:
            self.requests.close()
            self.replies.close()
            raise
        finally:
            os.close(inner_requests)
            os.close(inner_replies)
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

    def close(self) -> None:
        """End the box; its processes are gone when this returns."""
        with self.lock:
            if self.closed:
                return
            self.closed = True
        self.spawner.end(self.number)
        with suppress(OSError):
            # What could not be sent is tried once more.
            self.requests.close()
        self.replies.close()

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


def _list_limits(settings: BoxSettings) -> dict[str, Any]:
    return {
        "memory": settings.memory_mib * MEGABYTE,
        "address_space": settings.address_space_mib * MEGABYTE,
        "disk": settings.disk_mib * MEGABYTE,
        "files": settings.files,
        "file": settings.file_mib * MEGABYTE,
        "processes": settings.processes,
        "open_files": settings.open_files,
        "output": settings.output_kib * KILOBYTE,
        "bwrap": shutil.which("bwrap") or "bwrap",
    }


class SpawnerProcess:
    """The process that starts boxes, and the socket to it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.owner = os.getpid()
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        first, self.ids = find_ids()
        user = FIRST_OF_ROOT + ALL_IDS if os.geteuid() == 0 else 0
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "recipebook.shell.spawner", *map(str, (theirs.fileno(), self.ids, user))],
                cwd=INSTALLATION, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
        self._expect(b"map")
        if self.ids == ALL_IDS:
            give_ids(self.process.pid, first)
        self.control.send(b".")
        self._expect(b"ready")

    def start(self, limits: dict[str, Any], requests: int, replies: int) -> int:
        """Start a box on these descriptors; its number."""
        with self.lock:
            socket.send_fds(self.control, [json.dumps({"limits": limits}).encode()], [requests, replies])
            answer = json.loads(self.control.recv(MESSAGE) or b'{"error": "the spawner of boxes has ended"}')
        if "error" in answer:
            raise BoxError(answer["error"])
        return int(answer["box"])

    def end(self, box: int) -> None:
        """End a box."""
        with self.lock:
            try:
                self.control.send(json.dumps({"close": box}).encode())
            except OSError:
                return

    def stop(self) -> None:
        """End the spawner, and with it all boxes."""
        self.control.close()
        if self.owner == os.getpid():
            self.process.wait()

    def _expect(self, word: bytes) -> None:
        if self.control.recv(MESSAGE) != word:
            assert self.process.stderr
            said = self.process.stderr.read().decode(errors="replace").strip().splitlines()
            raise BoxError(f"user namespaces cannot be had here: {said[-1] if said else 'no reason was given'}")


def find_ids() -> tuple[int, int]:
    """The first subordinate id of this user, and how many a box can have: 65,536 or 1."""
    if os.geteuid() == 0:
        return FIRST_OF_ROOT, ALL_IDS
    ranges = [_find_range(Path(f"/etc/sub{kind}")) for kind in ("uid", "gid")]
    if None in ranges or ranges[0] != ranges[1] or not shutil.which("newuidmap"):
        return 0, 1
    return ranges[0] or 0, ALL_IDS


def _find_range(file: Path) -> int | None:
    """The first of 65,536 ids that a file gives this user; None if it gives fewer."""
    names = {str(os.getuid())}
    with suppress(KeyError):
        names.add(pwd.getpwuid(os.getuid()).pw_name)
    for line in file.read_text().splitlines() if file.exists() else []:
        name, _, numbers = line.partition(":")
        first, _, count = numbers.partition(":")
        if name in names and first.isdecimal() and count.isdecimal() and int(count) >= ALL_IDS:
            return int(first)
    return None


def give_ids(process: int, first: int) -> None:
    """Map the ids of a process's namespace to this machine's from `first` on."""
    for kind in ("uid", "gid"):
        if os.geteuid() == 0:
            Path(f"/proc/{process}/{kind}_map").write_text(f"0 {first} {ALL_IDS}")
        else:
            subprocess.run([f"new{kind}map", str(process), "0", str(first), str(ALL_IDS)], check=True)


_starting = threading.Lock()
_spawner: SpawnerProcess | None = None


def find_spawner() -> SpawnerProcess:
    """This process's spawner, started if there is none or if it has ended."""
    global _spawner
    with _starting:
        if _spawner is None or _spawner.owner != os.getpid() or _spawner.process.poll() is not None:
            try:
                _spawner = SpawnerProcess()
            except (OSError, subprocess.SubprocessError) as error:
                raise BoxError(f"user namespaces cannot be had here: {error}") from None
            atexit.register(_spawner.stop)
        return _spawner
