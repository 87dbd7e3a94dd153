"""The few system calls that Python's standard library lacks before version 3.12.

unshare(NEW_USER | NEW_MOUNTS); mount("tmpfs", "/stage", "tmpfs", options="size=1048576,nr_inodes=100")
"""

import ctypes
import os

NEW_MOUNTS, NEW_USER = 0x00020000, 0x10000000
READ_ONLY, NO_SUID, NO_DEVICES, NO_PROGRAMS, REMOUNT = 1, 2, 4, 8, 32
BIND, RECURSIVE, PRIVATE = 4096, 16384, 1 << 18

_SET_DUMPABLE = 4
_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Leave a namespace for a new one."""
    _require(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount a file system; `source` and `target` may be one folder's name and its place for a bind mount."""
    _require(
        _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()),
        f"mount {kind or source} on {target}",
    )


def become(number: int) -> None:
    """Take the user and group of this number, and no other group; the process's files in /proc stay its own."""
    os.setgroups([])
    os.setresgid(number, number, number)
    os.setresuid(number, number, number)
    stay_visible()


def stay_visible() -> None:
    """Let the parent in this process's user namespace write its id maps, which a change of user forbids."""
    _require(_libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0), "prctl")


def _require(result: int, what: str) -> None:
    if result:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), what)
