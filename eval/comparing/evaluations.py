"""Evaluated runs: a run's folder in, what comparisons need of it out, or a line that says what is wrong with it.

EvaluatedRun(run="robot-lora-20261121-053004", where="", recipe="robot-lora", profile="tiny", summary=Summary(…),
           rows=("samples/robot.json#12", …), groups=("samples/robot.json#12", …), scores=({"exact": 1.0}, …))
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from pydantic import ValidationError

from eval.report.answers import EvaluatedAnswer
from eval.scoring.baselines import read_baseline_scores
from eval.scoring.predictions import read_predictions
from eval.scoring.rows_of_answers import Scores, average_rows, take_rows
from eval.scoring.score_range import check_range
from eval.scoring.summary import Summary
from recipebook.errors import UserError, format_first_error
from recipebook.project import shown
from recipebook.recipe.base_model import find_stand_in, format_notice
from recipebook.run import rundir
from recipebook.run.rundir import Run


class EvaluatedRun(NamedTuple):
    """The tuned model's scores row by row, and the conditions that they were measured under.

    A row with several answers has the means of their scores. `where` is the evaluation's folder in the run's `eval/`:
    `""` for the test part at the end of training. `base` has the scores of the base model, if there are some, and
    `baselines` those of each baseline.
    `questions` has the hash of each row's question, `""` where none was written down. `members` names the member that
    answered each row, for a fleet that is taken as one system (eval/comparing/join.py). `note` follows the name on
    pages; `notice` is about a model that stands in for the recipe's base. `seeds` has the scores of each training of a
    fleet over seeds (eval/comparing/seeds.py), of which `scores` is the mean. `folder` is the run's, or the fleet's,
    and `trainings` are the folders of its members.
    """

    run: str
    where: str
    recipe: str
    profile: str | None
    summary: Summary
    rows: tuple[str, ...]
    groups: tuple[str, ...]
    scores: tuple[Scores, ...]
    questions: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    note: str = ""
    notice: str | None = None
    seeds: tuple[tuple[Scores, ...], ...] = ()
    folder: Path | None = None
    trainings: tuple[Path, ...] = ()
    base: tuple[Scores, ...] = ()
    baselines: Mapping[str, tuple[Scores, ...]] = MappingProxyType({})

    @property
    def page(self) -> Path | None:
        """The report, or the fleet's page; None where there is none."""
        name = "seeds.html" if self.seeds else "members.html" if self.members else f"eval/{self.where}/report.html"
        return self.folder / name if self.folder and (self.folder / name).is_file() else None

    @property
    def of_one_training(self) -> bool:
        """Whether one training gave all answers, so that another seed may give others."""
        return not self.seeds and len({*self.members}) < 2

    @property
    def name(self) -> str:
        """`robot-lora-20261121-053004`, or `robot-lora-20261121-053004@validation/checkpoint-500`"""
        return f"{self.run}@{self.where}" if self.where else self.run

    @property
    def title(self) -> str:
        """The name, and how many seeds or members it has where it is a fleet: `robot-lora-seeds, 5 seeds`"""
        return f"{self.name}{self.note}"


def find_evaluation(query: str, runs: Path) -> tuple[Run, str]:
    """A run and which of its evaluations: `robot-lora`, `robot-lora@validation`, `robot-lora@checkpoint-500`."""
    name, at, where = query.partition("@")
    run = rundir.find(name, runs)
    known = list_evaluations(run)
    if at and where not in known:
        offered = ", ".join(f"@{one}" for one in known if one) or "none"
        raise UserError(f"{shown(run.folder)} has no evaluation '@{where}'; beside its own it has: {offered}")
    return run, where


def list_evaluations(run: Run) -> list[str]:
    """The folders below `eval/` that hold an evaluation; `""` is `eval/` itself and comes first."""
    found = [path.parent.relative_to(run.folder / "eval") for path in run.folder.glob("eval/**/summary.json")]
    return sorted("" if path == Path() else path.as_posix() for path in found)


def read_evaluation(run: Run, where: str = "") -> EvaluatedRun:
    """Read the evaluation in the folder `where` of a run's `eval/`, or in `eval/` itself."""
    manifest = run.read()
    summary = read_summary(run, where)
    if not summary.conditions:
        again = format_command(run, where)
        raise UserError(f"{shown(run.folder)} was evaluated before results could be compared: {again}")
    answers = read_answers(run, where)
    if len(answers) != (summary.answers or summary.rows):
        counts = f"{len(answers)} answers, and its summary.json {summary.answers or summary.rows}"
        raise UserError(f"{shown(find_evaluated(run, where))} has {counts}: {format_command(run, where)}")
    given = [answer.prediction for answer in answers]
    predictions = take_rows(given)
    return EvaluatedRun(
        run=run.name,
        where=where,
        recipe=manifest.recipe,
        profile=manifest.profile,
        notice=format_notice(find_stand_in(manifest.base, manifest.profile)),
        summary=summary,
        rows=tuple(item.row or item.id for item in predictions),
        groups=tuple(item.group for item in predictions),
        scores=tuple(average_rows(given, [answer.tuned for answer in answers])),
        questions=tuple(item.question_hash or "" for item in predictions),
        folder=run.folder,
        base=tuple(average_rows(given, before)) if (before := [one.base for one in answers if one.base]) else (),
        baselines={
            name: tuple(average_rows(given, scores))
            for name, scores in read_baseline_scores(
                run.folder / "eval" / where, summary, [one.id for one in given]
            ).items()
        },
    )


def name_differences(evaluations: Sequence[EvaluatedRun]) -> list[str]:
    """The conditions that the evaluations do not share: `test set`, `metric settings`, …"""
    conditions = [evaluation.summary.conditions for evaluation in evaluations]
    names = dict.fromkeys(name for one in conditions for name in one)
    differing = [name for name in names if len({one.get(name) for one in conditions}) > 1]
    # The same settings in another version of a metric.
    figures = {frozenset(result.figure for result in evaluation.summary.results) for evaluation in evaluations}
    return differing or ["figures"] * (len(figures) > 1)


def check_alike(first: EvaluatedRun, other: EvaluatedRun, besides: Sequence[str] = ()) -> None:
    """Refuse to compare what differs in more than the conditions named in `besides`."""
    if differing := [name for name in name_differences([first, other]) if name not in besides]:
        raise UserError(f"{first.name} and {other.name} cannot be compared: they differ in {' and '.join(differing)}")


def read_summary(run: Run, where: str = "") -> Summary:
    """The summary of an evaluation; a UserError with the command that evaluates again if it cannot be read."""
    path = find_evaluated(run, where) / "summary.json"
    try:
        return Summary.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise UserError(f"{shown(path)}: {format_first_error(error)}; {format_command(run, where)}") from None


def read_answers(run: Run, where: str = "") -> list[EvaluatedAnswer]:
    """The predictions of an evaluation with their scores, in order; a UserError if the two do not fit."""
    folder, again = find_evaluated(run, where), format_command(run, where)
    predictions = read_predictions(folder / "predictions.jsonl")
    try:
        lines = [json.loads(line) for line in (folder / "scores.jsonl").read_bytes().splitlines()]
        scores = {line["id"]: (line["tuned"], line.get("base")) for line in lines}
        if not all(_are_scores(tuned) and (base is None or _are_scores(base)) for tuned, base in scores.values()):
            raise ValueError
        check_range(folder / "scores.jsonl", scores, scores.values())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise UserError(f"{shown(folder / 'scores.jsonl')} holds no scores that can be read: {again}") from None
    if [*scores] != [item.id for item in predictions]:
        raise UserError(f"{shown(folder)} has scores of other rows than its predictions: {again}")
    return [EvaluatedAnswer(item, *scores[item.id]) for item in predictions]


def _are_scores(values: Mapping[str, object]) -> bool:
    return all(value is None or isinstance(value, int | float) for value in values.values())


def find_evaluated(run: Run, where: str) -> Path:
    """The folder of an evaluation; a UserError with the command that makes it if there is none."""
    folder = run.folder / "eval" / where
    if not (folder / "summary.json").is_file():
        raise UserError(f"{shown(run.folder)} is {run.read().status} and not evaluated: {format_command(run, where)}")
    return folder


def format_command(run: Run, where: str) -> str:
    """The command that repeats an evaluation: `make eval RUN=robot-lora-20261121-053004 SET="eval.limit=50"`."""
    return f"make eval RUN={run.name}{_format_settings(where)}"


def shorten_fault(error: UserError, run: Run) -> str:
    """The error, with the run's name for its folder and without the advice that is printed once for all runs."""
    advice = rf"[:;] make eval RUN={re.escape(run.name)}( .*)?$"
    return re.sub(advice, "", str(error).replace(shown(run.folder), run.name))


def _format_settings(where: str) -> str:
    """The settings with which `make eval` repeats this evaluation."""
    _, _, checkpoint = where.partition("checkpoint-")
    limit = re.search(r"(?:^|/)limit-(\d+)", where)
    part = "validation" if where.startswith("validation") else "test" if checkpoint else ""
    ways = re.findall(r"(?:^|/)(temperature|adapter)-([^/]+)", where)
    given = [*([f"eval.part={part}"] if part else []), *([f"eval.limit={limit[1]}"] if limit else [])]
    given += [f"eval.generation.{key}={value}" for key, value in ways]
    settings = " DATA=FILE" if where.startswith("data-") else ""
    settings += " MODEL=FOLDER" if "model-" in where else ""
    settings += f" CHECKPOINT={checkpoint}" if checkpoint else ""
    return settings + (f' SET="{" ".join(given)}"' if given else "")
