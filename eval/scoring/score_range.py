"""What scores a figure can have: the scores of an evaluation's file in; a UserError out where one cannot be.

    check_range(Path("eval/scores.jsonl"), ["a#1"], [({"exact": 7.0}, {"exact": 0.0})])
    → eval/scores.jsonl: a#1: exact is 7, and can be 0 or 1

Figures are declared in the summary.json beside the file. An edited score of the right shape would be believed
otherwise.
"""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from eval.scoring.figures import Result
from eval.scoring.rows_of_answers import Scores
from eval.scoring.summary import Summary
from recipebook.errors import UserError
from recipebook.project import shown


def check_range(path: Path, ids: Iterable[str], scores: Iterable[tuple[Scores, Scores | None]]) -> None:
    """Refuse the first answer, tuned or base, whose figure cannot have its score."""
    declared = {one.figure: one for one in _read_results(path.parent) if one.ratio is None and _describe_range(one)}
    for name, answers in zip(ids, scores, strict=True):
        for row in answers:
            for figure, value in (row or {}).items():
                if value is not None and figure in declared and not _is_within(value, declared[figure]):
                    can = _describe_range(declared[figure])
                    raise UserError(f"{shown(path)}: {name}: {figure} is {value:g}, and can be {can}")


def _read_results(folder: Path) -> tuple[Result, ...]:
    """The figures of the evaluation in a folder; none where its summary cannot be read, of which its readers tell."""
    try:
        return Summary.model_validate_json((folder / "summary.json").read_bytes()).results
    except (OSError, ValidationError):
        return ()


def _describe_range(figure: Result) -> str:
    if figure.binary:
        return "0 or 1"
    if figure.share:
        return "between 0 and 1"
    return "" if figure.least is None else f"{figure.least:g} or more"


def _is_within(value: float, figure: Result) -> bool:
    if figure.binary:
        return value in (0, 1)
    if figure.share:
        return 0 <= value <= 1
    return figure.least is None or value >= figure.least
