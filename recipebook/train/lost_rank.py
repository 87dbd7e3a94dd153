"""The log of a launch of several ranks in; the rank that failed first, or that could not write, out.

    rank 1 was killed by signal 9
    rank 1 could not write: No space left on device (df -h)

torch's launcher ends the other ranks, names the first that failed, and lists each with the status that it ended with.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

from recipebook.launch.ranks import NO_ROOM
from recipebook.run.progress_file import read_from

CAUSE = "Root Cause (first observed failure):"
RANK = re.compile(r"rank\s*: (\d+) \(local_rank: \d+\)\s*\n\s*exitcode\s*: (-?\d+) ")


class FailedRank(NamedTuple):
    """Why a rank failed, and whether it was lost: killed by a signal, so that another launch may go well."""

    reason: str
    lost: bool = False


def find_failed_rank(log: Path, since: int) -> FailedRank | None:
    """The rank that explains the failure, by what was logged after `since` bytes; None if a rank ended by an error."""
    text = read_from(log, since)
    first = RANK.search(text.rpartition(CAUSE)[2]) if CAUSE in text else None
    if first and first[2].startswith("-"):
        return FailedRank(f"rank {first[1]} was killed by signal {first[2][1:]}", lost=True)
    # By its exit status (trainer/no_room.py), first or not: others may have failed because it was gone.
    for rank, status in RANK.findall(text):
        if int(status) in NO_ROOM:
            return FailedRank(f"rank {rank} could not write: {os.strerror(int(status))} (df -h)")
    return None
