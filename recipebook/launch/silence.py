"""A launch of several ranks in; the rank that no longer answers, by name, out.

    rank 1 (process 4711) has been silent for 63 s: it is stopped, in trainer/progress.py:58
    machine 1 (node-7): rank 2 could not write: No space left on device (df -h)

Ranks wait for each other at every step, so that one that hangs makes all of them wait, without a word and for ever.
"""

import os
import re
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from recipebook.launch.machines import list_machines
from recipebook.launch.ranks import FOLDER, RankProcess, list_ranks

TIMES, LEAST_SECONDS = 3, 60.0
# How long a first evaluation, a first checkpoint or the end takes is not known from steps.
UNKNOWN_SECONDS = 1800.0
STACK_SECONDS = 5.0
# For our ranks to end by themselves where those of another machine have.
LEAVING_SECONDS = 20.0
STEPPING = "training"
FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+) in (?P<function>\S+)')
# Where a rank waits for the others.
WAITING = ("/torch/distributed/", "/torch/autograd/", "/deepspeed/comm/")


class Silent(Exception):
    """A rank no longer answers, or another machine's ranks have failed; the text names them."""

    def __init__(self, text: str, *, here: bool) -> None:
        super().__init__(text)
        self.here = here
        """Whether it is a rank of this machine."""


def find_patience(progress: Mapping[str, Any]) -> float:
    """Seconds without a report after which a launch hangs: three times the longest step that was seen, or 60."""
    return max(LEAST_SECONDS, TIMES * float(progress.get("longest") or 0))


class Watch:
    """Follows the reports of a launch, and raises Silent where they stay away.

    `later`: seconds more until then, on a machine that only joined.
    """

    def __init__(self, folder: Path, later: float = 0.0) -> None:
        self.folder = folder
        self.later = later
        self.last: Mapping[str, Any] = {}
        self.heard = time.monotonic()
        self.failed: float | None = None

    def follow(self, progress: Mapping[str, Any]) -> None:
        """Look at the last report; before the first step is done, anything may take long."""
        now = time.monotonic()
        if progress != self.last:
            self.last, self.heard = progress, now
        if not self.later:
            self._follow_machines(now)
        if not progress.get("longest") or not list_ranks(self.folder):
            return
        patience = find_patience(progress) if progress["phase"] == STEPPING else UNKNOWN_SECONDS
        if now - self.heard > patience + self.later:
            raise name_silent(self.folder, now - self.heard)

    def _follow_machines(self, now: float) -> None:
        """NCCL would let our ranks wait for `launch.timeout` where those of another machine have ended."""
        failed = [one for one in list_machines(self.folder) if one.status]
        if failed and self.failed is None:
            self.failed = now
        if failed and now - (self.failed or now) > LEAVING_SECONDS:
            raise Silent(f"{failed[0].name}: {failed[0].reason}", here=False)


def name_silent(folder: Path, seconds: float) -> Silent:
    """The rank for which the others wait, and where it is; their stacks lie in `ranks/` then."""
    ranks = list_ranks(folder)
    stopped = [one for one in ranks if _is_stopped(one.pid)]
    for one in ranks:
        with suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGUSR1)
            # A stopped process writes its stack once it continues.
            os.kill(one.pid, signal.SIGCONT)
    places = _read_places(folder, ranks)
    busy = [one for one in ranks if not any(part in places.get(one, "") for part in WAITING)]
    silent = stopped or (busy if len(busy) < len(ranks) else [])
    if not silent:
        text = f"all {len(ranks)} ranks have been silent for {seconds:.0f} s: their stacks are in {FOLDER}/"
        return Silent(text, here=bool(busy))
    one = silent[0]
    state = "it is stopped, " if one in stopped else ""
    where = f"in {places[one]}" if one in places else "its stack could not be had"
    return Silent(f"rank {one.rank} (process {one.pid}) has been silent for {seconds:.0f} s: {state}{where}", here=True)


def _is_stopped(pid: int) -> bool:
    """Whether a signal has stopped the process, as far as the system reports it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] in "Tt"
    except OSError:
        return False


def _read_places(folder: Path, ranks: list[RankProcess]) -> dict[RankProcess, str]:
    """Where the main thread of each rank is, as `file:line`, of those that write their stack in time."""
    end = time.monotonic() + STACK_SECONDS
    found: dict[RankProcess, str] = {}
    while time.monotonic() < end:
        time.sleep(0.1)
        before = found
        found = {one: place for one in ranks if (place := _read_place(folder / FOLDER / f"{one.rank}.stack"))}
        # Twice the same: none is still writing.
        if len(found) == len(ranks) and found == before:
            break
    return found


def _read_place(stack: Path) -> str | None:
    """The innermost frame of the main thread, which faulthandler writes last; any thread may have taken the signal."""
    text = stack.read_text(encoding="utf-8", errors="replace") if stack.is_file() else ""
    frame = FRAME.search(text.rpartition("hread 0x")[2])
    return f"{frame['file']}:{frame['line']}, {frame['function']}" if frame else None
