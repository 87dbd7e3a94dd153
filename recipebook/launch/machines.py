"""The other machines of a launch: each notes in the run's folder, which all share, that it joined and how it ended.

    ranks/machine-1.json    {"number": 1, "host": "node-7", "status": 1, "lost": false, "certain": true,
                             "reason": "rank 1 could not write: No space left on device (df -h)"}

Ranks that wait for one of another machine only see that it is gone.
"""

import json
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from recipebook.files import write_text
from recipebook.launch.ranks import FOLDER

# A launcher ends its other ranks before it says which one failed.
END_SECONDS = 40.0
POLL_SECONDS = 0.2


class JoinedMachine(NamedTuple):
    """One that has joined."""

    number: int
    host: str
    status: int | None = None
    """With which its launcher ended; None: its ranks train."""
    reason: str = ""
    """Why its ranks failed."""
    lost: bool = False
    """Whether a signal killed one of them."""
    certain: bool = False
    """Whether that cannot have come of the end of another machine's rank."""

    @property
    def name(self) -> str:
        """`machine 1 (node-7)`"""
        return f"machine {self.number} ({self.host})"


def note_machine(folder: Path, machine: JoinedMachine) -> None:
    """Note it in the folder of the run that it trains; where it cannot write, the others see only that it is gone."""
    with suppress(OSError):
        (folder / FOLDER).mkdir(exist_ok=True)
        write_text(folder / FOLDER / f"machine-{machine.number}.json", json.dumps(machine._asdict()))


def join_machine(number: int) -> JoinedMachine:
    """This machine, as it joins."""
    return JoinedMachine(number, socket.gethostname())


def list_machines(folder: Path) -> list[JoinedMachine]:
    """Those that have joined the attempt."""
    return sorted(JoinedMachine(**json.loads(path.read_bytes())) for path in (folder / FOLDER).glob("machine-*.json"))


def await_ends(folder: Path, seconds: float = END_SECONDS) -> list[JoinedMachine]:
    """The machines that have joined, once all of them have ended, or after `seconds`."""
    until = time.monotonic() + seconds
    while any(one.status is None for one in list_machines(folder)) and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
    return list_machines(folder)
