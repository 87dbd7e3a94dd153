"""How often a test set was evaluated, by all runs of a data set: an evaluation in; the counts so far out.

`runs/evaluations.jsonl` has a line for each evaluation of test rows. Lines are only added, so that evaluations count
that were replaced since, and runs that were deleted:

    {"records": "5d0c…", "run": "robot-lora-20261121-053004", "checkpoint": null, "time": "2026-11-29T19:04:46+00:00"}
    → Looks(evaluations=12, models=7)

Whoever evaluates many models on one test set and keeps the best has chosen by these rows: its figure is too high there,
and its p-value too low. With m models the level 0.05 / m keeps the promise of 0.05, whichever is chosen (Dunn,
"Multiple comparisons among means", Journal of the American Statistical Association 56, 1961). That a winner's own
figure misleads, and that choosing and measuring on different rows does not, is measured for prompts and programs in
"Towards Reliable LLM Evaluation: Correcting the Winner's Curse in Adaptive Benchmarking" (arXiv 2605.05973, 2026).
"""

import json
import os
from pathlib import Path
from typing import Any

from eval.statistics.families import share_level
from recipebook.frozen import Frozen
from recipebook.locks import holding, lock_file
from recipebook.run.rundir import Run
from recipebook.run.stage_run import StageRun

LEDGER = "evaluations.jsonl"


class Looks(Frozen):
    """How often the test set was evaluated up to now, and how many models that were.

    A checkpoint is a model, and so is what `MODEL=` names.
    """

    evaluations: int
    models: int

    @property
    def level(self) -> float:
        """What the p-value of the best of these models must be below."""
        return share_level(self.models)


def find_ledger(run: Run) -> Path:
    """The file in the folder of all runs."""
    return (run.top if isinstance(run, StageRun) else run).runs / LEDGER


def note_look(ledger: Path, records: str, run: str, checkpoint: int | None, time: str, model: str = "") -> Looks:
    """Add an evaluation of the test records with the hash `records` to the ledger; return the counts with it.

    `model` names one that answered in place of the run's own.
    """
    line = {"records": records, "run": run, "checkpoint": checkpoint, "time": time}
    line |= {"model": model} if model else {}
    with holding(lock_file(ledger)) as descriptor:
        before = ledger.read_bytes()
        # A writer that was killed may have left half a line.
        start = "" if not before or before.endswith(b"\n") else "\n"
        os.lseek(descriptor, 0, os.SEEK_END)
        os.write(descriptor, f"{start}{json.dumps(line)}\n".encode())
    same = [one for one in [*_read(before), line] if one.get("records") == records]
    models = {tuple(str(one.get(key)) for key in ("run", "checkpoint", "model")) for one in same}
    return Looks(evaluations=len(same), models=len(models))


def _read(lines: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for line in lines.splitlines():
        try:
            one = json.loads(line)
        except ValueError:
            continue
        found += [one] if isinstance(one, dict) else []
    return found
