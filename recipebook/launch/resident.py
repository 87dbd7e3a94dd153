"""Members trained by residents: processes that imported Axolotl once and fork a child a run (trainer/resident.py).

A slot has one resident, started with its first run. A run that needs another environment, or whose resident has died,
gets a new one; runs of several processes, or with DeepSpeed, are started as on their own.

For processors only. On a machine with a GPU, torchao and bitsandbytes initialise CUDA while Axolotl is imported, and a
child that was forked after that cannot use it ("Cannot re-initialize CUDA in forked subprocess"); such a machine has
the plain launcher (recipebook/launch/plain.py).
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

from recipebook.launch.launchers import LaunchJob, RunningTraining
from recipebook.launch.placement import Slots
from recipebook.launch.plain import PlainTraining
from recipebook.launch.process import GRACE_SECONDS, start_process
from recipebook.project import CACHE, INSTALLATION
from recipebook.run.progress_file import last_error

PACKET = 1 << 16
SINGLE = ("-m", "trainer", "axolotl.yaml")


class Resident:
    """One process, and the socket over which it receives the runs to train."""

    def __init__(self, job: LaunchJob, slot: int) -> None:
        self.environment = job.environment
        self.log = CACHE / f"resident-{os.getpid()}-{slot}.log"
        self.log.parent.mkdir(exist_ok=True)
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, self.log.open("wb") as log:
            command = [sys.executable, "-m", "trainer.resident", str(theirs.fileno())]
            self.process = start_process(command, INSTALLATION, job.environment, log, theirs.fileno())
        self.control.setblocking(False)

    def fits(self, job: LaunchJob) -> bool:
        """Whether it lives and has the environment of the job; libraries read some variables only once."""
        return self.process.poll() is None and self.environment == job.environment

    def close(self) -> None:
        """End it, and with it its child: it trains nothing more once our end of the socket is closed."""
        self.control.close()
        try:
            self.process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.unlink(missing_ok=True)


class ResidentTraining:
    """A run in a child of a resident."""

    def __init__(self, resident: Resident, job: LaunchJob) -> None:
        self.resident = resident
        self.folder = job.folder
        self.child: int | None = None
        self.code: int | None = None
        socket.send_fds(resident.control, [json.dumps({"folder": str(job.folder)}).encode()], [job.lock])

    def poll(self) -> int | None:
        """See RunningTraining; a resident that dies takes its child along."""
        while self.code is None:
            try:
                packet = self.resident.control.recv(PACKET)
            except BlockingIOError:
                return None
            except OSError:
                packet = b""
            message = json.loads(packet) if packet else {"code": self._bury()}
            self.child = message.get("pid", self.child)
            self.code = message.get("code")
        return self.code

    def ask_to_end(self) -> None:
        """See RunningTraining; where the resident is still importing, there is nothing to save."""
        if self.poll() is not None:
            return
        if self.child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.child, signal.SIGTERM)
        else:
            self.resident.process.kill()

    def stop(self) -> None:
        """See RunningTraining."""
        if self.poll() is None:
            if self.child:
                os.killpg(self.child, signal.SIGKILL)
            else:
                self.resident.process.kill()
            while self.poll() is None:
                time.sleep(0.01)

    def _bury(self) -> int:
        code = self.resident.process.wait()
        if self.child is None:
            # It died before it could train: its error goes into the log of its first run, if the disk has room.
            note = f"ResidentError: ended with status {code}: {last_error(self.resident.log)}\n"
            with contextlib.suppress(OSError), (self.folder / "train.log").open("a", encoding="utf-8") as log:
                log.write(note)
        return code or 1


class ResidentLauncher:
    """Trains each run in a resident, of which every slot has one."""

    def __init__(self, places: Slots) -> None:
        self.places = places
        self.slots = places.count
        self.residents: dict[int, Resident] = {}

    def start(self, job: LaunchJob) -> RunningTraining:
        """See Launcher."""
        slot = self.places.find_free()
        training = self._start(job, slot) if job.command[1:] == SINGLE else PlainTraining(job)
        self.places.running[slot] = training
        return training

    def close(self) -> None:
        """See Launcher."""
        self.places.stop()
        for resident in self.residents.values():
            resident.close()

    def _start(self, job: LaunchJob, slot: int) -> RunningTraining:
        resident = self.residents.get(slot)
        if resident is None or not resident.fits(job):
            if resident:
                resident.close()
            resident = self.residents[slot] = Resident(job, slot)
        return ResidentTraining(resident, job)
