"""A rank that finds no room to write: the error that ends it in; an exit status that says so out.

    the disk of one rank is full        → it ends with 28, the system's ENOSPC

Its own last line finds no room in the log either, so that all one reads there is what the other ranks make of its end:
"Connection closed by peer". torch's launcher reports the exit status of each rank; recipebook/train/lost_rank.py reads
it.
"""

import os
from collections.abc import Iterator

from recipebook.launch.ranks import NO_ROOM

STDERR = 2


def find_status(error: BaseException) -> int | None:
    """The system's number for why this process cannot write; None where something else ended it."""
    try:
        # torch's own writers name no reason: writing a line break shows whether the log has room for theirs.
        os.write(STDERR, b"\n")
    except OSError as full:
        return full.errno if full.errno in NO_ROOM else None
    numbers = (one.errno for one in _list_causes(error) if isinstance(one, OSError))
    return next((number for number in numbers if number in NO_ROOM), None)


def _list_causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those in the course of whose handling it came."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
