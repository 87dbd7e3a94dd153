"""Starts boxes, in a process of its own: `python -m recipebook.shell.spawner FD IDS` with a socket as FD.

    in:   {"limits": {"disk": 67108864, …}} with descriptors: the box's input and output, and its cgroup if it has one
    out:  {"box": 4711}, and {"close": 4711} in ends it;  {"error": "…"} if it could not be started

It has one thread and lives as long as its socket is open: bwrap's `--die-with-parent` is bound to the thread that
started the box, and a server's threads come and go. At first it takes a user namespace of its own, to which the
socket's other end gives IDS subordinate ids (1: this user's only); so nothing that belongs to a user of the machine,
root included, is anybody's here. Each box gets a user namespace below that one.
"""

import gc
import json
import os
import select
import signal
import socket
import sys
from typing import Any

from recipebook.shell import kernel
from recipebook.shell.rooting import ALL_IDS, build_skeleton, enter_box

MESSAGE = 65536
DESCRIPTORS = 3


class Spawner:
    """The boxes of one server."""

    def __init__(self, control: socket.socket, ids: int) -> None:
        self.control = control
        self.ids = ids
        self.alive: set[int] = set()
        self.started = 0

    def serve(self) -> None:
        """Start and end boxes until the other end closes."""
        poll = select.poll()
        poll.register(self.control, select.POLLIN)
        while True:
            ready = poll.poll(1000)
            self._reap()
            if ready and not self._answer():
                return

    def _answer(self) -> bool:
        text, descriptors, _, _ = socket.recv_fds(self.control, MESSAGE, DESCRIPTORS)
        if not text:
            return False
        message = json.loads(text)
        if "close" in message:
            self._close(message["close"])
            return True
        try:
            reply: dict[str, Any] = {"box": self._start(message["limits"], descriptors)}
        except OSError as error:
            reply = {"error": str(error)}
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        self.control.send(json.dumps(reply).encode())
        return True

    def _close(self, box: int) -> None:
        if box in self.alive:
            os.kill(box, signal.SIGKILL)
            os.waitpid(box, 0)
            self.alive.discard(box)

    def _reap(self) -> None:
        while self.alive and (ended := os.waitpid(-1, os.WNOHANG)[0]):
            self.alive.discard(ended)

    def _start(self, limits: dict[str, Any], descriptors: list[int]) -> int:
        """Fork, and give the child the ids of its namespace when it asks for them."""
        self.started += 1
        ours, theirs = socket.socketpair()
        box = os.fork()
        if not box:
            ours.close()
            enter_box(limits, descriptors, theirs, self.ids, self._owner())
        theirs.close()
        self.alive.add(box)
        with ours:
            if ours.recv(1) and self.ids == ALL_IDS:
                for kind in ("uid", "gid"):
                    write_map(box, kind, f"0 0 {ALL_IDS}")
            ours.send(b".")
        return box

    def _owner(self) -> int:
        """The id that owns a box's namespace: one for each box, so that the limit of processes is each box's own."""
        return 0 if self.ids == 1 else 1000 + self.started % 60_000


def write_map(process: int | str, kind: str, line: str) -> None:
    """Write a process's uid or gid map."""
    with open(f"/proc/{process}/{kind}_map", "w") as file:  # noqa: PTH123
        file.write(line)


def _take_namespace(control: socket.socket, ids: int) -> None:
    """Leave the machine's users for a namespace in which this process is root."""
    user, group = os.getuid(), os.getgid()
    kernel.unshare(kernel.NEW_USER | kernel.NEW_MOUNTS)
    control.send(b"map")
    control.recv(MESSAGE)
    if ids == 1:
        with open("/proc/self/setgroups", "w") as file:  # noqa: PTH123
            file.write("deny")
        write_map("self", "uid", f"0 {user} 1")
        write_map("self", "gid", f"0 {group} 1")
    else:
        kernel.become(0)


def enter_namespace(control: socket.socket, ids: int, owner: int) -> None:
    """Leave this machine's users, as `owner` where root started the process."""
    if owner:
        kernel.become(owner)
    else:
        kernel.stay_visible()
    _take_namespace(control, ids)
    control.send(b"entered")


def main() -> None:
    """Serve on the socket that was inherited, with the base whose files lie in a folder, or with this machine's."""
    descriptor, ids, owner = map(int, sys.argv[1:4])
    base = sys.argv[4:]
    if base:
        # It may lie where only the user comes, so it is entered before the user is left.
        os.chdir(base[0])
    with socket.socket(fileno=descriptor) as control:
        enter_namespace(control, ids, owner)
        build_skeleton(own_base=bool(base))
        # Each box begins as a copy of this process: pages that a collection of garbage wrote to would be copied too.
        gc.freeze()
        gc.disable()
        control.send(b"ready")
        Spawner(control, ids).serve()


if __name__ == "__main__":
    main()
