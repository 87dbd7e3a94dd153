"""Answers that need no training, scored as the tuned model's: their figures, and tuned against each in the main one.

    Baseline(name="nearest", estimates={"exact": Estimate(mean=0.412, …), …}, difference=Difference(mean=0.422, …))

Tuned is better than the strongest baseline where it is better than each: every test has the level of the verdict, and
their largest p-value is that of the verdict (Berger, "Multiparameter hypothesis testing and acceptance sampling",
Technometrics 24, 1982). So which baseline is the strongest may be seen in the very rows.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from eval.scoring.figures import Figure, compare_figure, estimate_figure, mean_of_answers
from eval.scoring.predictions import Prediction, read_predictions
from eval.scoring.rows_of_answers import Scores, average_rows, has_several, take_rows
from eval.scoring.score import read_options, score_predictions
from eval.scoring.summary import Baseline, Summary
from recipebook.files import write_text
from recipebook.recipe.evaluation_keys import Published

PLACEBO = "placebo"
"""The name of the answers of a model that was trained on shuffled answers."""
ANSWERS, SCORES = "baselines.jsonl", "baseline_scores.jsonl"
BEFORE = "before"
"""The name of the answers of the adapter that a training went on from."""


def add_baselines(
    folder: Path,
    summary: Summary,
    metrics: Mapping[str, Mapping[str, Any]],
    answers: Mapping[str, Sequence[str]],
    published: Published | None,
) -> Summary:
    """Write the evaluation in `folder` again with baselines' figures, and their answers into baselines.jsonl."""
    predictions = read_predictions(folder / "predictions.jsonl")
    settings = {name: read_options(name, options) for name, options in metrics.items()}
    scored = score_predictions(predictions, settings)
    found: list[Baseline] = []
    scores = {name: score_answers(predictions, texts, settings) for name, texts in answers.items()}
    for name, own in scores.items():
        found.append(compare_baseline(name, scored.figures, predictions, own, scored.tuned, summary.main))
    ids = [one.id for one in predictions]
    if answers:
        _write_columns(folder / ANSWERS, ids, answers)
        _write_columns(folder / SCORES, ids, scores)
    whole = summary.model_copy(update={"baselines": tuple(found), "published": published})
    write_text(folder / "summary.json", whole.model_dump_json(indent=1) + "\n")
    return whole


def read_baseline_scores(folder: Path, summary: Summary, ids: Sequence[str]) -> dict[str, list[Scores]]:
    """The scores of the evaluation's baselines, answer by answer; earlier versions did not write them down."""
    path = folder / SCORES
    lines = [json.loads(line) for line in path.read_bytes().splitlines()] if path.is_file() else []
    if [line["id"] for line in lines] != [*ids]:
        return {}
    return {one.name: [line[one.name] for line in lines] for one in summary.baselines if one.name in lines[0]}


def score_answers(
    predictions: Sequence[Prediction], texts: Sequence[str], settings: Mapping[str, BaseModel]
) -> list[Scores]:
    """The scores of other answers to the same prompts."""
    own = [
        one.model_copy(update={"prediction": text, "baseline": None, "measures": None})
        for one, text in zip(predictions, texts, strict=True)
    ]
    return score_predictions(own, settings).tuned


def compare_baseline(
    name: str,
    figures: Mapping[str, Figure],
    predictions: Sequence[Prediction],
    scores: Sequence[Scores],
    tuned: Sequence[Scores],
    main: str,
) -> Baseline:
    """A baseline's figures from its scores, and tuned less it in the main one."""
    groups = [one.group for one in take_rows(predictions)]
    scores, tuned = average_rows(predictions, scores), average_rows(predictions, tuned)
    if has_several(predictions):
        figures = {key: mean_of_answers(figure) for key, figure in figures.items()}
    estimates = {key: estimate_figure(key, figure, scores, groups) for key, figure in figures.items()}
    difference = compare_figure(main, figures[main], scores, tuned, groups)
    return Baseline(name=name, estimates=estimates, difference=difference)


def _write_columns(path: Path, ids: Sequence[str], columns: Mapping[str, Sequence[Any]]) -> None:
    """`{"id": "a.json#12", "nearest": "robot.stop()", …}`"""
    lines = [{"id": one, **{name: column[at] for name, column in columns.items()}} for at, one in enumerate(ids)]
    write_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
