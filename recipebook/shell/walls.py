"""The walls of a box, as its first process puts them up around itself.

    leave_machine()                 a network without a way out, the name `box`, a session of its own
    enter_root(Path("/sys/box/root"))   the box's files are all files there are, with a /dev and a /proc of its own
    give_up_rights(program)         seven capabilities, no way to more, no call that the filter denies

The process has all rights in a user namespace of its own, and is the first of a process namespace. What it has given
up no later program gets back.
"""

import fcntl
import os
import socket
import struct
from pathlib import Path

from recipebook.shell import kernel

NAMESPACES = (
    kernel.NEW_USER | kernel.NEW_MOUNTS | kernel.NEW_PROCESSES | kernel.NEW_NETWORK | kernel.NEW_MESSAGES
    | kernel.NEW_NAMES | kernel.NEW_CGROUPS
)  # fmt: skip
HOSTNAME = "box"
SET_INTERFACE_FLAGS, UP = 0x8914, 1
# chown, dac_override, fowner, fsetid, kill, setgid, setuid: what root of a machine without hardware works with.
CAPABILITIES = {"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "FSETID": 4, "KILL": 5, "SETGID": 6, "SETUID": 7}
DEVICES = ["full", "null", "random", "tty", "urandom", "zero"]
DEVICE_LINKS = {
    "core": "/proc/kcore",
    "fd": "/proc/self/fd",
    "ptmx": "pts/ptmx",
    "stderr": "/proc/self/fd/2",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
}
SHM_BYTES = 8 * 2**20
# Of /proc what could change the machine, if its owner were in the box after all.
OF_MACHINE = ["sys", "sysrq-trigger", "irq", "bus"]


def leave_machine() -> None:
    """Take a session, a name and a loopback of the box's own."""
    os.setsid()
    socket.sethostname(HOSTNAME)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SET_INTERFACE_FLAGS, struct.pack("16sh22x", b"lo", UP))


def enter_root(root: Path) -> None:
    """Make a mounted folder the root, with devices and processes of the box alone."""
    _mount_devices(root / "dev")
    _mount_processes(root / "proc")
    kernel.enter_root(str(root))


def give_up_rights(program: bytes) -> None:
    """Keep few capabilities, and let each system call pass the filter; end with the parent."""
    kernel.keep_capabilities(CAPABILITIES.values())
    kernel.die_with_parent()
    kernel.filter_calls(program)


def _mount_devices(folder: Path) -> None:
    kernel.mount("tmpfs", str(folder), "tmpfs", kernel.NO_SUID | kernel.NO_DEVICES, "mode=755")
    for name in DEVICES:
        (folder / name).touch()
        kernel.mount(f"/dev/{name}", str(folder / name), flags=kernel.BIND)
        kernel.restrict(str(folder / name), kernel.NO_SUID)
    for name, target in DEVICE_LINKS.items():
        (folder / name).symlink_to(target)
    for name in ("pts", "shm"):
        (folder / name).mkdir()
    terminals, memory = "newinstance,ptmxmode=0666,mode=620", f"size={SHM_BYTES},mode=1777"
    kernel.mount("devpts", str(folder / "pts"), "devpts", kernel.NO_SUID | kernel.NO_PROGRAMS, terminals)
    kernel.mount("tmpfs", str(folder / "shm"), "tmpfs", kernel.NO_SUID | kernel.NO_DEVICES, memory)
    kernel.restrict(str(folder), kernel.READ_ONLY)


def _mount_processes(folder: Path) -> None:
    kernel.mount("proc", str(folder), "proc", kernel.NO_SUID | kernel.NO_DEVICES | kernel.NO_PROGRAMS)
    for path in (str(folder / name) for name in OF_MACHINE):
        if os.access(path, os.W_OK):
            kernel.mount(path, path, flags=kernel.BIND)
            kernel.restrict(path, kernel.READ_ONLY)
