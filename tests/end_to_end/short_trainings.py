"""A strategy in; two steps of each kind of training on two CPU ranks by it, and a line of JSON for each, out.

    python -m tests.end_to_end.short_trainings zero3 FOLDER
    {"kind": "dpo", "losses": [0.6931, 0.7955], "parameters": 163840}
    {"kind": "kto", "error": "ValueError: …"}

The engine is loaded once, and ranks are forked from it: to start each of them would take longer than its training.
"""

import json
import os
import signal
import socket
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import yaml

from recipebook.data.dataset import prepare
from recipebook.launch.command import build_environment
from recipebook.recipe.keys import Recipe
from recipebook.recipe.resolve import resolve
from recipebook.run.progress_file import last_error, read_metrics
from recipebook.train.opening import FRESH, write_files
from trainer.__main__ import load_engine

KINDS = {
    "dpo": ("preference-dpo", []),
    "all weights": ("robot-lora", ["lora=null"]),
    "ipo, its reference first": ("preference-ipo", []),
    "span weights": ("toolformer-weighted", []),
    "orpo": ("preference-orpo", []),
    "kto": ("preference-kto", []),
    "simpo": ("preference-simpo", []),
}
SHORT = (
    "training.max_steps=2", "training.save_steps=2", "training.eval_steps=null", "training.logging_steps=1",
    "training.batch_size=2", "training.global_batch=null", "training.warmup_ratio=0", "data.split.validation=0",
    "lora.dropout=0", "launch.processes=2",
)  # fmt: skip
ROWS, RANKS = 24, 2


def main(strategy: str, top: Path) -> None:
    """Train each kind in a folder of its own."""
    os.environ["AXOLOTL_DO_NOT_TRACK"] = "1"
    load_engine()
    for kind, (name, settings) in KINDS.items():
        folder = top / kind.partition(",")[0].replace(" ", "-")
        folder.mkdir(parents=True)
        short = [one for one in SHORT if not ("lora=null" in settings and one.startswith("lora."))]
        recipe = resolve(name, "tiny", [*settings, *short, f"launch.strategy={strategy}"]).recipe
        _place(folder, recipe)
        print(json.dumps({"kind": kind, **_train(folder, recipe)}), flush=True)


def _place(folder: Path, recipe: Recipe) -> None:
    """Write what the trainer reads, with a few rows that nobody has tokenised yet."""
    write_files(folder, recipe, prepare(recipe.data, system=recipe.model.system), FRESH)
    settings = yaml.safe_load((folder / "axolotl.yaml").read_bytes())
    (folder / "axolotl.yaml").write_text(yaml.safe_dump({**settings, "dataset_prepared_path": "prepared"}))
    path = folder / "data" / "train.jsonl"
    rows = path.read_text(encoding="utf-8").splitlines(keepends=True)[:ROWS]
    path.unlink()
    path.write_text("".join(rows), encoding="utf-8")


def _train(folder: Path, recipe: Recipe) -> dict[str, object]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ranks = {os.fork() or _be_rank(folder, recipe, rank, port) for rank in range(RANKS)}
    failed = False
    while ranks:
        process, status = os.wait()
        ranks.discard(process)
        if status:
            failed = True
            for one in ranks:
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
    if failed:
        return {"error": last_error(folder / "train.log")}
    losses = [line["loss"] for line in read_metrics(folder / "metrics.jsonl") if "loss" in line]
    return {"losses": losses, **json.loads((folder / "weights.json").read_bytes())}


def _be_rank(folder: Path, recipe: Recipe, rank: int, port: int) -> NoReturn:
    """Train as a rank that torch's launcher has started, and never return."""
    os.setsid()
    log = os.open(folder / "train.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(folder)
    ours = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": RANKS, "LOCAL_WORLD_SIZE": RANKS, "MASTER_PORT": port}
    os.environ |= build_environment(recipe) | {key: str(value) for key, value in ours.items()}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1"}
    if recipe.launch.strategy.startswith("zero"):
        os.environ |= {"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_CONFIG_FILE": "deepspeed.json"}
    from axolotl.cli.train import do_cli

    sys.argv = ["trainer", "axolotl.yaml"]
    try:
        do_cli("axolotl.yaml")
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
