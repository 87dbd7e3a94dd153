"""The server of shell tasks under load: many episodes open, many in a row, and how long their steps take.

    python -m benchmarks.episodes --open 256 --row 10000

The server runs as `make serve-env` starts it, and is called over HTTP by as many threads as `--threads`. Each episode
writes its own name in its box and reads it again, so that one that was mixed up with another is seen. The memory is
that of the server and of its spawner, before and after the row. The time of processors is counted as well, client,
server and boxes together, since it depends less on what else the machine does. The last line is one JSON object:

    {"open": 256, "row": 10000, "lost": 0, "mixed": 0, "open_reset_ms_p50": 51.0, "open_step_ms_p95": 22.1, …,
     "episode_cpu_ms": 21.2, "step_cpu_ms": 4.1, …}

The figures of `open` are those with all episodes open and only resets, or only steps, at once; those of `row` have
resets, steps and ends of episodes beside each other; those of `alone` have one call at a time.
"""

import argparse
import ctypes
import json
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from recipebook.errors import UserError
from recipebook.hardware import detect
from recipebook.project import PROJECT
from recipebook.shell.client import RemoteEpisodes
from recipebook.shell.tasks import Task, read_tasks

TASKS = PROJECT / "samples" / "shell_tasks.json"
# Steps of the longer episodes whose time is counted, and what boxes have to end in.
MANY_STEPS, SETTLING = 5, 1.0
SET_SUBREAPER = 36
HEAD = "The output of the OS:\n\n"


class TimedEpisode(NamedTuple):
    """One episode's times in seconds, and whether it was lost or saw another's file."""

    reset: float
    step: float
    lost: bool
    mixed: bool


def main() -> None:
    """Measure, and print the figures as JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--open", type=int, default=256, help="episodes open at once")
    parser.add_argument("--row", type=int, default=10_000, help="episodes in a row")
    parser.add_argument("--threads", type=int, default=8, help="calls at once")
    parser.add_argument("--costs", type=int, default=100, help="episodes whose time of processors is counted")
    arguments = parser.parse_args()
    adopt_orphans()
    tasks = read_tasks(TASKS)
    with serve(arguments.open) as (address, server), RemoteEpisodes(address) as episodes:
        opened = open_many(episodes, tasks, arguments.open, arguments.threads)
        before = measure_memory(server)
        row = play_row(episodes, tasks, arguments.row, arguments.threads)
        growth = measure_memory(server) / before - 1
        costs = measure_costs(episodes, tasks, arguments.costs, server)
    played = [*opened, *row]
    found = {
        "open": len(opened),
        "row": len(row),
        "lost": sum(each.lost for each in played),
        "mixed": sum(each.mixed for each in played),
        **summarize("open", opened),
        **summarize("row", row),
        "memory_growth": round(growth, 3),
        **costs,
        "cpu": detect().cpu,
        "cores": detect().cores,
    }
    print(json.dumps(found))


@contextmanager
def serve(most: int) -> Iterator[tuple[str, int]]:
    """A server on a free port: its address and its process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["serve-env", str(TASKS), "--port", str(port), "--episodes", str(most + 16)]
    process = subprocess.Popen([sys.executable, "-m", "recipebook", *words], cwd=PROJECT)
    try:
        with RemoteEpisodes(f"http://127.0.0.1:{port}") as episodes:
            episodes.ping()
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def open_many(episodes: RemoteEpisodes, tasks: list[Task], count: int, threads: int) -> list[TimedEpisode]:
    """Open all episodes before any is used, use each, close all."""
    names = [f"open-{number}" for number in range(count)]
    with ThreadPoolExecutor(threads) as pool:
        resets = list(pool.map(lambda at: _time_reset(episodes, tasks[at % len(tasks)], names[at]), range(count)))
        steps = list(pool.map(lambda name: _time_step(episodes, name), names))
        list(pool.map(episodes.close, names))
    return [TimedEpisode(reset, *step) for reset, step in zip(resets, steps, strict=True)]


def play_row(episodes: RemoteEpisodes, tasks: list[Task], count: int, threads: int) -> list[TimedEpisode]:
    """Play one episode after the other, as many at once as there are threads."""

    def play(number: int) -> TimedEpisode:
        name = f"row-{number}"
        reset = _time_reset(episodes, tasks[number % len(tasks)], name)
        step = _time_step(episodes, name)
        episodes.close(name)
        return TimedEpisode(reset, *step)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(play, range(count)))


def summarize(phase: str, played: list[TimedEpisode]) -> dict[str, float]:
    """Milliseconds of a phase's calls."""
    resets, steps = [each.reset for each in played], [each.step for each in played]
    return {
        f"{phase}_reset_ms_p50": _milliseconds(resets, 50),
        f"{phase}_step_ms_p50": _milliseconds(steps, 50),
        f"{phase}_step_ms_p95": _milliseconds(steps, 95),
    }


def measure_costs(episodes: RemoteEpisodes, tasks: list[Task], count: int, server: int) -> dict[str, float]:
    """Milliseconds of processors that an episode of one step takes in all, and that each further step adds.

    Also how long calls take that have the machine to themselves.
    """
    played: list[TimedEpisode] = []

    def play(steps: int) -> float:
        before = measure_cpu(server)
        for number in range(count):
            name = f"costs-{steps}-{number}"
            reset = _time_reset(episodes, tasks[number % len(tasks)], name)
            played.append(TimedEpisode(reset, *_time_step(episodes, name)))
            for step in range(1, steps):
                episodes.step(name, step + 1, "Act: bash\n```bash\nls /srv\n```")
            episodes.close(name)
        return (measure_cpu(server) - before) / count

    one, many = play(1), play(MANY_STEPS)
    return {
        **summarize("alone", played),
        "episode_cpu_ms": round(1000 * one, 1),
        "step_cpu_ms": round(1000 * (many - one) / (MANY_STEPS - 1), 1),
    }


def adopt_orphans() -> None:
    """Become the parent of the boxes' processes that outlive theirs, so that their time is counted here."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(SET_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def measure_cpu(server: int) -> float:
    """Seconds of processors that this process, the server, the spawner and all ended boxes have taken."""
    time.sleep(SETTLING)
    while True:
        # The server itself lives on, and so do its children.
        if os.waitpid(-1, os.WNOHANG)[0] == 0:
            break
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    ticks = sum(sum(_read_times(process)) for process in [str(server), *children])
    own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own + ticks / os.sysconf("SC_CLK_TCK")


def _read_times(process: str) -> list[int]:
    """The process's own time and that of its children that ended, in the kernel's ticks."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return [int(field) for field in fields[11:15]]


def measure_memory(server: int) -> int:
    """Bytes of memory of a process and the children that are no boxes."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    return sum(_read_memory(process) for process in [str(server), *children])


def _read_memory(process: str) -> int:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _time_reset(episodes: RemoteEpisodes, task: Task, name: str) -> float:
    started = time.perf_counter()
    episodes.reset(task, name)
    return time.perf_counter() - started


def _time_step(episodes: RemoteEpisodes, name: str) -> tuple[float, bool, bool]:
    answer = f"Act: bash\n```bash\necho {name} >> /name; cat /name\n```"
    started = time.perf_counter()
    try:
        step = episodes.step(name, 1, answer)
    except UserError:
        return time.perf_counter() - started, True, False
    mixed = step.status == "running" and step.observation != f"{HEAD}{name}\n"
    return time.perf_counter() - started, step.status != "running", mixed


def _milliseconds(seconds: list[float], percent: int) -> float:
    return round(1000 * statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1], 1)


if __name__ == "__main__":
    main()
