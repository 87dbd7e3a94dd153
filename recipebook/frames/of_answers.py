"""A run's evaluation in; a frame of its predictions, or of their scores, out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from eval.comparing.evaluations import find_evaluated, read_answers
from eval.scoring.predictions import Prediction, read_predictions
from recipebook.frames.choosing import ChosenRun, choose_evaluations, get_folder
from recipebook.frames.columns import build_frame
from recipebook.frames.schemas import BASE, PREDICTIONS, SCORES, TUNED

Row = dict[str, Any]
# Mappings, of which each key becomes a column.
NESTED = ("meta", "measures", "baseline_measures")


def predictions(run: str, folder: Path | None = None) -> pd.DataFrame:
    """The answers of a run's evaluation, a row each, in the file's order.

    `run` is the name of a run, recipe or fleet; `run@validation` or `run@checkpoint-500` is another of its evaluations.
    Every field of `meta` is a column. The columns and their dtypes are `frames.PREDICTIONS`.

        >>> frames.predictions("robot-lora")[["id", "reference", "prediction", "meta.category"]].head(2)
                              id      reference           prediction meta.category
        0   samples/robot.json#3   robot.stop()         robot.stop()        safety
        1  samples/robot.json#12  robot.wait(2)  robot.wait(seconds=2)        timing
    """
    chosen = choose_evaluations(run, get_folder(folder))
    return build_frame(PREDICTIONS, [row for one in chosen for row in _list_predictions(one)])


def scores(run: str, folder: Path | None = None) -> pd.DataFrame:
    """The scores of a run's evaluation: a row for each answer, system and figure.

    `run` is a name as in `predictions`, to which `run`, `evaluation` and `id` join the scores. The columns and their
    dtypes are `frames.SCORES`.

        >>> scores = frames.scores("robot-lora")
        >>> scores.groupby(["figure", "system"], observed=True)["value"].mean().unstack()
        system     tuned  base
        figure
        exact   0.834489   0.0
        parses  0.996534   0.0
    """
    chosen = choose_evaluations(run, get_folder(folder))
    return build_frame(SCORES, [row for one in chosen for row in _list_scores(one)])


def _list_predictions(chosen: ChosenRun) -> Iterator[Row]:
    for item in read_predictions(find_evaluated(chosen.run, chosen.where) / "predictions.jsonl"):
        yield {**_identify(chosen, item), **item.model_dump(exclude={*NESTED}), **_flatten(item)}


def _list_scores(chosen: ChosenRun) -> Iterator[Row]:
    for answer in read_answers(chosen.run, chosen.where):
        for system, scores in ((TUNED, answer.tuned), (BASE, answer.base)):
            for figure, value in (scores or {}).items():
                yield {**_identify(chosen, answer.prediction), "system": system, "figure": figure, "value": value}


def _identify(chosen: ChosenRun, item: Prediction) -> Row:
    return {**chosen.identification, "evaluation": chosen.where, "id": item.id}


def _flatten(item: Prediction) -> Row:
    """`{"meta.category": "safety", "measures.answer": -3.2}`"""
    return {f"{name}.{key}": value for name in NESTED for key, value in (getattr(item, name) or {}).items()}
