"""The vote of a fleet: its members' evaluations in, what most of them answer out, evaluated like any run.

    members  robot.turn(angle=90)    robot.turn(angle=90.0)    robot.stop()
    vote     robot.turn(angle=90)    2 of 3

Answers are the same if the metric reads them as the same. Its `make_reader(options)` returns the function that reads
an answer, and that returns None for one that it cannot read; without `make_reader` the text is compared. An unreadable
answer has no vote, unless all are unreadable. In a tie, the member whose name comes first decides.
"""

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any

from eval.comparing.evaluations import EvaluatedRun, name_differences, read_evaluation
from eval.opening import replacing_evaluation
from eval.report.page import ReportInput, write_report
from eval.scoring.evidence import Evidence
from eval.scoring.predictions import Prediction, read_predictions
from eval.scoring.score import evaluate_predictions, load_metric, read_options
from eval.scoring.summary import Summary
from recipebook import project
from recipebook.errors import UserError
from recipebook.files import digest, replacing, write_text
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.keys import Recipe
from recipebook.run.manifest import Manifest, format_now
from recipebook.run.rundir import VOTE, Run

Reader = Callable[[str], Hashable | None]


def evaluate_vote(
    fleet: str, members: Sequence[tuple[Run, Manifest]], recipe: Recipe, where: Path = Path("eval")
) -> Summary:
    """Let members vote that were evaluated under the recipe's `eval`; write the evaluated vote to runs/<fleet>/vote.

    `where` is the folder of the evaluations in each member's own folder, and of the vote in its.
    """
    evaluations = [read_evaluation(run, "/".join(where.parts[1:])) for run, _ in members]
    _check_same(evaluations)
    answers = zip(*(read_predictions(run.folder / where / "predictions.jsonl") for run, _ in members), strict=True)
    reader = choose_reader(recipe)
    run = _open(fleet, members)
    with replacing_evaluation(run, run.folder / where) as new:
        summary = _score(answers, reader, recipe.eval, evaluations[0].summary, new)
        write_report(new / "report.html", ReportInput.read(run.folder, new, run.folder / where))
    return summary


def _score(
    answers: Iterable[tuple[Prediction, ...]], reader: Reader, settings: Evaluation, first: Summary, folder: Path
) -> Summary:
    elected = [elect(one, reader) for one in answers]
    with replacing(folder / "predictions.jsonl") as file:
        for one in elected:
            file.write(one.model_dump_json(exclude_none=True).encode() + b"\n")
    # That the members act, each one's own evaluation has proved.
    changed = sum(one.prediction != one.baseline for one in elected)
    return evaluate_predictions(
        folder / "predictions.jsonl",
        settings.metrics,
        (*settings.slices, "votes"),
        settings.main,
        settings.seed,
        folder,
        first.conditions,
        first.asked,
        Evidence(acting=None, rows=len(elected), answers_changed=changed, likelihoods=None),
    )


def choose_reader(recipe: Recipe) -> Reader:
    """The reader of the recipe's first metric that has one; without any, the text."""
    for name, options in recipe.eval.metrics.items():
        if hasattr(metric := load_metric(name), "make_reader"):
            reader: Reader = metric.make_reader(read_options(name, options))
            return reader
    return str.strip


def elect(answers: Sequence[Prediction], read: Reader) -> Prediction:
    """The answer of the first member whose answer has the most votes, with the number of votes in its meta."""
    read_as = [read(one.prediction) for one in answers]
    votes = Counter(answer for answer in read_as if answer is not None)
    # Counter keeps the order of the members, so the first of them decides a tie.
    winner, count = votes.most_common(1)[0] if votes else (None, 0)
    first = answers[read_as.index(winner)]
    return first.model_copy(update={"meta": {**first.meta, "votes": f"{count} of {len(answers)}"}})


def _check_same(evaluations: Sequence[EvaluatedRun]) -> None:
    if len(evaluations) < 2:
        raise UserError("matrix.vote: one evaluated member has nobody to vote with")
    first = evaluations[0]
    if first.summary.asked and not first.summary.asked.engine:
        raise UserError(f"matrix.vote: the metrics of {first.recipe} generate no answers to vote by")
    for other in evaluations[1:]:
        if differing := name_differences([first, other]):
            raise UserError(f"{first.name} and {other.name} cannot vote together: they differ in {differing[0]}")


def _open(fleet: str, members: Sequence[tuple[Run, Manifest]]) -> Run:
    """A folder with the files that a page reads: the recipe, and a manifest that names the voters."""
    run, (first, manifest) = Run(project.RUNS / fleet / VOTE, fleet), members[0]
    run.folder.mkdir(exist_ok=True)
    write_text(run.folder / "recipe.yaml", (first.folder / "recipe.yaml").read_text(encoding="utf-8"))
    fields: dict[str, Any] = {
        "run": run.name,
        "member": None,
        "voters": tuple(one.name for one, _ in members),
        "status": "done",
        "identity": digest(json.dumps([each.identity for _, each in members])),
        "created": format_now(),
        "overrides": (),
        "command": (),
        "environment": {},
        "seconds": {},
        "attempts": (),
        "final_loss": None,
        "diagnosis": None,
        "weights": None,
    }
    run.write(manifest.model_copy(update=fields))
    return run
