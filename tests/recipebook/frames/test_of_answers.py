"""Frames of predictions and scores: what the files of an evaluation hold, for runs, their parts, and fleets."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from eval.scoring.predictions import Prediction
from recipebook import frames
from recipebook.errors import UserError
from tests.recipebook.frames.making import answer, evaluate, write_lines, write_run

LINES = [
    {
        **answer(1, "=1+1", "", meta={"topic": "a", "turn": 1, "ends": True}, new_tokens=3, truncated=True, unit="u"),
        "measures": {"answer": -2.5},
        "baseline_measures": {"answer": -7},
        "question_hash": "h1",
    },
    answer(2, "right", "right", meta={"topic": None, "turn": 2, "tags": ["x", "é"], "size": 0.5}),
]


def list_values(frame: Any, name: str) -> list[Any]:
    return [None if value is pd.NA else value for value in frame[name]]


def test_predictions_are_what_the_file_holds(tmp_path: Path) -> None:
    evaluate(write_run(tmp_path, "robot-1"), LINES)
    frame = frames.predictions("robot", tmp_path)
    stated = [(column.name, column.dtype) for column in frames.PREDICTIONS.columns]
    assert [(name, str(dtype)) for name, dtype in frame.dtypes.items()] == [
        *stated, ("meta.ends", "boolean"), ("meta.size", "Float64"), ("meta.tags", "string"),
        ("meta.topic", "string"), ("meta.turn", "Int64"), ("measures.answer", "Float64"),
        ("baseline_measures.answer", "Float64"),
    ]  # fmt: skip
    assert {name: list_values(frame, name) for name in frame.columns} == {
        "run": ["robot-1", "robot-1"], "member": [None, None], "evaluation": ["", ""], "id": ["a.json#1", "a.json#2"],
        "prompt": ["p", "p"], "reference": ["right", "right"], "prediction": ["=1+1", "right"],
        "baseline": ["", "right"], "new_tokens": [3, None], "truncated": [True, False],
        "baseline_truncated": [None, None], "unit": ["u", None],
        "question_hash": ["h1", None], "row": [None, None], "meta.ends": [True, None], "meta.size": [None, 0.5],
        "meta.tags": [None, '["x", "é"]'], "meta.topic": ["a", None], "meta.turn": [1, 2],
        "measures.answer": [-2.5, None], "baseline_measures.answer": [-7.0, None],
    }  # fmt: skip


def test_every_field_of_a_prediction_is_a_column() -> None:
    columns = {column.name for column in frames.PREDICTIONS.columns}
    groups = {one.prefix.removesuffix(".") for one in frames.PREDICTIONS.further}
    assert {*Prediction.model_fields} - columns == groups


def test_scores_are_a_row_for_each_answer_system_and_figure(tmp_path: Path) -> None:
    evaluate(write_run(tmp_path, "robot-1"), [answer(1, "right way", "no"), answer(2, "", "", reference="")])
    frame = frames.scores("robot-1", tmp_path)
    stated = [(column.name, column.dtype) for column in frames.SCORES.columns]
    assert [(name, str(dtype)) for name, dtype in frame.dtypes.items()] == stated
    assert list(frame["figure"].cat.categories) == ["exact", "pred_length", "ref_length", "length_ratio"]
    assert [*zip(frame["id"], frame["system"], frame["figure"], list_values(frame, "value"), strict=True)] == [
        ("a.json#1", "tuned", "exact", 0.0), ("a.json#1", "tuned", "pred_length", 2.0),
        ("a.json#1", "tuned", "ref_length", 1.0), ("a.json#1", "tuned", "length_ratio", 2.0),
        ("a.json#1", "base", "exact", 0.0), ("a.json#1", "base", "pred_length", 1.0),
        ("a.json#1", "base", "ref_length", 1.0), ("a.json#1", "base", "length_ratio", 1.0),
        ("a.json#2", "tuned", "exact", 1.0), ("a.json#2", "tuned", "pred_length", 0.0),
        ("a.json#2", "tuned", "ref_length", 0.0), ("a.json#2", "tuned", "length_ratio", None),
        ("a.json#2", "base", "exact", 1.0), ("a.json#2", "base", "pred_length", 0.0),
        ("a.json#2", "base", "ref_length", 0.0), ("a.json#2", "base", "length_ratio", None),
    ]  # fmt: skip


def test_answers_without_a_base_model_have_scores_of_one_system(tmp_path: Path) -> None:
    run = write_run(tmp_path, "robot-1")
    evaluate(run, [{"id": "1", "reference": "right", "prediction": "right"}])
    assert frames.scores("robot-1", tmp_path)["system"].tolist() == ["tuned"] * 4
    assert frames.predictions("robot-1", tmp_path)["baseline"].isna().tolist() == [True]


def test_another_part_or_checkpoint_is_named_behind_the_run(tmp_path: Path) -> None:
    run = write_run(tmp_path, "robot-1")
    evaluate(run, [answer(1, "right")])
    evaluate(run, [answer(8, "right"), answer(9, "no")], "validation/checkpoint-500")
    frame = frames.predictions("robot-1@validation/checkpoint-500", tmp_path)
    assert frame["evaluation"].tolist() == ["validation/checkpoint-500"] * 2
    assert frame["id"].tolist() == ["a.json#8", "a.json#9"]
    assert frames.scores("robot-1", tmp_path)["id"].unique().tolist() == ["a.json#1"]
    with pytest.raises(UserError, match="robot-1 has no evaluation '@limit-5'; beside its own it has: @validation/ch"):
        frames.predictions("robot-1@limit-5", tmp_path)


def test_a_fleets_answers_are_those_of_its_members_that_have_rows(tmp_path: Path) -> None:
    for member, tested in (("joy", 1), ("awe", 1), ("fear", 0)):
        rows = {"train": 5, "validation": 0, "test": tested}
        run = write_run(tmp_path, f"{member}-1", "traits", member=member, rows=rows)
        if tested:
            evaluate(run, [answer(1, member)])
    frame = frames.predictions("traits", tmp_path)
    assert [*zip(frame["run"], frame["member"], frame["prediction"], strict=True)] == [
        ("traits/awe-1", "awe", "awe"), ("traits/joy-1", "joy", "joy"),
    ]  # fmt: skip
    # A score belongs to its answer by the run, the evaluation and the row.
    joined = frames.scores("traits", tmp_path).merge(frame, on=["run", "evaluation", "id"], validate="many_to_one")
    assert len(joined) == 2 * 2 * 4
    assert frames.predictions("traits@validation", tmp_path).empty
    # Of a file of the user's own, every member may have an evaluation.
    with pytest.raises(UserError, match="awe-1 is trained and not evaluated: make eval RUN=traits/awe-1 DATA=FILE"):
        frames.predictions("traits@data-more-9f1c22aa", tmp_path)


def test_a_member_that_is_not_evaluated_is_named(tmp_path: Path) -> None:
    evaluate(write_run(tmp_path, "joy-1", "traits", member="joy"), [answer(1, "right")])
    write_run(tmp_path, "awe-1", "traits", member="awe")
    for table in (frames.predictions, frames.scores):
        with pytest.raises(UserError, match="awe-1 is trained and not evaluated: make eval RUN=traits/awe-1"):
            table("traits", tmp_path)


def test_an_evaluation_from_before_results_could_be_compared_is_read(tmp_path: Path) -> None:
    evaluate(write_run(tmp_path, "robot-1"), [answer(1, "right")], conditions={})
    assert frames.scores("robot-1", tmp_path)["value"].tolist()[0] == 1.0


def test_scores_of_other_rows_or_none_are_refused_in_one_line(tmp_path: Path) -> None:
    run = write_run(tmp_path, "robot-1")
    evaluate(run, [answer(1, "right")])
    path = run.folder / "eval" / "scores.jsonl"
    for text in ("[]\n", "{", '{"id": "a.json#1"}\n'):
        path.write_text(text)
        with pytest.raises(UserError, match="holds no scores that can be read: make eval RUN=robot-1"):
            frames.scores("robot-1", tmp_path)
    write_lines(path, [{"id": "a.json#2", "tuned": {"exact": 1.0}}])
    with pytest.raises(UserError, match="eval has scores of other rows than its predictions: make eval RUN=robot-1"):
        frames.scores("robot-1", tmp_path)
    path.unlink()
    assert frames.predictions("robot-1", tmp_path)["id"].tolist() == ["a.json#1"]
