"""Members started as single runs are: a process each, on the GPUs of its slot.

For members of several processes, on machines with GPUs, and where nothing can be shared.
"""

from recipebook.launch.launchers import LaunchJob
from recipebook.launch.placement import Slots
from recipebook.launch.process import ask_group, kill_group, start_process


class PlainTraining:
    """A run in a separate process, which leads its own process group."""

    def __init__(self, job: LaunchJob) -> None:
        self.folder = job.folder
        with (job.folder / "train.log").open("ab") as log:
            self.process = start_process(job.command, job.folder, job.environment, log, job.lock)

    def poll(self) -> int | None:
        """See RunningTraining."""
        return self.process.poll()

    def ask_to_end(self) -> None:
        """See RunningTraining."""
        ask_group(self.process, self.folder)

    def stop(self) -> None:
        """See RunningTraining."""
        kill_group(self.process, self.folder)


class PlainLauncher:
    """Starts each run as a single run is started, in the first slot that is free."""

    def __init__(self, places: Slots) -> None:
        self.places = places
        self.slots = places.count

    def start(self, job: LaunchJob) -> PlainTraining:
        """See Launcher."""
        slot = self.places.find_free()
        training = PlainTraining(self.places.place(job, slot))
        self.places.running[slot] = training
        return training

    def close(self) -> None:
        """See Launcher."""
        self.places.stop()
