"""Launches of two ranks that are ended in every way, again and again: how many of their processes are left.

    python -m benchmarks.orphans --rounds 50

The ways: the command is asked to end before there are ranks, and at some step; it is asked twice; a rank is killed; the
launcher of the ranks is; and a rank is frozen before the command is asked twice. Each round trains for real. The last
line is one JSON object; `orphans` is what must be 0, of processes that are still there ten seconds after the command:

    {"rounds": 50, "orphans": 0, "checkpoints": 17, "seconds": 1130.2}
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import cycle, islice
from pathlib import Path
from random import Random

from recipebook.project import PROJECT, RUNS

RECIPE = """\
description: two ranks that are ended before their last step
extends: robot-lora
data: {split: {validation: 0, test: 0}}
launch: {processes: 2}
profiles: {tiny: {training: {max_steps: 200, save_steps: 10, logging_steps: 1, batch_size: 4, global_batch: 8}}}
"""
NAME = "bench-orphans"
WAYS = ("early", "asked", "twice", "rank", "launcher", "frozen")
LATEST = 3.0
PATIENCE = 150.0
LEAVING_SECONDS = 10.0

Start = Callable[[], "subprocess.Popen[str]"]


def main() -> None:
    """End launches in turn; print JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.rounds)))


def measure(rounds: int) -> dict[str, float]:
    """Rounds of a real training, each of a new run."""
    chance, began = Random(42), time.monotonic()
    orphans = checkpoints = 0
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder, f"{NAME}.yaml")
        recipe.write_text(RECIPE, encoding="utf-8")
        command = [sys.executable, "-m", "recipebook", "train", str(recipe), "--profile", "tiny"]

        def start() -> "subprocess.Popen[str]":
            return subprocess.Popen(
                command,
                cwd=PROJECT,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

        for number, way in enumerate(islice(cycle(WAYS), rounds), 1):
            left = run_round(start, RUNS, way, chance)
            orphans += left
            folders = list(RUNS.glob(f"{NAME}-2*"))
            checkpoints += any(True for path in folders for _ in path.glob("model/checkpoint-*"))
            print(f"{number}: {way}, {left} left", flush=True)
            for path in folders:
                shutil.rmtree(path)
    seconds = round(time.monotonic() - began, 1)
    return {"rounds": rounds, "orphans": orphans, "checkpoints": checkpoints, "seconds": seconds}


def run_round(start: Start, runs: Path, way: str, chance: Random) -> int:
    """Start a launch in `runs`, end it in this way at a random moment, and count the processes that are left there."""
    before = set(runs.glob("*"))
    process = start()
    if way != "early":
        folder = _await_step(process, runs, before)
        time.sleep(chance.uniform(0, LATEST))
        _strike(process, folder, way)
    else:
        time.sleep(chance.uniform(0, LATEST))
        process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    end = time.monotonic() + LEAVING_SECONDS
    while (left := find_in(runs)) and time.monotonic() < end:
        time.sleep(0.1)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(left)


def find_in(folder: Path) -> list[int]:
    """The processes that run in a folder or under it."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink().is_relative_to(folder):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _await_step(process: "subprocess.Popen[str]", runs: Path, before: set[Path]) -> Path:
    """The new run's folder, once its trainer is at a step."""
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        for path in runs.glob("*/progress.json"):
            if path.parent not in before and json.loads(path.read_bytes())["step"]:
                return path.parent
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(process.communicate()[0])


def _strike(process: "subprocess.Popen[str]", folder: Path, way: str) -> None:
    """What befalls the launch; a command that would start its ranks again is then asked to end."""
    ranks = [json.loads(path.read_bytes())["pid"] for path in sorted((folder / "ranks").glob("*.json"))]
    if way == "rank":
        os.kill(ranks[1], signal.SIGKILL)
    elif way == "launcher":
        os.kill(_read_parent(ranks[0]), signal.SIGKILL)
    elif way == "frozen":
        os.kill(ranks[1], signal.SIGSTOP)
    if way == "launcher":
        return
    process.send_signal(signal.SIGTERM)
    if way in ("twice", "frozen"):
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)


def _read_parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[1])


if __name__ == "__main__":
    main()
