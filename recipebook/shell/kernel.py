"""The few system calls that Python's standard library lacks before version 3.12.

unshare(NEW_USER | NEW_MOUNTS); mount("tmpfs", "/stage", "tmpfs", options="size=1048576,nr_inodes=100")
"""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from signal import SIGKILL

NEW_MOUNTS, NEW_CGROUPS, NEW_NAMES, NEW_MESSAGES = 0x00020000, 0x02000000, 0x04000000, 0x08000000
NEW_USER, NEW_PROCESSES, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SUID, NO_DEVICES, NO_PROGRAMS, REMOUNT, BIND = 1, 2, 4, 8, 32, 4096
RECURSIVE, PRIVATE = 16384, 1 << 18

_KEPT_BY_REMOUNT = READ_ONLY | NO_SUID | NO_DEVICES | NO_PROGRAMS
_DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_SET_DEATH_SIGNAL, _SET_DUMPABLE, _FILTER_CALLS, _DROP_FROM_BOUNDING_SET = 1, 4, 22, 24
_SET_NO_NEW_PRIVILEGES, _AMBIENT_SET, _CLEAR = 38, 47, 4
_FILTER = 2
_CAPABILITIES_VERSION = 0x20080522
_COMMAND_LINE = slice(45, 47)
_LAST_CAPABILITY = Path("/proc/sys/kernel/cap_last_cap")
_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Leave namespaces for new ones."""
    _require(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount a file system; `source` and `target` may be one folder's name and its place for a bind mount."""
    _require(
        _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()),
        f"mount {kind or source} on {target}",
    )


def restrict(target: str, flags: int) -> None:
    """Add flags to those of a mount; the ones that it has may not be taken away in a user namespace."""
    mount("none", target, flags=REMOUNT | BIND | flags | os.statvfs(target).f_flag & _KEPT_BY_REMOUNT)


def enter_root(folder: str) -> None:
    """Make a mounted folder the root of this mount namespace, and let go of everything outside it."""
    os.chdir(folder)
    # The old root comes to lie on the new one, and is the first to be unmounted.
    _require(_libc.syscall(_PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    _require(_libc.umount2(b".", _DETACH), "umount")
    os.chdir("/")


def become(number: int) -> None:
    """Take the user and group of this number, and no other group; the process's files in /proc stay its own."""
    os.setgroups([])
    os.setresgid(number, number, number)
    os.setresuid(number, number, number)
    stay_visible()


def stay_visible() -> None:
    """Keep the process's files in /proc its own, which a change of user or namespace forbids."""
    _control(_SET_DUMPABLE, 1)


def hide() -> None:
    """Let no process without rights outside this namespace trace this one, or read its files in /proc."""
    _control(_SET_DUMPABLE, 0)


def rename(name: bytes) -> None:
    """Put a name where the command line of this process and its copies is read, which every process may do."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = map(int, fields[_COMMAND_LINE])
    ctypes.memmove(start, name.ljust(end - start, b"\0"), end - start)


def die_with_parent() -> None:
    """Be killed when the parent's thread ends. A change of user forgets it."""
    _control(_SET_DEATH_SIGNAL, SIGKILL)


def keep_capabilities(kept: Iterable[int]) -> None:
    """Give up all capabilities but these, for programs that are started as well; no program gives new ones."""
    kept = set(kept)
    _control(_SET_NO_NEW_PRIVILEGES, 1)
    _control(_AMBIENT_SET, _CLEAR)
    for capability in range(int(_LAST_CAPABILITY.read_text()) + 1):
        if capability not in kept:
            _control(_DROP_FROM_BOUNDING_SET, capability)
    mask = sum(1 << capability for capability in kept)
    header, sets = struct.pack("Ii", _CAPABILITIES_VERSION, 0), struct.pack("6I", mask, mask, 0, 0, 0, 0)
    _require(_libc.capset(header, sets), "capset")


def filter_calls(program: bytes) -> None:
    """Have each later system call decided by a program, as seccomp.py assembles it."""
    held = ctypes.create_string_buffer(program, len(program))
    filtering = struct.pack("HP", len(program) // 8, ctypes.addressof(held))
    _require(_libc.prctl(_FILTER_CALLS, _FILTER, filtering, 0, 0), "prctl seccomp")


def _control(option: int, value: int) -> None:
    _require(
        _libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)), "prctl"
    )


def _require(result: int, what: str) -> None:
    if result:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), what)
