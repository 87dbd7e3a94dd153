"""Records to rows a second: recipebook against a `datasets` pipeline that calls the same converter, side by side.

    python -m benchmarks.conversion --rows 100000

Each measurement is a process of its own, timed inside from first byte read to last byte written (imports left out). The
two take turns with their default settings: datasets in one process, recipebook in one process a core for big files.
Then both convert ten times as many rows, where start-up no longer counts and memory is measured: datasets once,
recipebook before and after it, since a shared machine changes its speed over minutes. The last line is one JSON object:

    {"rows": 100000, "cpu": "…", "cores": 2, "converters": {"robot": {"recipebook_rows_per_s": 161000,
     "datasets_rows_per_s": 15900, "ratio": 10.1, …}, …}}
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import orjson

from recipebook.data.conversion import convert_file
from recipebook.data.converter import Converter, find_converter
from recipebook.hardware import detect
from recipebook.project import PROJECT
from recipebook.rows import BadRecord
from recipebook.sources.inputs import find_inputs

ROUNDS = 3
SAMPLES = {
    "robot": "samples/robot.json",
    "persona": "samples/persona.jsonl",
    "toolformer": "samples/toolformer.jsonl",
    "preference": "samples/preference.jsonl",
    "trait": "samples/traits.jsonl",
    "sessions": "samples/sessions.jsonl",
}
CONVERTERS = [*SAMPLES, "chat", "tools"]


def main() -> None:
    """Measure, print a table, and the figures as JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--measure", choices=("recipebook", "datasets"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--converters", nargs="+", choices=CONVERTERS, default=CONVERTERS, metavar="NAME")
    arguments = parser.parse_args()
    if arguments.measure:
        measure = measure_recipebook if arguments.measure == "recipebook" else measure_datasets
        print(json.dumps(measure(arguments.converters[0], arguments.folder)))
        return
    found = {converter: compare(converter, arguments.rows) for converter in arguments.converters}
    machine = {"cpu": detect().cpu, "cores": len(os.sched_getaffinity(0))}
    print(json.dumps({"rows": arguments.rows, **machine, "converters": found}))


def compare(converter: str, rows: int) -> dict[str, Any]:
    """Run both in turns, check that they write the same rows, then a file ten times as long."""
    print(f"{converter}:")
    with tempfile.TemporaryDirectory() as few, tempfile.TemporaryDirectory() as many:
        write_records(Path(few, "in.jsonl"), converter, rows)
        runs = [(_run("recipebook", converter, few), _run("datasets", converter, few)) for _ in range(ROUNDS)]
        same = _are_same(Path(few, "recipebook.jsonl"), Path(few, "datasets.jsonl"))
        write_records(Path(many, "in.jsonl"), converter, rows * 10)
        before, longer, after = (_run(side, converter, many) for side in ("recipebook", "datasets", "recipebook"))
    ours, theirs = (rows / statistics.median(run[side]["seconds"] for run in runs) for side in (0, 1))
    seconds = statistics.mean((before["seconds"], after["seconds"]))
    figures = {
        "recipebook_rows_per_s": round(ours),
        "datasets_rows_per_s": round(theirs),
        "ratio": round(ours / theirs, 1),
        "same_rows": same,
        "recipebook_rows_per_s_tenfold": round(rows * 10 / seconds),
        "datasets_rows_per_s_tenfold": round(rows * 10 / longer["seconds"]),
        "ratio_tenfold": round(longer["seconds"] / seconds, 1),
        "peak_mb": round(max(run[0]["peak_mb"] for run in runs), 1),
        "peak_mb_tenfold": round(max(before["peak_mb"], after["peak_mb"]), 1),
        "datasets_peak_mb": round(max(run[1]["peak_mb"] for run in runs), 1),
    }
    for name, value in figures.items():
        print(f"  {name:30} {value}")
    return figures


def write_records(path: Path, converter: str, rows: int) -> None:
    """Repeat the converter's sample as JSONL up to `rows` rows; only records that give one row each."""
    found = find_converter(converter)
    makers = {"chat": make_chats, "tools": make_tool_dialogues}
    records = makers[converter]() if converter in makers else read_sample(converter)
    kept = [record for record in records if isinstance(record, dict) and _gives_one_row(found, record)]
    lines = [orjson.dumps(record) + b"\n" for record in kept]
    with path.open("wb") as file:
        file.writelines(islice(cycle(lines), rows))


def read_sample(converter: str) -> list[Any]:
    """The records of the converter's own sample."""
    return [record.value for source in find_inputs(SAMPLES[converter], PROJECT) for record in source.read({})]


def make_chats() -> list[Any]:
    """The persona sample's dialogues as OpenAI's messages."""
    found = find_converter("persona")
    rows = [row for record in read_sample("persona") for row in found.convert(record, found.options())]
    return [{"messages": row["messages"]} for row in rows]


def make_tool_dialogues() -> list[Any]:
    """Robot commands as ShareGPT dialogues: a call, what the robot answers, a last word."""
    tools = json.dumps([{"name": "run", "parameters": {"type": "object", "properties": {"code": {"type": "string"}}}}])
    dialogues = []
    for record in read_sample("robot"):
        call = json.dumps({"name": "run", "arguments": {"code": record["output"]}})
        turns = (("human", record["input"]), ("function_call", call), ("observation", "done"), ("gpt", "It is done."))
        dialogues.append({"conversations": [{"from": who, "value": what} for who, what in turns], "tools": tools})
    return dialogues


def _gives_one_row(converter: Converter, record: dict[str, Any]) -> bool:
    try:
        return len(converter.convert(record, converter.options())) == 1
    except BadRecord:
        return False


def measure_recipebook(converter: str, folder: Path) -> dict[str, float]:
    """Convert in.jsonl with recipebook."""
    os.chdir(folder)
    start = time.perf_counter()
    convert_file(converter, "in.jsonl", Path("recipebook.jsonl"), {})
    return {"seconds": time.perf_counter() - start, "peak_mb": _measure_peak()}


def measure_datasets(converter: str, folder: Path) -> dict[str, float]:
    """Convert in.jsonl with `load_dataset`, `map` and `to_json`, calling the same converter."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from datasets import disable_progress_bars, load_dataset

    found = find_converter(converter)
    options = found.options()

    def convert_one(record: dict[str, Any], index: int) -> dict[str, Any]:
        (row,) = found.convert(record, options)
        return {**row, "meta": {**row["meta"], "origin": f"in.jsonl#{index + 1}"}}

    disable_progress_bars()
    os.chdir(folder)
    with tempfile.TemporaryDirectory() as cache:
        start = time.perf_counter()
        records = load_dataset("json", data_files="in.jsonl", split="train", cache_dir=cache)
        rows = records.map(convert_one, with_indices=True, remove_columns=records.column_names)
        rows.to_json("datasets.jsonl")
        return {"seconds": time.perf_counter() - start, "peak_mb": _measure_peak()}


def _run(measure: str, converter: str, folder: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.conversion", "--measure", measure, "--folder", folder]
    command += ["--converters", converter]
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
