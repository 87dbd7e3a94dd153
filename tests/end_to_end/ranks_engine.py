"""In Axolotl's place where a launch of several ranks is tested, and not what they compute.

Each rank is known to the runner as a real one is. Rank 0 takes forty steps, with a checkpoint after every fifth, and
the others wait for its end. On SIGTERM rank 0 saves a checkpoint at the end of its step, and all end. The rank that
FULL in the environment names finds no room to write, not even for its last line.
"""

import json
import os
import signal
import time
from pathlib import Path
from resource import RLIMIT_FSIZE, setrlimit
from types import FrameType

from axolotl.cli.quick import write_checkpoint

from trainer.rank import be_rank

STEPS, EVERY, PACE = 40, 5, 0.1
STOPPED = 75


def do_cli(config: str) -> None:
    """Train the run in the working directory from its last checkpoint."""
    asked: list[int] = []

    def ask(signum: int, frame: FrameType | None) -> None:
        asked.append(signum)

    signal.signal(signal.SIGTERM, ask)
    rank = int(os.environ["RANK"])
    be_rank(rank)
    if os.environ.get("FULL") == str(rank):
        setrlimit(RLIMIT_FSIZE, (0, 0))
        Path("more").write_bytes(b"more")
    if rank:
        while not Path("weights.json").exists():
            time.sleep(PACE)
            if asked:
                raise SystemExit(STOPPED)
        return
    done = max([0, *(int(path.name.split("-")[1]) for path in Path("model").glob("checkpoint-*"))])
    for step in range(done + 1, STEPS + 1):
        time.sleep(PACE)
        if step % EVERY == 0 or asked:
            write_checkpoint(Path(f"model/checkpoint-{step}"), step)
        report("stopped" if asked else "training", step)
        if asked:
            raise SystemExit(STOPPED)
    Path("model/adapter_model.safetensors").write_bytes(bytes(100_000))
    found = {"finite": True, "changed": True, "tensors": 1, "parameters": 25_000, "digest": "d"}
    Path("weights.json").write_text(json.dumps(found))


def report(phase: str, step: int) -> None:
    """Write what a trainer writes after each step."""
    fact = {"phase": phase, "step": step, "steps": STEPS, "loss": 1.5, "longest": PACE}
    Path("progress.tmp").write_text(json.dumps(fact))
    Path("progress.tmp").replace("progress.json")
    with Path("metrics.jsonl").open("a") as metrics:
        metrics.write(json.dumps({"step": step, "loss": 1.5}) + "\n")
