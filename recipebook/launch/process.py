"""Starting Axolotl and staying with it: the command, its environment, its process group, its log.

One process is started as it is; several through `accelerate launch`. The trainer's group gets what ends us.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any

from recipebook.hardware import detect
from recipebook.launch.render import deepspeed_strategy, find_base
from recipebook.recipe.keys import PROJECT, Recipe

POLL_SECONDS = 0.2
GRACE_SECONDS = 10


class Stopped(Exception):
    """Ctrl-C or a signal asked us to stop; the trainer is gone by the time this is seen."""


def build_command(recipe: Recipe) -> list[str]:
    """What is run in the run's folder."""
    if recipe.remote:
        return [sys.executable, "-m", "recipebook.remote.job"]
    train = ["-m", "trainer", "axolotl.yaml"]
    processes = recipe.launch.processes
    if processes == 1 and deepspeed_strategy(recipe) is None:
        return [sys.executable, *train]
    # Also on CPUs: accelerate's `--cpu` starts several processes through MPI only.
    how = "--use_deepspeed" if deepspeed_strategy(recipe) else "--multi_gpu"
    accelerate = [sys.executable, "-m", "accelerate.commands.launch", how, "--num_machines", "1"]
    return [*accelerate, "--num_processes", str(processes), "--mixed_precision", "no", "--dynamo_backend", "no", *train]


def build_environment(recipe: Recipe) -> dict[str, str]:
    """What is set for the trainer, beyond what the user's own environment says."""
    environment = {
        # Processes that Axolotl saves tokenised rows with where the configuration says 0, each importing all anew.
        "AXOLOTL_DATASET_NUM_PROC": "0",
        "AXOLOTL_DO_NOT_TRACK": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(PROJECT),
        "TENSORBOARD_LOGGING_DIR": "tensorboard",
        "TOKENIZERS_PARALLELISM": "false",
    }
    if isinstance(find_base(recipe), Path):
        environment["HF_HUB_OFFLINE"] = "1"
    if recipe.launch.processes > 1 and not detect().gpu:
        environment["OMP_NUM_THREADS"] = str(max(1, detect().cores // recipe.launch.processes))
    if len(detect().gpus) > recipe.launch.processes:
        # One process that sees several GPUs would split each batch over them.
        seen = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(str(at) for at in range(len(detect().gpus)))
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(seen.split(",")[: recipe.launch.processes])
    if not detect().gpu:
        # Threads that spin while they wait take the cores from whatever else runs: two trainings on two cores were
        # seven times slower. The same sums come out, and a training alone takes about a tenth longer.
        environment["OMP_WAIT_POLICY"] = os.environ.get("OMP_WAIT_POLICY", "PASSIVE")
        # With ACCELERATE_USE_CPU, accelerate switches DeepSpeed off without a word.
        environment |= {"DS_ACCELERATOR": "cpu"} if deepspeed_strategy(recipe) else {"ACCELERATE_USE_CPU": "true"}
    return environment


def run_trainer(
    command: list[str], environment: dict[str, str], folder: Path, lock: int, follow: Callable[[dict[str, Any]], None]
) -> int:
    """Run to the end, telling `follow` the trainer's progress; its exit code, or Stopped.

    `lock` is inherited, so that the run stays held should this process be killed and the trainer not.
    """
    with (folder / "train.log").open("ab") as log:
        return _run(command, environment, folder, lock, follow, log)


def run_job(command: list[str], environment: dict[str, str], folder: Path, lock: int) -> int:
    """The same for a stage that trains nothing; it tells its own progress where we would."""
    return _run(command, environment, folder, lock, lambda _: None, None)


def _run(
    command: list[str],
    environment: dict[str, str],
    folder: Path,
    lock: int,
    follow: Callable[[dict[str, Any]], None],
    log: IO[bytes] | None,
) -> int:
    with signals_raise():
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={key: value for key, value in os.environ.items() if key != "ACCELERATE_USE_CPU"} | environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT if log else None,
            start_new_session=True,
            pass_fds=(lock,),
        )
        # Should this process be killed and the trainer not, it is the trainer that a second run must name.
        os.pwrite(lock, f"{process.pid}\n".encode(), 0)
        try:
            while process.poll() is None:
                follow(read_progress(folder))
                time.sleep(POLL_SECONDS)
        finally:
            end_group(process)
    return process.returncode


def read_progress(folder: Path) -> dict[str, Any]:
    """The trainer's last word on itself; empty before its first."""
    try:
        return dict(json.loads((folder / "progress.json").read_bytes()))
    except FileNotFoundError:
        return {}


def last_error(log: Path) -> str:
    """What most likely went wrong, in one line: the log's last exception, else its last line."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    endings = ("Error", "Exception", "Interrupt")
    # The launcher's own error comes last and says only that a process failed.
    errors = [at for at, line in enumerate(lines) if line.split(":")[0].endswith(endings) and "ChildFailed" not in line]
    if not lines:
        return "the log is empty"
    if not errors:
        return lines[-1][:300]
    # Axolotl's validation says which key is wrong on the lines after the exception's.
    more = 3 if "validation error" in lines[errors[-1]] else 1
    return " ".join(lines[errors[-1] : errors[-1] + more])[:300]


@contextmanager
def signals_raise() -> Iterator[None]:
    """Ctrl-C, a kill and a closed terminal become Stopped."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise Stopped(signal.Signals(signum).name)

    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {signum: signal.signal(signum, stop) for signum in asked}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the trainer's group: its ranks and data workers outlive a killed parent otherwise.

    SIGTERM and not SIGINT, on which Axolotl saves a half-trained model and exits with 0.
    """
    for signum in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signum)
        except ProcessLookupError:
            break
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    process.wait()
