"""A run's folder with an evaluation of two answers, one of them right."""

import json
from pathlib import Path

import pytest

from eval.scoring.score import evaluate_predictions
from eval.tracking.tracked_figures import TrackedFigures, read_figures

VALUES = {
    "evaluation/exact/tuned": 0.5, "evaluation/exact/base": 0.5, "evaluation/exact/difference": 0.0,
}  # fmt: skip


@pytest.fixture
def figures(tmp_path: Path) -> TrackedFigures:
    folder = tmp_path / "runs" / "robot-1" / "eval"
    folder.mkdir(parents=True)
    answers = [{"prediction": "a", "reference": right, "baseline": "b"} for right in "ab"]
    (folder / "predictions.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in answers))
    summary = evaluate_predictions(folder / "predictions.jsonl", {"text": {}}, (), "exact", 42, folder)
    (folder / "report.html").write_text("<p>the report</p>")
    (folder.parent / "progress.json").write_text('{"step": 7, "steps": 7}')
    found = read_figures(folder.parent, folder, folder, summary)
    assert {name: found.values[name] for name in VALUES} == VALUES
    return found
