"""The GPUs of members that train at the same time: a job and its slot in, the job with the GPUs of that slot out.

    slots = Slots(count=2, processes=4, gpus=("0", "1", "2", "3", "4", "5", "6", "7"))
    slots.place(job, 1).environment["CUDA_VISIBLE_DEVICES"]      → "4,5,6,7"

A slot has as many GPUs as a member has processes. Where more members are wanted at a time than there are such sets, a
set serves several slots.
"""

from dataclasses import dataclass, field, replace

from recipebook.hardware import name_gpus
from recipebook.launch.launchers import LaunchJob, RunningTraining


def count_slots(gpus: int, processes: int) -> int:
    """How many members train at a time if nobody says: one for each set of GPUs, one alone on processors.

    (8, 1) → 8      (8, 4) → 2      (0, 1) → 1
    """
    return max(1, gpus // processes)


@dataclass
class Slots:
    """The places that a launcher on this machine has, and what trains in each."""

    count: int
    processes: int = 1
    """Processes of a member; where members differ, the most."""
    gpus: tuple[str, ...] = field(default_factory=lambda: tuple(name_gpus()))
    """The machine's GPUs, as `CUDA_VISIBLE_DEVICES` names them."""
    running: dict[int, RunningTraining] = field(default_factory=dict)

    def find_free(self) -> int:
        """The first slot in which nothing trains; the scheduler never asks when there is none."""
        return next(at for at in range(self.count) if at not in self.running or self.running[at].poll() is not None)

    def stop(self) -> None:
        """End what trains in all of them."""
        for training in self.running.values():
            training.stop()

    def place(self, job: LaunchJob, slot: int) -> LaunchJob:
        """The job as the slot runs it: each of its processes sees the GPUs of the slot, and no others."""
        first = slot % count_slots(len(self.gpus), self.processes) * self.processes
        gpus = self.gpus[first : first + job.processes]
        if not gpus:
            return job
        return replace(job, environment=job.environment | {"CUDA_VISIBLE_DEVICES": ",".join(gpus)})
