"""Starting Axolotl and staying with it to its end: its process, its process group, its log.

One process is started as it is; several through `accelerate launch`. A signal that ends this process
also ends the trainer's process group.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import IO, Any

from recipebook.launch.ranks import signal_ranks
from recipebook.launch.silence import Silent, find_patience
from recipebook.locks import die_with_parent, write_owner
from recipebook.run.progress_file import read_progress

POLL_SECONDS = 0.2
GRACE_SECONDS = 10
# What another launch left in the environment must not decide. With a WORLD_SIZE a training waits for ranks that nobody
# starts, and with ACCELERATE_USE_CPU accelerate silently switches DeepSpeed off.
NOT_INHERITED = (
    "RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "NODE_RANK", "MASTER_ADDR", "MASTER_PORT",
    "PMI_RANK", "PMI_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
    "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", "MPI_LOCALRANKID", "ACCELERATE_MIXED_PRECISION",
)  # fmt: skip
NOT_INHERITED_PREFIXES = ("ACCELERATE_USE_", "ACCELERATE_DEEPSPEED_", "FSDP_", "TORCHELASTIC_")


class Stopped(Exception):
    """Ctrl-C or a signal stopped this process; when the caller catches this, the trainer has ended."""


def run_trainer(
    command: list[str],
    environment: dict[str, str],
    folder: Path,
    lock: int,
    follow: Callable[[dict[str, Any]], None],
    log_name: str = "train.log",
) -> int:
    """Run to the end, passing the trainer's progress to `follow`; returns the exit code, or raises Stopped.

    `lock` is inherited, so that the run stays held should this process be killed and the trainer not.
    """
    with (folder / log_name).open("ab") as log:
        return _run(command, environment, folder, lock, follow, log)


def run_job(command: list[str], environment: dict[str, str], folder: Path, lock: int) -> int:
    """The same for a stage that trains nothing; the stage draws its own progress."""
    return _run(command, environment, folder, lock, lambda _: None, None)


def start_process(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    log: IO[bytes] | None,
    inherited: int,
    *,
    without: Sequence[str] = (),
    tied: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a process in `folder`, with `environment` added to our variables, less those that `without` names.

    Its output goes into `log`, or to our own output. It inherits the descriptor `inherited`. It leads its own process
    group, unless it is `tied`: then it stays in our group, and the kernel kills it when we die.
    """
    ours = {key: value for key, value in list_inherited().items() if key not in without}
    return subprocess.Popen(
        command,
        cwd=folder,
        env=ours | dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT if log else None,
        start_new_session=not tied,
        preexec_fn=partial(die_with_parent, os.getpid()) if tied else None,
        pass_fds=(inherited,),
    )


def list_inherited() -> dict[str, str]:
    """Our own variables, less those of another launch."""
    return {
        key: value
        for key, value in os.environ.items()
        if key not in NOT_INHERITED and not key.startswith(NOT_INHERITED_PREFIXES)
    }


def _run(
    command: list[str],
    environment: dict[str, str],
    folder: Path,
    lock: int,
    follow: Callable[[dict[str, Any]], None],
    log: IO[bytes] | None,
) -> int:
    with signals_raise():
        process = start_process(command, folder, environment, log, lock)
        try:
            # Should this process be killed and the trainer not, it is the trainer that a second run must name.
            write_owner(lock, process.pid)
            while process.poll() is None:
                follow(read_progress(folder))
                time.sleep(POLL_SECONDS)
        except Silent:
            signal_ranks(folder, signal.SIGKILL)
            raise
        finally:
            end_group(process, folder)
    return process.returncode


@contextmanager
def signals_raise() -> Iterator[None]:
    """Ctrl-C, Ctrl-\\, a kill and a closed terminal become Stopped; under `nohup`, a closed terminal is nothing."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise Stopped(signal.Signals(signum).name)

    caught = [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        caught.append(signal.SIGHUP)
    before = {signum: signal.signal(signum, stop) for signum in caught}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def end_group(process: subprocess.Popen[bytes], folder: Path) -> None:
    """End the trainer and all that it started, with a checkpoint if it saves one in time."""
    patience = find_patience(read_progress(folder))
    ask_group(process, folder)
    # Whoever stops it a second time does not want to wait.
    with suppress(subprocess.TimeoutExpired, Stopped):
        process.wait(patience)
    kill_group(process, folder)


def ask_group(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Ask the trainer to save a checkpoint at the end of its step, and to end.

    SIGTERM and not SIGINT, on which Axolotl saves a half-trained model and exits with 0. The launcher of several ranks
    does not get the signal: it would give them 30 s.
    """
    if not signal_ranks(folder, signal.SIGTERM):
        _signal_group(process, signal.SIGTERM)


def kill_group(process: subprocess.Popen[bytes], folder: Path) -> None:
    """End what is left of the trainer's group at once: its ranks and data workers outlive a killed parent otherwise."""
    signal_ranks(folder, signal.SIGKILL)
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: subprocess.Popen[bytes], signum: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signum)
