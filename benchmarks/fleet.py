"""A fleet's overhead a member besides training, against `axolotl train` on each member's YAML, in one run.

    python -m benchmarks.fleet --members 20 --steps 30 --workers 2

Overhead is wall time less the `train_runtime` that the trainers report, divided by the members. `fleet_s` is of the
fleet with one worker, whose start-up its members share. Each member has rows of its own, read and tokenised anew on
both sides. The last line is one JSON object:

    {"axolotl_s": 22.0, "fleet_s": 1.6, "ratio": 0.07, "wall_ratio": 0.31, "workers": 2, "members": 20, "steps": 30, …}
"""

import argparse
import json
import shutil
import statistics
import tempfile
from pathlib import Path

from benchmarks.startup import read_runtime, time_axolotl, time_train
from recipebook.hardware import detect
from recipebook.project import PROJECT

RECIPE = """\
description: the fleet of traits, each member trained for a few steps
extends: traits
profiles: {{tiny: {{training: {{max_steps: {steps}, save_steps: {steps}, eval_steps: {steps}}}}}}}
"""
NAME = "bench-fleet"


def main() -> None:
    """Measure the fleet with one worker and with several, then Axolotl member by member; print JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=20)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder, f"{NAME}.yaml")
        recipe.write_text(RECIPE.format(steps=arguments.steps), encoding="utf-8")
        try:
            print(json.dumps(measure(recipe, arguments.members, arguments.steps, arguments.workers)))
        finally:
            shutil.rmtree(PROJECT / "runs" / NAME, ignore_errors=True)


def measure(recipe: Path, members: int, steps: int, workers: int) -> dict[str, object]:
    """Train the fleet twice and each of its members by Axolotl's own command."""
    together = time_fleet(recipe, members, workers)
    alone = time_fleet(recipe, members, 1)
    folders = sorted((PROJECT / "runs" / NAME).glob("*-2*"))
    ours = (alone - sum(read_runtime(folder / "train.log") for folder in folders)) / members
    theirs, whole = [], 0.0
    for folder in folders:
        seconds = time_axolotl(folder, "trait")
        whole += seconds
        theirs.append(seconds - read_runtime(folder / "axolotl.log"))
        print(f"{folder.name}: axolotl train {seconds:.1f} s, {theirs[-1]:.1f} s of it besides training")
    axolotl = statistics.median(theirs)
    return {
        "axolotl_s": round(axolotl, 2),
        "fleet_s": round(ours, 2),
        "ratio": round(ours / axolotl, 3),
        "wall_ratio": round(together / whole, 3),
        "workers": workers,
        "members": members,
        "steps": steps,
        "cpu": detect().cpu,
        "cores": detect().cores,
    }


def time_fleet(recipe: Path, members: int, workers: int) -> float:
    """Seconds of the whole command, its members trained anew."""
    shutil.rmtree(PROJECT / "runs" / NAME, ignore_errors=True)
    seconds = time_train(str(recipe), "--profile", "tiny", "--limit", str(members), "--workers", str(workers))
    print(f"fleet with {workers} workers: {seconds:.1f} s")
    return seconds


if __name__ == "__main__":
    main()
