"""Records to rows a second: recipebook against a `datasets` pipeline that calls the same converter, side by side.

    python -m benchmarks.conversion --rows 100000

Each measurement is a process of its own, timed inside from first byte read to last byte written (imports left out),
the two taking turns: datasets as it comes, in one process, and recipebook as it comes, in one a core for big files.
Then recipebook alone at ten times as many rows, for its peak memory. The last line is one JSON object:

    {"rows": 100000, "recipebook_rows_per_s": 61000, "datasets_rows_per_s": 5900, "ratio": 10.3, …}
"""

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from recipebook.hardware import detect

ROUNDS = 3
TEXTS = (
    ("go {} metres ahead, would you?", "robot.move_forward(distance={}, speed=0.5)"),
    ("turn left by {} degrees", 'robot.turn(direction="left", angle={})'),
    ("back {} metres and stop", "robot.move_backward(distance={}, speed=1.0); robot.stop()"),
    ("grab the cup, {} N, and drop it", 'robot.gripper.grab(object_name="cup", force={})\nrobot.gripper.release()'),
    ("how far is the wall? wait {} s", 'robot.sensors.measure_distance(direction="front")'),
)


def main() -> None:
    """Measure, print a table, and the figures as JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--measure", choices=("recipebook", "datasets"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure = measure_recipebook if arguments.measure == "recipebook" else measure_datasets
        print(json.dumps(measure(arguments.folder)))
        return
    figures = compare(arguments.rows)
    for name, value in figures.items():
        print(f"{name:32} {value}")
    print(json.dumps(figures))


def compare(rows: int) -> dict[str, Any]:
    """Run both in turns, check that they write the same rows, then watch the memory of one file ten times as long."""
    with tempfile.TemporaryDirectory() as few, tempfile.TemporaryDirectory() as many:
        write_records(Path(few, "in.jsonl"), rows)
        runs = [(_run("recipebook", few), _run("datasets", few)) for _ in range(ROUNDS)]
        same = _are_same(Path(few, "recipebook.jsonl"), Path(few, "datasets.jsonl"))
        write_records(Path(many, "in.jsonl"), rows * 10)
        longer = _run("recipebook", many)
    ours, theirs = (rows / statistics.median(run[side]["seconds"] for run in runs) for side in (0, 1))
    return {
        "rows": rows,
        "recipebook_rows_per_s": round(ours),
        "datasets_rows_per_s": round(theirs),
        "ratio": round(ours / theirs, 1),
        "same_rows": same,
        "recipebook_rows_per_s_tenfold": round(rows * 10 / longer["seconds"]),
        "peak_mb": round(max(run[0]["peak_mb"] for run in runs), 1),
        "peak_mb_tenfold": round(longer["peak_mb"], 1),
        "datasets_peak_mb": round(max(run[1]["peak_mb"] for run in runs), 1),
        "cpu": detect().cpu,
        "cores": len(os.sched_getaffinity(0)),
    }


def write_records(path: Path, rows: int) -> None:
    """Write seeded robot records as JSONL."""
    rng = random.Random(7)
    with path.open("w") as file:
        for number in range(rows):
            (command, calls), value = rng.choice(TEXTS), rng.randint(1, 3600) / 10
            said, done = f"{command.format(value)} [{number}]", calls.format(value)
            file.write(json.dumps({"input": said, "output": done, "category": "complex"}) + "\n")


def measure_recipebook(folder: Path) -> dict[str, float]:
    """Convert in.jsonl with recipebook."""
    from recipebook.conversion import convert_file

    os.chdir(folder)
    start = time.perf_counter()
    convert_file("robot", "in.jsonl", Path("recipebook.jsonl"), {})
    return {"seconds": time.perf_counter() - start, "peak_mb": _measure_peak()}


def measure_datasets(folder: Path) -> dict[str, float]:
    """Convert in.jsonl with `load_dataset`, `map` and `to_json`, calling the same converter."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from datasets import disable_progress_bars, load_dataset

    from converters.robot import Options, convert

    options = Options()

    def convert_one(record: dict[str, Any], index: int) -> dict[str, Any]:
        (row,) = convert(record, options)
        return {**row, "meta": {**row["meta"], "origin": f"in.jsonl#{index + 1}"}}

    disable_progress_bars()
    os.chdir(folder)
    with tempfile.TemporaryDirectory() as cache:
        start = time.perf_counter()
        records = load_dataset("json", data_files="in.jsonl", split="train", cache_dir=cache)
        rows = records.map(convert_one, with_indices=True, remove_columns=records.column_names)
        rows.to_json("datasets.jsonl")
        return {"seconds": time.perf_counter() - start, "peak_mb": _measure_peak()}


def _run(measure: str, folder: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.conversion", "--measure", measure, "--folder", folder]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _measure_peak() -> float:
    """Bound the peak of this process and its workers together: pages that they share count in each."""
    own, largest = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return (own + largest * len(os.sched_getaffinity(0))) / 1024


def _are_same(ours: Path, theirs: Path) -> bool:
    # Line by line: a child's peak memory starts from this process's own.
    with ours.open("rb") as left, theirs.open("rb") as right:
        return all(json.loads(one) == json.loads(other) for one, other in zip(left, right, strict=True))


if __name__ == "__main__":
    main()
