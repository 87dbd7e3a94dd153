"""Members of a fleet as tasks of a Ray cluster: a prepared run's folder in, an exit code out, wherever it was trained.

    training = RayLauncher().start(LaunchJob(folder=Path("runs/traits/joy_plus-…"), command=(…), processes=1, …))

A task declares a CPU a process, and a GPU each where there are GPUs; Ray chooses the node, and runs the task again when
its node dies. recipebook/launch/ray_cluster.py says which cluster that is.
"""

import contextlib
import math
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from recipebook.errors import UserError, take_first_line
from recipebook.hardware import detect
from recipebook.launch.placement import count_slots
from recipebook.launch.process import GRACE_SECONDS, POLL_SECONDS, start_process
from recipebook.launch.ranks import signal_ranks
from recipebook.launch.ray_cluster import connect
from recipebook.launch.silence import find_patience
from recipebook.locks import holding, lock_file
from recipebook.project import INSTALLATION
from recipebook.run.progress_file import read_progress
from recipebook.run.rundir import Run

if TYPE_CHECKING:
    from ray import ObjectRef

    from recipebook.launch.launchers import LaunchJob

NODE_DEATHS = 3
# How long a dead node may still count as alive after its processes have died.
DYING_SECONDS = 1.0
# Ray decides on which of a node's GPUs a task runs.
OURS_NO_MORE = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")
# Ray sets it to the CPUs of a task; a run on its own has it from its job or not at all.
NOT_FROM_RAY = ("OMP_NUM_THREADS",)
# A file in a run's folder: its task saves a checkpoint and ends. Ray's own request is lost now and then.
END_ASKED = "end-asked"


class RayLauncher:
    """Trains `slots` members at a time; if not given, as many as have a GPU, or else a CPU, for each process."""

    def __init__(self, slots: int | None = None, processes: int = 1) -> None:
        connect({"PYTHONPATH": str(INSTALLATION)})
        import ray

        self.gpu = detect().gpu
        resources = ray.cluster_resources()
        if resources.get("GPU") and not self.gpu:
            # Runs are rendered on this machine, and would train on the cluster's processors without a word.
            ray.shutdown()
            raise UserError(
                f"LAUNCHER=ray: this machine has no GPU, and the cluster has {resources['GPU']:.0f}; run the command "
                "on a node that has one"
            )
        self.slots = slots or count_slots(math.floor(resources.get("GPU" if self.gpu else "CPU", 0)), processes)
        self.task = ray.remote(_train)
        self.started: list[RayTraining] = []

    def start(self, job: "LaunchJob") -> "RayTraining":
        """See Launcher."""
        environment = {key: value for key, value in job.environment.items() if key not in OURS_NO_MORE}
        (job.folder / END_ASKED).unlink(missing_ok=True)
        ref = self.task.options(
            name=job.folder.name,
            num_cpus=job.processes,
            num_gpus=job.processes if self.gpu else 0,
            max_retries=NODE_DEATHS,
        ).remote(str(job.folder), job.command, environment)
        self.started = [training for training in self.started if training.poll() is None]
        self.started.append(RayTraining(job.folder, ref))
        return self.started[-1]

    def close(self) -> None:
        """See Launcher."""
        import ray

        for training in self.started:
            training.stop()
        ray.shutdown()


class RayTraining:
    """A task: queued, under way, or over."""

    def __init__(self, folder: Path, ref: "ObjectRef[int]") -> None:
        self.folder, self.ref = folder, ref
        self.code: int | None = None

    def poll(self) -> int | None:
        """See RunningTraining; a task that Ray has given up counts as killed."""
        import ray

        if self.code is None and ray.wait([self.ref], timeout=0)[0]:
            try:
                self.code = ray.get(self.ref)
            except ray.exceptions.RayError as error:
                self.code = -signal.SIGKILL
                with contextlib.suppress(OSError), (self.folder / "train.log").open("a", encoding="utf-8") as log:
                    log.write(f"{type(error).__name__}: {take_first_line(error)}\n")
        return self.code

    def ask_to_end(self) -> None:
        """See RunningTraining; a task that is still queued ends when its turn comes."""
        if self.poll() is None:
            (self.folder / END_ASKED).touch()

    def stop(self) -> None:
        """See RunningTraining."""
        import ray

        if self.poll() is None:
            ray.cancel(self.ref, force=True)
            ray.wait([self.ref], timeout=GRACE_SECONDS)
            os.close(_lock_trainer(self.folder))


def _train(folder: str, command: tuple[str, ...], environment: dict[str, str]) -> int:
    """On a node: run the trainer as the plain launcher does, and see to it that it dies with us."""
    node = os.getppid()
    asked = Path(folder) / END_ASKED
    # Waits for the last trainer in this folder to end, such as that of a node that was wrongly taken for dead.
    with holding(_lock_trainer(Path(folder))) as lock:
        if asked.exists():
            return -signal.SIGTERM
        Run(Path(folder)).drop_broken_checkpoints()
        with (Path(folder) / "train.log").open("ab") as log:
            process = start_process(command, Path(folder), environment, log, lock, without=NOT_FROM_RAY, tied=True)
            try:
                while (code := process.poll()) is None and not asked.exists():
                    time.sleep(POLL_SECONDS)
                if code is None:
                    code = _end_with_checkpoint(process, Path(folder))
            finally:
                process.kill()
        if code == -signal.SIGKILL:
            _leave_with_node(node)
        return code


def _end_with_checkpoint(process: "subprocess.Popen[bytes]", folder: Path) -> int:
    """Ask the trainer for a checkpoint and wait: its exit code, or that of one that did not answer."""
    if not signal_ranks(folder, signal.SIGTERM):
        process.terminate()
    try:
        return process.wait(find_patience(read_progress(folder)))
    except subprocess.TimeoutExpired:
        return -signal.SIGTERM


def _leave_with_node(node: int) -> None:
    """End this worker if its node is gone: then Ray killed the trainer, and it runs the task again."""
    time.sleep(DYING_SECONDS)
    if os.getppid() != node:
        os._exit(1)


def _lock_trainer(folder: Path) -> int:
    """A descriptor that holds the folder for a trainer, once no other does."""
    return lock_file(folder / "trainer.lock")
