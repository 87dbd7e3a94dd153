"""An evaluation's figures as TensorBoard reads them."""

import json
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from eval.report.events import write_events
from eval.scoring.score import evaluate_predictions


def test_the_figures_are_beside_the_training_and_a_new_evaluation_replaces_them(tmp_path: Path) -> None:
    folder = tmp_path / "eval"
    folder.mkdir()
    answers = [{"prediction": "a", "reference": right, "baseline": "b"} for right in "ab"]
    (folder / "predictions.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in answers))
    summary = evaluate_predictions(folder / "predictions.jsonl", {"text": {}}, (), "exact", 42, folder)
    assert write_events(tmp_path, folder, summary) is None
    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "progress.json").write_text('{"step": 7, "steps": 7}')
    for _ in range(2):
        assert write_events(tmp_path, folder, summary) == tmp_path / "tensorboard" / "evaluation"
    read = EventAccumulator(str(tmp_path / "tensorboard" / "evaluation"))
    read.Reload()
    assert [(one.step, one.value) for one in read.Scalars("evaluation/exact/tuned")] == [(7, 0.5)]
    assert [one.value for one in read.Scalars("evaluation/exact/base")] == [0.5]
