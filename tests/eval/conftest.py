"""Evaluated runs in a folder of their own, as `make eval` leaves them."""

import json
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import pytest

from eval.scoring.evaluated_rows import EvaluatedRows
from eval.scoring.score import evaluate_predictions
from recipebook.run.manifest import Status
from recipebook.run.rundir import Run

CONDITIONS = {"test set": "t1", "chat template": "c1", "metric settings": "m1", "generation settings": "g1"}
MakeRun = Callable[..., Run]
TEST = EvaluatedRows(part="test", turns="last", engine="transformers", checkpoint=None)


@pytest.fixture
def make_run(start_run: Callable[..., Run]) -> MakeRun:
    """Runs whose tuned model answers "right" or something else to every row; the base is always wrong."""
    minutes = count(1)

    def make(
        answers: Sequence[str] = (),
        recipe: str = "robot",
        status: Status = "trained",
        conditions: dict[str, str] = CONDITIONS,
        questions: str = "",
    ) -> Run:
        run = start_run(status=status, recipe=recipe, minute=next(minutes))
        if answers:
            add_evaluation(run.folder / "eval", answers, conditions, questions=questions)
        return run

    return make


def add_evaluation(
    folder: Path, answers: Sequence[str], conditions: dict[str, str], asked: EvaluatedRows = TEST, questions: str = ""
) -> None:
    """An evaluation in a folder of its own; each letter of `questions` is the hash of one."""
    lines = [
        {"id": str(row), "prompt": "p", "reference": "right", "prediction": answer, "baseline": "wrong"}
        for row, answer in enumerate(answers)
    ]
    if questions:
        lines = [{**line, "question_hash": one} for line, one in zip(lines, questions, strict=True)]
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
