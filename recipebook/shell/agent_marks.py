"""Whether what a task's check stands on is as it was; a part of what agent.py is sent with.

read_marks(JUDGES)  →  [(8812, 68496, 1663693440000000000), …, None]: inode, size, time of the last write
read_changes()      →  [1732971600000000000, …]: when each was last changed or moved
"""

import posix as os

# What a task's check stands on: a script that replaced one of these could decide its own outcome.
PROGRAMS = """
[ awk basename bash cat cmp cut date diff dirname du echo egrep expr fgrep file find getent grep gunzip gzip head id ls
md5sum mktemp perl pgrep printf ps python3 readlink realpath sed seq sh sha256sum sort stat tail tar test tr true uniq
wc which xargs
""".split()  # noqa: SIM905
JUDGES = [f"/usr/bin/{name}" for name in PROGRAMS] + ["/lib64/ld-linux-x86-64.so.2", "/etc/ld.so.cache"]
SHADOWS = [f"/usr/local/{folder}/{name}" for folder in ("bin", "sbin") for name in PROGRAMS] + ["/etc/ld.so.preload"]


def read_marks(paths: list[str]) -> list[tuple[int, int, int] | None]:
    """What changes when a file is replaced or written, for each path; None where there is nothing."""
    marks: list[tuple[int, int, int] | None] = []
    for path in paths:
        try:
            found = os.stat(path)
        except OSError:
            marks.append(None)
        else:
            marks.append((found.st_ino, found.st_size, found.st_mtime_ns))
    return marks


def read_changes() -> list[int]:
    """When judges and the folders of shadows were last changed or moved, which nobody in a box can feign."""
    changes = []
    for path in [*JUDGES, "/usr/local/bin", "/usr/local/sbin"]:
        try:
            changes.append(os.stat(path).st_ctime_ns)
        except OSError:
            changes.append(0)
    return changes
