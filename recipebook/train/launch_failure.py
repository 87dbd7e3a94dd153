"""A launch over several machines that failed in; the rank of another machine that explains it out.

    machine 1 (node-7): rank 1 could not write: No space left on device (df -h)
    machine 1 (node-7): rank 1 was killed by signal 9
    machine 1 (node-7) no longer answers

A rank that was killed, or that could not write, explains what became of all others. Else it is one that ended by an
error of its own, and not since another rank was gone.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recipebook.launch.machines import JoinedMachine, await_ends
from recipebook.launch.silence import Silent
from recipebook.run.progress_file import GONE, last_error
from recipebook.train.lost_rank import FailedRank, find_failed_rank

TIMED_OUT = re.compile(r"[Tt]imed? ?out")


def find_elsewhere(folder: Path, since: int, launch: Mapping[str, Any], silent: Silent | None) -> FailedRank | None:
    """The failure of another machine; None where there is no other, or a rank of this one explains all.

    `launch` is that of the manifest. `since`: the bytes of train.log before this attempt.
    """
    machines, log = launch.get("machines", 1), folder / "train.log"
    if machines == 1 or (silent and silent.here) or find_failed_rank(log, since):
        return None
    error = last_error(log, since)
    waited = silent is not None or bool(GONE.search(error) or TIMED_OUT.search(error))
    return next(_list_failures(await_ends(folder), machines, waited=waited), None)


def describe_end(machine: JoinedMachine, log: Path, since: int, code: int, silent: Silent | None) -> JoinedMachine:
    """This machine with how its ranks ended; the bytes before `since` are of earlier attempts."""
    rank = find_failed_rank(log, since) if code else None
    if rank:
        return machine._replace(status=code, reason=rank.reason, lost=rank.lost, certain=True)
    return machine._replace(status=code, reason=str(silent) if silent else last_error(log, since) if code else "")


def _list_failures(joined: list[JoinedMachine], machines: int, *, waited: bool) -> Iterator[FailedRank]:
    """Those of other machines; where this one has `waited` for them, also those that another rank may have caused."""
    failed = [one for one in joined if one.status]
    yield from (_blame(one) for one in failed if one.certain)
    if not waited:
        return
    yield from (_blame(one) for one in failed if not GONE.search(one.reason))
    yield from (FailedRank(f"{one.name} no longer answers") for one in joined if one.status is None)
    missing = set(range(1, machines)) - {one.number for one in joined}
    yield from (FailedRank(f"machine {number} has not joined") for number in sorted(missing))


def _blame(machine: JoinedMachine) -> FailedRank:
    return FailedRank(f"{machine.name}: {machine.reason}", machine.lost)
