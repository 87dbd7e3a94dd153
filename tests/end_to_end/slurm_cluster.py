"""A SLURM cluster of two nodes on this machine, each in a network namespace of its own.

    with start_cluster(folder) as cluster:
        cluster.run("sinfo", "--noheader")      → "all* up infinite 2 idle n1,n2"

Real slurmctld, slurmd and munged, with keys, ports and state in `folder`. It needs root, and Debian's packages
slurmctld, slurmd, slurm-client, munge and iproute2.
"""

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

BRIDGE, HEAD, MASK = "rbslurm", "10.77.0.254", "24"
NODES = {"n1": "10.77.0.1", "n2": "10.77.0.2"}
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "munged", "ip")
CONFIGURATION = """
ClusterName=recipebook
SlurmctldHost={host}({head})
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/linear
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
JobRequeue=1
{nodes}
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs, and where its configuration lies."""

    folder: Path

    def run(self, *command: str, cwd: Path | None = None) -> str:
        """What a command of SLURM prints; an error where it fails."""
        environment = os.environ | {"SLURM_CONF": str(self.folder / "slurm.conf")}
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def read_state(self, job: str) -> str:
        """The state of a job: `PENDING`, `RUNNING`, `COMPLETED`, `FAILED` …"""
        return self.read_field(job, "JobState")

    def read_field(self, job: str, field: str) -> str:
        """What SLURM says of a job; an array's task has a `JobId` of its own."""
        words = self.run("scontrol", "show", "job", job).split()
        return next(word.partition("=")[2] for word in words if word.startswith(f"{field}="))

    def go_on(self, job: str) -> None:
        """Let a job that was queued again start as soon as its first start is over; SLURM would wait for two minutes.

        If its second start had begun, the end of the first script would be taken for that of the second. A node knows
        by whole seconds what it may start again: within the second of the first end it says "Job 2 already killed".
        """
        until = time.monotonic() + 120
        while (
            self.read_field(job, "Restarts") != "1"
            or self.read_state(job) != "PENDING"
            or _has_steps(self.read_field(job, "JobId"))
        ):
            assert time.monotonic() < until, self.run("scontrol", "show", "job", job)
            time.sleep(0.2)
        self.run("scontrol", "update", f"JobId={job}", "StartTime=now+2")

    def wait(self, job: str, seconds: float) -> str:
        """The state in which a job ends."""
        until = time.monotonic() + seconds
        while (state := self.read_state(job)) in ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING"):
            assert time.monotonic() < until, state
            time.sleep(0.2)
        return state


def _has_steps(job: str) -> bool:
    """Whether SLURM still looks after a process of the job on a node."""
    found = subprocess.run(["pgrep", "-f", rf"^slurmstepd: \[{job}\."], capture_output=True, check=False)
    return found.returncode == 0


def find_obstacle() -> str | None:
    """Why this machine cannot have the cluster; None where it can."""
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        return f"no {', '.join(missing)}: apt-get install slurmctld slurmd slurm-client munge iproute2"
    return "network namespaces need root" if os.geteuid() else None


@contextmanager
def start_cluster(folder: Path) -> Iterator[Cluster]:
    """The cluster, once both nodes are idle; all of it is gone afterwards."""
    with ExitStack() as stack:
        stack.enter_context(_networking())
        stack.enter_context(_authenticating(folder))
        (folder / "state").mkdir()
        nodes = "\n".join(f"NodeName={name} NodeHostname={name} NodeAddr={NODES[name]} CPUs=1" for name in NODES)
        text = CONFIGURATION.format(host=os.uname().nodename, head=HEAD, folder=folder, nodes=nodes)
        (folder / "slurm.conf").write_text(text)
        configured = ["-f", str(folder / "slurm.conf")]
        stack.enter_context(_serving("slurmctld", "-D", *configured))
        for name in NODES:
            (folder / f"spool-{name}").mkdir()
            stack.enter_context(
                _serving("nsenter", f"--net=/run/netns/rb-{name}", "slurmd", "-D", "-N", name, *configured)
            )
        cluster = Cluster(folder)
        until = time.monotonic() + 30
        while _count_idle(folder) < len(NODES):
            assert time.monotonic() < until, "the nodes do not come up"
            time.sleep(0.2)
        yield cluster


@contextmanager
def _networking() -> Iterator[None]:
    """A bridge in this namespace, and a namespace a node with one address on it."""
    _remove_network()
    try:
        _ip("link", "add", BRIDGE, "type", "bridge")
        _ip("address", "add", f"{HEAD}/{MASK}", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        for name, address in NODES.items():
            space = f"rb-{name}"
            _ip("netns", "add", space)
            _ip("link", "add", f"{space}-o", "type", "veth", "peer", "name", "eth0", "netns", space)
            _ip("link", "set", f"{space}-o", "master", BRIDGE, "up")
            _ip("-n", space, "address", "add", f"{address}/{MASK}", "dev", "eth0")
            for device in ("lo", "eth0"):
                _ip("-n", space, "link", "set", device, "up")
        yield
    finally:
        _remove_network()


def _remove_network() -> None:
    # A space that a process still holds keeps its link, whose other end is here.
    links = [["link", "del", name] for name in (BRIDGE, *(f"rb-{name}-o" for name in NODES))]
    for command in (*(["netns", "del", f"rb-{name}"] for name in NODES), *links):
        subprocess.run(["ip", *command], capture_output=True, check=False)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@contextmanager
def _authenticating(folder: Path) -> Iterator[None]:
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    names = {"key-file": "key", "socket": "sock", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    places = [f"--{name}={folder}/munge.{ending}" for name, ending in names.items()]
    with _serving("munged", "--foreground", "--force", *places):
        until = time.monotonic() + 10
        while not (folder / "munge.sock").exists():
            assert time.monotonic() < until, "munged does not come up"
            time.sleep(0.05)
        yield


@contextmanager
def _serving(*command: str) -> Iterator[None]:
    """A daemon in the foreground, ended afterwards."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as daemon:
        try:
            yield
        finally:
            daemon.terminate()


def _count_idle(folder: Path) -> int:
    command = ["sinfo", "--noheader", "--Node", "--format=%T"]
    environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.split().count("idle")
