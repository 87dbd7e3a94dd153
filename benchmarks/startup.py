"""The overhead of `make train` besides training, against `axolotl train` on the same rendered YAML, in one run.

    python -m benchmarks.startup --rounds 3

Overhead is a command's wall time less the `train_runtime` that its trainer reports; both read and tokenise the data
anew. The two take turns; the medians and the machine are printed. The last line is one JSON object:

    {"recipebook_s": 14.1, "axolotl_s": 26.0, "ratio": 0.54, "rounds": 3, "cpu": "…", "cores": 2}
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recipebook.hardware import detect
from recipebook.launch.command import build_environment
from recipebook.project import CACHE, PROJECT
from recipebook.recipe.resolve import resolve

SETTINGS = ["training.max_steps=10", "training.save_steps=10", "training.eval_steps=10"]
LEFT_BY_TRAINING = ("model", "tensorboard", "train.log", "metrics.jsonl", "progress.json", "weights.json")


def main() -> None:
    """Measure both, print a table, and the figures as JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    ours, theirs = [], []
    for number in range(rounds):
        seconds, folder = time_recipebook()
        ours.append(seconds)
        theirs.append(time_axolotl(folder, "robot-lora") - read_runtime(folder / "axolotl.log"))
        shutil.rmtree(folder)
        print(f"round {number + 1}: recipebook {ours[-1]:.1f} s, axolotl train {theirs[-1]:.1f} s besides training")
    found = {
        "recipebook_s": round(statistics.median(ours), 2),
        "axolotl_s": round(statistics.median(theirs), 2),
        "ratio": round(statistics.median(ours) / statistics.median(theirs), 3),
        "rounds": rounds,
        "cpu": detect().cpu,
        "cores": detect().cores,
    }
    print(json.dumps(found))


def time_recipebook() -> tuple[float, Path]:
    """Seconds of `recipebook train` besides training, and the run it made."""
    before = set(PROJECT.glob("runs/*/"))
    seconds = time_train("robot-lora", "--force", "--set", *SETTINGS)
    (folder,) = set(PROJECT.glob("runs/*/")) - before
    return seconds - read_runtime(folder / "train.log"), folder


def time_train(*words: str) -> float:
    """Seconds of a whole `recipebook train` with these arguments."""
    command = [sys.executable, "-m", "recipebook", "train", *words]
    with without_caches() as caches:
        started = time.monotonic()
        subprocess.run(command, cwd=PROJECT, env=os.environ | caches, check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - started


def time_axolotl(run: Path, recipe: str) -> float:
    """Seconds of a whole `axolotl train` in a run's folder, without the files that training left there."""
    for name in LEFT_BY_TRAINING:
        shutil.rmtree(run / name) if (run / name).is_dir() else (run / name).unlink(missing_ok=True)
    environment = os.environ | build_environment(resolve(recipe, "tiny").recipe)
    # Settings that the runner makes for its own trainer alone.
    del environment["AXOLOTL_DATASET_NUM_PROC"]
    command = [str(Path(sys.executable).with_name("axolotl")), "train", "axolotl.yaml"]
    with without_caches() as caches, (run / "axolotl.log").open("wb") as log:
        started = time.monotonic()
        subprocess.run(command, cwd=run, env=environment | caches, check=True, stdout=log, stderr=subprocess.STDOUT)
        return time.monotonic() - started


@contextmanager
def without_caches() -> Iterator[dict[str, str]]:
    """Remove Axolotl's tokenised rows; yield the variables that give `datasets` an empty cache."""
    shutil.rmtree(CACHE / "prepared", ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        yield {"HF_DATASETS_CACHE": folder}


def read_runtime(log: Path) -> float:
    """The trainer's own `train_runtime`, in seconds."""
    return float(re.findall(r"'train_runtime': '([0-9.]+)'", log.read_text(errors="replace"))[-1])


if __name__ == "__main__":
    main()
