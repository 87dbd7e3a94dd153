"""One rank of a launch: it is known to the runner, writes where it is when asked, and dies with its launcher."""

import faulthandler
import signal
import sys
from pathlib import Path
from typing import IO

from recipebook.launch.process import die_with_parent
from recipebook.launch.ranks import note_rank

# faulthandler keeps the descriptor alone, which a collected file would close.
STACKS: list[IO[str]] = []


def be_rank(rank: int) -> None:
    """Note this process in the working directory, a run's folder."""
    if sys.platform == "linux":
        die_with_parent()
    STACKS.append(note_rank(Path.cwd(), rank).open("w"))
    faulthandler.register(signal.SIGUSR1, file=STACKS[-1])
