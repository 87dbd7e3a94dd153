"""Starts boxes, in a process of its own: `python -m recipebook.shell.spawner FD IDS OWNER` with a socket as FD.

At first it takes a user namespace of its own, to which the socket's other end gives IDS subordinate ids (1: this user's
only); so nothing that belongs to a user of the machine, root included, is anybody's here. Each box gets a user
namespace below that one. When it has made what all boxes begin with, it becomes spawner.pl, which starts them.
"""

import os
import platform
import socket
import sys

from recipebook.shell import kernel
from recipebook.shell.entering import ALL_IDS, MOST_NAMESPACES, PERL, format_plan
from recipebook.shell.rooting import PLAN, SPAWNER, build_skeleton

MESSAGE = 65536


def enter_namespace(control: socket.socket, ids: int, owner: int) -> None:
    """Leave this machine's users, as `owner` where root started the process."""
    if owner:
        kernel.become(owner)
    else:
        kernel.stay_visible()
    _take_namespace(control, ids)
    control.send(b"entered")


def _take_namespace(control: socket.socket, ids: int) -> None:
    """Leave the machine's users for a namespace in which this process is root."""
    user, group = os.getuid(), os.getgid()
    kernel.unshare(kernel.NEW_USER | kernel.NEW_MOUNTS)
    control.send(b"map")
    control.recv(MESSAGE)
    if ids == 1:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"0 {user} 1")
        _write("/proc/self/gid_map", f"0 {group} 1")
    else:
        kernel.become(0)


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:  # noqa: PTH123
        file.write(text)


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
        PLAN.write_text(format_plan())
        if ids == ALL_IDS:
            # Each id may make one user namespace, so that a box, whose owner has made the box's, makes none below. It
            # is done here, once: the kernel finds a box's own limit the more slowly, the more boxes there are.
            _write(MOST_NAMESPACES, "1")
        os.set_inheritable(descriptor, True)
        os.execve(PERL, ["perl", str(SPAWNER), platform.machine(), str(descriptor), str(ids), str(PLAN)], {})


if __name__ == "__main__":
    main()
