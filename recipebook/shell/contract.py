"""What a box is made of, what a script in it comes to, and what every kind of box can do.

BoxSettings(memory_mib=256)  →  base host, 256 MiB of memory, 64 MiB of files, 128 processes, …
BoxResult(status=0, output="x\n", timed_out=False, cut=False, lost=False)
"""

from typing import Literal, NamedTuple, Protocol

from pydantic import PositiveInt

from recipebook.frozen import Frozen

BaseName = Literal["host", "debian"]


class BoxSettings(Frozen):
    """What a box is made of, and how much of everything its processes may have."""

    base: BaseName = "host"
    """Whose programs: `host`, this machine's; `debian`, a Debian's that `make shell-base` made. Both read only."""
    memory_mib: PositiveInt = 512
    """Memory of all processes together; a box whose processes have more is ended."""
    address_space_mib: PositiveInt = 1024
    """Address space of one process."""
    disk_mib: PositiveInt = 64
    """Everything that is written."""
    files: PositiveInt = 20_000
    """Files and folders that are made."""
    file_mib: PositiveInt = 32
    """The largest file."""
    processes: PositiveInt = 128
    open_files: PositiveInt = 256
    """Files that one process has open."""
    output_kib: PositiveInt = 64
    """What is kept of a script's output."""
    start_seconds: PositiveInt = 20
    """A box that is not ready by then could not be started."""


class BoxResult(NamedTuple):
    """What became of a script. `lost`: the box was ended because its processes had too much memory, or broke it.

    `tampered`: a script that was to judge was not run, since a program that it stands on has been replaced.
    """

    status: int
    output: str
    timed_out: bool
    cut: bool
    lost: bool
    tampered: bool = False


class BoxError(Exception):
    """A box could not be started, or this machine lost it: a failure of the environment, never of a script."""


class Box(Protocol):
    """What every kind of box can do."""

    def run(self, script: str, seconds: float) -> BoxResult:
        """Run a bash script; after `seconds` all processes that it began are killed. BoxError if the machine fails."""

    def judge(self, script: str, seconds: float) -> BoxResult:
        """Run a script that decides an outcome, unless the box's programs were changed so that they could lie."""

    def kill(self) -> None:
        """End all processes of the box from any thread; a script that runs comes back as lost."""

    def close(self) -> None:
        """End all processes of the box and forget its files; nothing happens the second time."""
