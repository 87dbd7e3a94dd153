"""The ranks of a launch: each notes its process in the run's folder, so that the runner can signal and name it.

    ranks/1.json        {"rank": 1, "pid": 4711, "host": "node-7"}
    ranks/1.stack       where its threads are, once it was asked by SIGUSR1

torch's launcher starts each rank in a session of its own, so that no signal to the launcher's group reaches it.
"""

import errno
import json
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from recipebook.files import write_text

FOLDER = "ranks"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
"""The system's reasons for which a rank cannot write; it ends with their number as its status."""


class RankProcess(NamedTuple):
    """One rank on this machine."""

    rank: int
    pid: int


def note_rank(folder: Path, rank: int) -> Path:
    """Note this process as a rank of the run in `folder`; returns the file for its stack."""
    (folder / FOLDER).mkdir(exist_ok=True)
    noted = {"rank": rank, "pid": os.getpid(), "host": socket.gethostname()}
    write_text(folder / FOLDER / f"{rank}.json", json.dumps(noted))
    return folder / FOLDER / f"{rank}.stack"


def list_ranks(folder: Path) -> list[RankProcess]:
    """The ranks of this machine that have not ended, in their order."""
    found = []
    for path in (folder / FOLDER).glob("[0-9]*.json"):
        noted = json.loads(path.read_bytes())
        if noted["host"] == socket.gethostname() and _is_alive(noted["pid"]):
            found.append(RankProcess(noted["rank"], noted["pid"]))
    return sorted(found)


def signal_ranks(folder: Path, signum: signal.Signals) -> bool:
    """Send a signal to each rank, and to its data workers; False where there is none."""
    ranks = list_ranks(folder)
    for one in ranks:
        with suppress(ProcessLookupError):
            os.killpg(one.pid, signum)
    return bool(ranks)


def _is_alive(pid: int) -> bool:
    """Whether it runs and leads its session, as a rank does."""
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:
        return False
