"""Machines that train together, found by Ray: a command in; the same command on a node each, and its exit status, out.

    run_on_nodes([…, "recipebook", "train", "robot-lora", …], machines=2, processes=4, logs=runs/ray)
    → on a node:     MACHINE_RANK=0 MAIN=10.0.0.4:40813 … recipebook train robot-lora …
      on another:    MACHINE_RANK=1 MAIN=10.0.0.4:40813 … recipebook train robot-lora …

Ray holds a bundle of CPUs and GPUs on each node, and starts what would be typed there (docs/gpu.md); the machines meet
as they do without it. What machine 0 prints is printed here too; all nodes see the project under the same path.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from recipebook.errors import UserError, take_first_line
from recipebook.launch.process import list_inherited
from recipebook.launch.ray_cluster import connect
from recipebook.launch.ray_launcher import NOT_FROM_RAY
from recipebook.locks import die_with_parent
from recipebook.project import INSTALLATION, PROJECT, VARIABLE

POLL_SECONDS = 0.5
STOPPED = 130
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# A file beside the logs: each node's command saves a checkpoint and ends. Ray's own request is lost now and then.
END_ASKED = "end-asked"


def run_on_nodes(command: Sequence[str], machines: int, processes: int, logs: Path) -> int:
    """Run it on each of so many nodes, with a GPU for each process where the cluster has GPUs; 0 if all end with 0."""
    connect({"PYTHONPATH": str(INSTALLATION), VARIABLE: str(PROJECT)})
    import ray
    from ray.util.placement_group import placement_group
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    try:
        bundle = _size_bundle(ray.nodes(), machines, processes)
        group = placement_group([bundle] * machines, strategy="STRICT_SPREAD")
        # Where other work has the nodes, until it ends.
        ray.get(group.ready())
        places = [PlacementGroupSchedulingStrategy(group, at) for at in range(machines)]
        main = ray.get(ray.remote(_find_meeting).options(num_cpus=0, scheduling_strategy=places[0]).remote())
        logs.mkdir(parents=True, exist_ok=True)
        (logs / END_ASKED).unlink(missing_ok=True)
        room = {"num_cpus": processes, "num_gpus": bundle.get("GPU", 0), "max_retries": 0}
        refs = [
            ray.remote(_run).options(scheduling_strategy=place, **room).remote(tuple(command), rank, main, logs)
            for rank, place in enumerate(places)
        ]
        return _follow(refs, logs)
    except ray.exceptions.RayError as error:
        raise UserError(f"LAUNCHER=ray: {type(error).__name__}: {take_first_line(error)}") from error
    finally:
        ray.shutdown()


def _size_bundle(nodes: Sequence[Any], machines: int, processes: int) -> dict[str, float]:
    """What each node must have; raises where too few nodes do, at any time."""
    has = [node["Resources"] for node in nodes if node["Alive"]]
    kinds = ("CPU", "GPU") if any(one.get("GPU") for one in has) else ("CPU",)
    fit = sum(all(one.get(kind, 0) >= processes for kind in kinds) for one in has)
    if fit < machines:
        raise UserError(
            f"LAUNCHER=ray: launch.machines: {machines}, and of the cluster's nodes {fit} have a "
            f"{' and a '.join(kinds)} for each of {processes} processes; MACHINES={max(fit, 1)}, or fewer GPUS="
        )
    return dict.fromkeys(kinds, float(processes))


def _follow(refs: "Sequence[Any]", logs: Path) -> int:
    """Print what machine 0 prints until all have ended; a signal asks them for a checkpoint, and waits."""
    import ray

    left, read = list(refs), 0
    # An exception from a handler is lost within Ray.
    before = {one: signal.signal(one, lambda *_: (logs / END_ASKED).touch()) for one in STOPPING}
    try:
        while left:
            left = ray.wait(left, num_returns=len(left), timeout=POLL_SECONDS)[1]
            read = _print_more(_name_log(logs, 0), read)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    codes = ray.get(list(refs))
    _print_more(_name_log(logs, 0), read)
    return STOPPED if STOPPED in codes else int(any(codes))


def _print_more(path: Path, read: int) -> int:
    """Print a log from a place on; returns where it ends now."""
    if not path.is_file():
        return read
    with path.open("rb") as file:
        file.seek(read)
        more = file.read()
    print(more.decode(errors="replace"), end="", flush=True)
    return read + len(more)


def _name_log(logs: Path, rank: int) -> Path:
    return logs / f"machine-{rank}.log"


def _find_meeting() -> str:
    """On the first node: its address, and a port that is free."""
    import ray

    with socket.socket() as tried:
        tried.bind(("", 0))
        return f"{ray.util.get_node_ip_address()}:{tried.getsockname()[1]}"


def _run(command: tuple[str, ...], rank: int, main: str, logs: Path) -> int:
    """On a node: run the command to its end, or until it is asked to end."""
    own = {key: value for key, value in list_inherited().items() if key not in NOT_FROM_RAY}
    more = {"MACHINE_RANK": str(rank), "MAIN": main, "PYTHONUNBUFFERED": "1"}
    with _name_log(logs, rank).open("wb") as log:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=own | more, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            preexec_fn=partial(die_with_parent, os.getpid(), signal.SIGTERM),
        )  # fmt: skip
    try:
        while (code := process.poll()) is None:
            time.sleep(POLL_SECONDS)
            if (logs / END_ASKED).exists():
                process.terminate()
                return process.wait()
        return code
    finally:
        # It ends the trainer that it has started.
        process.terminate()
