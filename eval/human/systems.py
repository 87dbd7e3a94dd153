"""Evaluated runs in; the prompts that all answered, with every system's answer for people to judge, out.

    (("base", "tuned"), [Question(id="samples/robot.json#12", conversation="samples/robot.json#12",
      messages=({"role": "user", "content": "stop"},), answers={"base": "the the", "tuned": "robot.stop()"}), …])

A run gives its base and its tuned model; a run with stages gives its base and each stage's model. Several runs give a
shared base once; they are named by their recipes, or by their own names where two have the same recipe.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from eval.asking.prompts import Prompt, read_prompts
from eval.comparing.evaluations import EvaluatedRun, find_evaluation, list_evaluations, read_evaluation
from eval.report.stage_summary import read_stages
from eval.scoring.predictions import Prediction, read_predictions
from eval.scoring.rows_of_answers import has_several
from recipebook import project
from recipebook.errors import UserError
from recipebook.project import shown
from recipebook.rows import Message
from recipebook.run.rundir import Run


class Question(NamedTuple):
    """A prompt as it was asked; questions of one `conversation` are not independent."""

    id: str
    conversation: str
    messages: tuple[Message, ...]
    answers: dict[str, str]


class _EvaluationPlace(NamedTuple):
    """An evaluation in a run, the stage whose model it is of, and the folder with its rows."""

    run: Run
    where: str
    stage: str | None
    data: Path


class _Answered(NamedTuple):
    """One evaluation with its answers by prompt."""

    place: _EvaluationPlace
    evaluation: EvaluatedRun
    predictions: dict[str, Prediction]
    base: str


def read_systems(queries: Sequence[str], runs: Path = project.RUNS) -> tuple[tuple[str, ...], list[Question]]:
    """The systems in the order of the runs, bases first, and every prompt that all of them answered."""
    found = [_read(place) for query in queries for place in _find_places(query, runs)]
    systems = _name_systems(found)
    if len(systems) < 2:
        raise UserError(f"{shown(found[0].place.run.folder)}: a system alone cannot be compared; RUNS names more")
    prompts = _read_prompts(found[0])
    shared = [
        name
        for name in found[0].predictions
        if all(_agree(name, found[0], other) for other in found) and name in prompts
    ]
    if not shared:
        raise UserError(f"{' and '.join(queries)} share no prompt; runs with the same data and eval settings do")
    questions = [
        Question(
            id=name,
            conversation=found[0].predictions[name].group,
            messages=prompts[name].messages,
            answers={system: _get_answer(found, at, name) for system, at in systems.items()},
        )
        for name in shared
    ]
    return tuple(systems), questions


def _find_places(query: str, runs: Path) -> list[_EvaluationPlace]:
    """The evaluation that `query` names; for a run with stages, all of the first section whose answers are texts."""
    run, where = find_evaluation(query, runs)
    summary = read_stages(run.folder / "eval")
    if summary is None:
        return [_EvaluationPlace(run, where, None, run.folder / "data")]
    known = list_evaluations(run)
    places: list[_EvaluationPlace] = []
    for section in summary.sections:
        data = run.folder / "stages" / section.name / "data"
        if where.startswith(f"{section.name}/"):
            return [_EvaluationPlace(run, where, None, data)]
        # The last model under the recipe's own section stands where every run has its evaluation.
        folders = {stage: f"{section.name}/{stage}" for stage in section.models[1:]}
        places = [
            _EvaluationPlace(run, folder if folder in known else "", stage, data) for stage, folder in folders.items()
        ]
        if not where and _has_text(places[-1]):
            return places
    return places


def _has_text(place: _EvaluationPlace) -> bool:
    path = place.run.folder / "eval" / place.where / "predictions.jsonl"
    return any(item.prediction for item in read_predictions(path))


def _read(place: _EvaluationPlace) -> _Answered:
    run, where = place.run, place.where
    evaluation = read_evaluation(run, where)
    predictions = {item.id: item for item in read_predictions(run.folder / "eval" / where / "predictions.jsonl")}
    if not any(item.prediction for item in predictions.values()):
        raise UserError(
            f"{evaluation.name} was evaluated without generating answers; a metric such as text needs them: "
            f'make eval RUN={run.name} SET="eval.metrics.text={{}}"'
        )
    if has_several([*predictions.values()]):
        again = f'make eval RUN={run.name} SET="eval.generation.samples=1 eval.variants=null"'
        raise UserError(f"{evaluation.name} has several answers to a row, and people judge one of each: {again}")
    return _Answered(place, evaluation, predictions, str(run.read().hashes.get("base")))


def _name_systems(found: Sequence[_Answered]) -> dict[str, tuple[int, bool]]:
    """Each system's name, the evaluation that has its answers, and whether it is the base of that."""
    recipes = Counter(recipe for _, recipe in {(one.evaluation.run, one.evaluation.recipe) for one in found})
    bases = {one.base: at for at, one in reversed([*enumerate(found)]) if _has_base(one)}
    alone = sum(recipes.values()) == 1
    own = [_name(one, alone=alone, known=recipes[one.evaluation.recipe] == 1) for one in found]
    if len(found) == 1:
        own = ["tuned"]
    twice = [name for name in own if own.count(name) > 1]
    if twice:
        raise UserError(f"RUNS: {twice[0]} is named twice; a run does not differ from itself")
    names = {"base" if len(bases) == 1 else f"base of {own[at]}": (at, True) for at in sorted(bases.values())}
    return names | {name: (at, False) for at, name in enumerate(own)}


def _name(one: _Answered, *, alone: bool, known: bool) -> str:
    run, where, stage, _ = one.place
    name = one.evaluation.recipe if known else run.name
    if stage:
        return stage if alone else f"{name}@{stage}"
    return f"{name}@{where}" if where else name


def _has_base(one: _Answered) -> bool:
    return next(iter(one.predictions.values())).baseline is not None


def _agree(name: str, first: _Answered, other: _Answered) -> bool:
    mine, theirs = first.predictions[name], other.predictions.get(name)
    return theirs is not None and (mine.prompt, mine.reference) == (theirs.prompt, theirs.reference)


def _read_prompts(one: _Answered) -> dict[str, Prompt]:
    """The whole prompts by id; predictions hold only the last message of each."""
    evaluated = one.evaluation.summary.asked
    rows = one.place.data / f"{evaluated.part if evaluated else 'test'}.jsonl"
    # The last turn of a row alone has another id than the same turn among all.
    return {prompt.id: prompt for turns in ("all", "last") for prompt in read_prompts(rows, turns)}


def _get_answer(found: Sequence[_Answered], at: tuple[int, bool], name: str) -> str:
    prediction = found[at[0]].predictions[name]
    return (prediction.baseline or "") if at[1] else prediction.prediction
