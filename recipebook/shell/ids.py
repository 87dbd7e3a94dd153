"""Whose ids the processes of boxes have, and how a process of this project comes to be root among them only.

    find_ids()                                       →  (1900000000, 65536): the first of the ids, and how many
    start_among("recipebook.shell.spawner", "/base")  →  a process that is root of these ids, and a socket to it

Under root they belong to nobody on the machine. Another user has the ids that /etc/subuid gives that user, or, if
none, only the user's own.
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from recipebook.project import INSTALLATION
from recipebook.shell.contract import BoxError

ALL_IDS = 65536
# The first of the ids that root gives: far above those that Debian gives to users, services and containers.
FIRST_OF_ROOT = 1_900_000_000
MESSAGE = 65536

Process = subprocess.Popen[bytes]


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


def start_among(
    module: str, *arguments: str, stdin: int | IO[bytes] = subprocess.DEVNULL
) -> tuple[Process, socket.socket]:
    """Start a module that calls `enter_namespace`, and give it its ids; BoxError where the machine forbids it."""
    first, ids = find_ids()
    # Root's processes become a user of their own, for whom nothing of root's is reachable.
    user = FIRST_OF_ROOT + ALL_IDS if os.geteuid() == 0 else 0
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *map(str, (theirs.fileno(), ids, user)), *arguments],
                cwd=INSTALLATION, pass_fds=[theirs.fileno()], stdin=stdin, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
        if control.recv(MESSAGE) == b"map":
            if ids == ALL_IDS:
                _give_ids(process.pid, first)
            control.send(b".")
            if control.recv(MESSAGE) == b"entered":
                return process, control
    except (OSError, subprocess.SubprocessError) as error:
        raise BoxError(f"user namespaces cannot be had here: {error}") from None
    raise BoxError(f"user namespaces cannot be had here: {read_reason(process)}")


def read_reason(process: Process) -> str:
    """The last line that an ended process wrote on its stderr."""
    assert process.stderr
    said = process.stderr.read().decode(errors="replace").strip().splitlines()
    return said[-1] if said else "no reason was given"


def _give_ids(process: int, first: int) -> None:
    """Map the ids of a process's namespace to this machine's from `first` on."""
    for kind in ("uid", "gid"):
        if os.geteuid() == 0:
            Path(f"/proc/{process}/{kind}_map").write_text(f"0 {first} {ALL_IDS}")
        else:
            subprocess.run([f"new{kind}map", str(process), "0", str(first), str(ALL_IDS)], check=True)
