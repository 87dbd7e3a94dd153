"""Starts boxes, in a process of its own: `python -m recipebook.shell.spawner FD IDS` with a socket as FD.

    in:   {"start": 1, "limits": {"disk": 67108864, …}} with descriptors: the box's input and output, and its cgroup if
          it has one; {"close": 1} ends the box
    out:  nothing; why a box could not be started is written on its output, where its agent would write

Boxes start beside each other: one that waits for its ids lets the next one begin.

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
from contextlib import suppress
from typing import Any, NamedTuple

from recipebook.shell import kernel
from recipebook.shell.entering import ALL_IDS, MOST_NAMESPACES, enter_box, plan_box
from recipebook.shell.rooting import build_skeleton

MESSAGE = 65536
DESCRIPTORS = 3


class Entering(NamedTuple):
    """A box that has made its namespace: the socket on which it waits for ids, and its first process."""

    socket: socket.socket
    process: int


class Spawner:
    """The boxes of one server."""

    def __init__(self, control: socket.socket, ids: int) -> None:
        self.control = control
        self.ids = ids
        self.processes: dict[int, int] = {}
        """The first process of each living box, by the box's number."""
        self.entering: dict[int, Entering] = {}
        """Those that wait for the ids of their namespace, by the descriptor on which they wait."""
        self.started = 0
        self.poll = select.poll()
        self.poll.register(control, select.POLLIN)

    def serve(self) -> None:
        """Start and end boxes until the other end closes."""
        while True:
            for descriptor, _ in self.poll.poll(1000):
                if descriptor != self.control.fileno():
                    self._let_in(descriptor)
                elif not self._obey():
                    return
            self._reap()

    def _obey(self) -> bool:
        text, descriptors, _, _ = socket.recv_fds(self.control, MESSAGE, DESCRIPTORS)
        if not text:
            return False
        message = json.loads(text)
        if "close" in message:
            self._close(message["close"])
            return True
        try:
            self._start(message["start"], message["limits"], descriptors)
        except OSError as error:
            os.write(descriptors[1], f"{error}\n".encode())
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return True

    def _close(self, box: int) -> None:
        # Its number in /proc is not given to another process before `_reap` has waited for it.
        if box in self.processes:
            os.kill(self.processes[box], signal.SIGKILL)

    def _reap(self) -> None:
        while self.processes and (ended := os.waitpid(-1, os.WNOHANG)[0]):
            self.processes = {box: process for box, process in self.processes.items() if process != ended}

    def _start(self, box: int, limits: dict[str, Any], descriptors: list[int]) -> None:
        self.started += 1
        plan = plan_box(tuple(limits.items()))
        ours, theirs = socket.socketpair()
        process = os.fork()
        if not process:
            ours.close()
            enter_box(plan, descriptors, theirs, self.ids, self._owner())
        theirs.close()
        self.processes[box] = process
        self.entering[ours.fileno()] = Entering(ours, process)
        self.poll.register(ours, select.POLLIN)

    def _let_in(self, descriptor: int) -> None:
        """Give a box the ids of the namespace that it has just made."""
        self.poll.unregister(descriptor)
        waiting, process = self.entering.pop(descriptor)
        # One that has ended meanwhile, or that gets no ids, says so on its own output.
        with waiting, suppress(OSError):
            if waiting.recv(1) and self.ids == ALL_IDS:
                for kind in ("uid", "gid"):
                    write_map(process, kind, f"0 0 {ALL_IDS}")
            waiting.send(b".")

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


def _allow_one_namespace() -> None:
    """Let each id make one user namespace, so that a box, whose owner has made the box's, makes none below.

    It is done here, once: the kernel finds a box's own limit the more slowly, the more boxes there are.
    """
    with open(MOST_NAMESPACES, "w") as file:  # noqa: PTH123
        file.write("1")


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
        if ids == ALL_IDS:
            _allow_one_namespace()
        # Each box begins as a copy of this process: pages that a collection of garbage wrote to would be copied too.
        gc.freeze()
        gc.disable()
        control.send(b"ready")
        Spawner(control, ids).serve()


if __name__ == "__main__":
    main()
