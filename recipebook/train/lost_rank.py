"""The log of a launch of several ranks in; the rank whose process was killed, or that could not write, out.

    rank 1 was killed by signal 9
    rank 1 could not write: No space left on device (df -h)

torch's launcher ends the other ranks, and names the first that failed. With what status each ended, it says of all.
"""

import os
import re
from pathlib import Path

from recipebook.launch.ranks import NO_ROOM
from recipebook.run.progress_file import read_from

CAUSE = "Root Cause (first observed failure):"
RANK = re.compile(r"rank\s*: (\d+) \(local_rank: \d+\)\s*\n\s*exitcode\s*: (-?\d+) ")


def find_lost_rank(log: Path, since: int) -> str | None:
    """The rank that a signal killed, in what was logged after so many bytes; None where a rank ended by an error."""
    text = read_from(log, since)
    found = RANK.search(text.rpartition(CAUSE)[2]) if CAUSE in text else None
    return f"rank {found[1]} was killed by signal {found[2][1:]}" if found and found[2].startswith("-") else None


def find_full_rank(log: Path, since: int) -> str | None:
    """The rank that ended since it could not write (trainer/no_room.py); the others may have ended of its end."""
    for rank, status in RANK.findall(read_from(log, since)):
        if int(status) in NO_ROOM:
            return f"rank {rank} could not write: {os.strerror(int(status))} (df -h)"
    return None
