"""Two `make train` of one recipe, 0 to 2 seconds apart, again and again: how often a recipe was trained twice.

    python -m benchmarks.double_starts --starts 100

Every other recipe has two stages. Each pair of commands has a seed of its own and trains one step a training, for
real. The last line is one JSON object; `twice` is what must be 0:

    {"starts": 100, "twice": 0, "failed": 0, "waited": 97, "seconds": 1520.4}
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from recipebook.project import PROJECT, RUNS

RECIPE = """\
description: one step, started by two commands at a time
extends: trait
data: {split: {validation: 0}}
profiles: {tiny: {training: {max_steps: 1, warmup_ratio: 0, save_steps: null, eval_steps: null}}}
"""
STAGES = "stages: [{name: first}, {name: second, training: {epochs: 2}}]\n"
LATEST_START = 2.0


def main() -> None:
    """Start pairs of commands; print JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=100)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.starts)))


def measure(starts: int) -> dict[str, float]:
    """Pairs of commands in turn, without and with stages."""
    rng, began = random.Random(42), time.monotonic()
    twice = failed = waited = 0
    with tempfile.TemporaryDirectory() as folder:
        recipes = []
        for name, text, trainings in (("bench-start", RECIPE, 1), ("bench-start-staged", RECIPE + STAGES, 2)):
            Path(folder, f"{name}.yaml").write_text(text, encoding="utf-8")
            recipes.append((Path(folder, f"{name}.yaml"), trainings))
        for number in range(starts):
            recipe, wanted = recipes[number % 2]
            statuses, said = start_twice(recipe, 1000 + number, rng.uniform(0, LATEST_START))
            done = count_trainings(recipe.stem)
            twice += done > wanted
            failed += statuses != [0, 0]
            waited += any("\nwaiting" in one for one in said)
            print(f"{number + 1}: {recipe.stem}, {done} of {wanted} trainings, statuses {statuses}", flush=True)
            remove_runs(recipe.stem)
    seconds = round(time.monotonic() - began, 1)
    return {"starts": starts, "twice": twice, "failed": failed, "waited": waited, "seconds": seconds}


def start_twice(recipe: Path, seed: int, apart: float) -> tuple[list[int], list[str]]:
    """The same command twice, `apart` seconds from each other: their statuses, and what they printed."""
    command = [sys.executable, "-m", "recipebook", "train", str(recipe), "--profile", "tiny"]
    command += ["--set", f"training.seed={seed}"]
    both = []
    for wait in (apart, 0.0):
        both.append(subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        time.sleep(wait)
    said = [process.communicate()[0] for process in both]
    return [process.returncode for process in both], said


def count_trainings(name: str) -> int:
    """How often a trainer was started in the runs of this recipe."""
    manifests = [json.loads(path.read_bytes()) for path in RUNS.glob(f"{name}-2*/manifest.json")]
    return sum(len(manifest["attempts"]) for manifest in manifests)


def remove_runs(name: str) -> None:
    """Remove the runs of this recipe alone."""
    for folder in RUNS.glob(f"{name}-2*"):
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
