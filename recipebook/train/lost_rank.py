"""The log of a launch of several ranks in; the rank whose process was killed out.

    rank 1 was killed by signal 9

torch's launcher ends the other ranks, and names the first that failed.
"""

import re
from pathlib import Path

CAUSE = "Root Cause (first observed failure):"
RANK = re.compile(r"rank\s*: (\d+) \(local_rank: \d+\)\s*\n\s*exitcode\s*: -(\d+) ")


def find_lost_rank(log: Path, since: int) -> str | None:
    """The rank that a signal killed, in what was logged after so many bytes; None where a rank ended by an error."""
    with log.open("rb") as file:
        file.seek(since)
        text = file.read().decode("utf-8", errors="replace")
    found = RANK.search(text.rpartition(CAUSE)[2]) if CAUSE in text else None
    return f"rank {found[1]} was killed by signal {found[2]}" if found else None
