"""One rank of a launch: it is known to the runner, writes where it is when asked, and dies with its launcher."""

import faulthandler
import os
import signal
from pathlib import Path
from typing import IO

from recipebook.launch.ranks import note_rank
from recipebook.locks import die_with_parent

# faulthandler keeps the descriptor alone, which a collected file would close.
STACKS: list[IO[str]] = []


def be_rank(rank: int) -> None:
    """Note this process in the working directory, a run's folder."""
    die_with_parent(os.getppid())
    STACKS.append(note_rank(Path.cwd(), rank).open("w"))
    faulthandler.register(signal.SIGUSR1, file=STACKS[-1])
