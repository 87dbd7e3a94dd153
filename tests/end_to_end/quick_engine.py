"""In Axolotl's place where only the schedule is tested: leaves what a trainer leaves, in a fifth of a second.

`starts` in the run's folder has a line a start: the process that trained, and its parent, the resident. With TOGETHER
in the environment, no member ends before another has begun; with HANGS, the member of that name gets no further
than its checkpoint at its first start.
"""

import json
import os
import time
import zipfile
from pathlib import Path

STEPS = 10
PACE = 0.02


def do_cli(config: str) -> None:
    """Train the run in the working directory from its last checkpoint."""
    with Path("starts").open("a") as starts:
        starts.write(f"{os.getpid()} {os.getppid()}\n")
    end = time.monotonic() + 60
    while "TOGETHER" in os.environ and len(list(Path("..").glob("*/starts"))) < 2 and time.monotonic() < end:
        time.sleep(PACE)
    done = max([0, *(int(path.name.split("-")[1]) for path in Path("model").glob("checkpoint-*"))])
    for step in range(done + 1, STEPS + 1):
        Path("progress.tmp").write_text(json.dumps({"phase": "training", "step": step, "steps": STEPS, "loss": 1.5}))
        Path("progress.tmp").replace("progress.json")
        time.sleep(PACE)
        if step == STEPS // 2:
            write_checkpoint(Path(f"model/checkpoint-{step}"), step)
            hang_at_first_start()
        with Path("metrics.jsonl").open("a") as metrics:
            metrics.write(json.dumps({"step": step, "loss": 1.5}) + "\n")
    Path("model").mkdir(exist_ok=True)
    Path("model/adapter_model.safetensors").write_bytes(bytes(100_000))
    found = {"finite": True, "changed": True, "tensors": 1, "parameters": 25_000, "digest": "d"}
    Path("weights.json").write_text(json.dumps(found))


def hang_at_first_start() -> None:
    member = Path.cwd().name.partition("-")[0]
    if os.environ.get("HANGS") == member and len(Path("starts").read_text().splitlines()) == 1:
        time.sleep(60)


def write_checkpoint(folder: Path, step: int) -> None:
    """Every file of a whole checkpoint, none of them with anything in it."""
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    with zipfile.ZipFile(folder / "optimizer.pt", "w") as archive:
        archive.writestr("optimizer/version", "3")
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": step}))
