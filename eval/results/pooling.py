"""The members of a fleet as one system: their evaluations in, one summary over all their answers out.

    joy_plus     24 rows  nll 2.310, base 4.120
    wisdom_plus  31 rows  nll 2.802, base 4.005   →   55 rows, nll 2.587, base 4.055

Where members were evaluated on the same rows, their answers to a row count as one group, and so the figure is the
members' mean. Where each has rows of its own, each row is answered by the member that it belongs to.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from eval.comparing.join import TEST_SET
from eval.scoring.evaluated_rows import DrawnRows, EvaluatedRows
from eval.scoring.figures import Figure
from eval.scoring.predictions import Prediction, read_predictions
from eval.scoring.rows_of_answers import Scores
from eval.scoring.score import read_scores
from eval.scoring.summary import Summary, summarise
from recipebook.errors import UserError


def pool_members(folders: Mapping[str, Path]) -> Summary:
    """Sum up the answers of all members, which `folders` names with their evaluations."""
    summaries = [Summary.model_validate_json((folder / "summary.json").read_bytes()) for folder in folders.values()]
    first = summaries[0]
    for name, summary in zip(folders, summaries, strict=True):
        if _list_alike(summary) != _list_alike(first):
            raise UserError(f"{name} was not evaluated in the same way as {next(iter(folders))}")
    shared = len({summary.conditions[TEST_SET] for summary in summaries}) == 1
    predictions: list[Prediction] = []
    tuned: list[Scores] = []
    base: list[Scores] = []
    for name, folder in folders.items():
        predictions += [_rename(one, name, shared) for one in read_predictions(folder / "predictions.jsonl")]
        own, before = read_scores(folder / "scores.jsonl")
        tuned += own
        base += before or []
    figures = read_figures(first)
    pooled = summarise(predictions, tuned, base if first.with_base else None, figures, (), first.seed, first.main)
    return pooled.model_copy(update={"asked": first.asked and _sum_drawn(first.asked, summaries)})


def read_figures(summary: Summary) -> dict[str, Figure]:
    """What an evaluation's figures are, as another sum of its scores needs it."""
    fields = set(Figure.model_fields)
    return {one.figure: Figure.model_validate(one.model_dump(include=fields)) for one in summary.results}


def _list_alike(summary: Summary) -> tuple[object, ...]:
    """What the evaluations must share."""
    conditions = {name: value for name, value in summary.conditions.items() if name != TEST_SET}
    return conditions, summary.main, summary.seed, summary.with_base, [result.figure for result in summary.results]


def _sum_drawn(asked: EvaluatedRows, summaries: Sequence[Summary]) -> EvaluatedRows:
    """The rows that a limit left out of all members' evaluations."""
    drawn = [summary.asked.drawn for summary in summaries if summary.asked and summary.asked.drawn]
    whole = sum(summary.rows for summary in summaries if not (summary.asked and summary.asked.drawn))
    rows = DrawnRows(rows=whole + sum(one.rows for one in drawn), of=whole + sum(one.of for one in drawn))
    return asked.model_copy(update={"drawn": rows if drawn else None})


def _rename(one: Prediction, member: str, shared: bool) -> Prediction:
    """The prediction with an id of its own; a record of a member's own data is no other member's."""
    group = one.group if shared else f"{member}: {one.group}"
    row = one.row and f"{member}: {one.row}"
    return one.model_copy(update={"id": f"{member}: {one.id}", "row": row, "unit": group})
