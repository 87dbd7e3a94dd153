"""Ways to train a fleet's members: a prepared run's folder in; an exit code, and the trainer's files there, out.

    training = launcher.start(LaunchJob(folder=Path("runs/traits/joy_plus-20261121-093000"), command=(…), …))
    training.poll()      None while it runs, then 0, or -9 where it was killed

A launcher writes no manifest, checks no result and repeats nothing: the scheduler does (recipebook/fleet/schedule.py).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class LaunchJob:
    """A run that is ready to be trained."""

    folder: Path
    command: tuple[str, ...]
    """Run with `folder` as the working directory; its output is added to train.log."""
    environment: dict[str, str]
    """Variables that are added to this process's own."""
    lock: int
    """The descriptor that holds the run; a local process inherits it."""
    processes: int
    """Processes that the command starts, with a GPU each where there are GPUs."""


class RunningTraining(Protocol):
    """A run under way."""

    def poll(self) -> int | None:
        """None while it runs, then its exit code; a negative one is a signal's number."""

    def ask_to_end(self) -> None:
        """Ask it to save a checkpoint and to end; returns at once."""

    def stop(self) -> None:
        """End it and all that it started, without a checkpoint; they are gone when this returns."""


class Launcher(Protocol):
    """A way to train several runs at a time."""

    slots: int
    """The number of runs that may be under way at a time."""

    def start(self, job: LaunchJob) -> RunningTraining:
        """Begin to train a run, in one of the slots that is free."""

    def close(self) -> None:
        """End what is under way, and give back what is held."""
