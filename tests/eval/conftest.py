"""Evaluated runs in a folder of their own, as `make eval` leaves them."""

import json
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from eval.score import evaluate_predictions
from eval.summary import Asked
from recipebook import rundir
from recipebook.hardware import Hardware
from recipebook.rundir import Manifest, Run, Status

CONDITIONS = {"test set": "t1", "chat template": "c1", "metric settings": "m1", "generation settings": "g1"}
MakeRun = Callable[..., Run]
TEST = Asked(part="test", turns="last", engine="transformers", checkpoint=None)


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Runs whose tuned model answers "right" or something else to every row; the base is always wrong."""
    born = datetime(2026, 11, 20, 12, 0, 5)

    def make(
        answers: Sequence[str] = (),
        recipe: str = "robot",
        status: Status = "trained",
        conditions: dict[str, str] = CONDITIONS,
    ) -> Run:
        nonlocal born
        born = born.replace(minute=born.minute + 1)
        run = rundir.create(recipe, born, tmp_path)
        (run.folder / "recipe.yaml").write_text("description: d\n")
        os.utime(run.folder / "recipe.yaml", (born.timestamp(), born.timestamp()))
        run.write(
            Manifest(
                run=run.name, recipe=recipe, status=status, identity="i", created="2026-11-20T12:00:05", profile=None,
                overrides=(), git={}, versions={}, hashes={}, account={}, rows={},
                hardware=Hardware(gpus=(), cpu="c", cores=2, memory_gib=8), command=(), environment={},
            )
        )  # fmt: skip
        if answers:
            add_evaluation(run.folder / "eval", answers, conditions)
        return run

    return make


def add_evaluation(folder: Path, answers: Sequence[str], conditions: dict[str, str], asked: Asked = TEST) -> None:
    """An evaluation in a folder of its own."""
    lines = [
        {"id": str(row), "prompt": "p", "reference": "right", "prediction": answer, "baseline": "wrong"}
        for row, answer in enumerate(answers)
    ]
    folder.mkdir(parents=True)
    (folder / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    evaluate_predictions(folder / "predictions.jsonl", {"text": {}}, [], "exact", 42, folder, conditions, asked)


@pytest.fixture
def add_checkpoint() -> Callable[..., None]:
    """Adds an evaluation of the test part at a checkpoint, or of the validation part, to a run."""

    def add(run: Run, where: str, answers: Sequence[str]) -> None:
        part = "validation" if "validation" in where else "test"
        conditions = {**CONDITIONS, "test set": part if part == "validation" else CONDITIONS["test set"]}
        asked = TEST.model_copy(update={"part": part, "checkpoint": 500 if "500" in where else None})
        add_evaluation(run.folder / "eval" / where, answers, conditions, asked)

    return add
