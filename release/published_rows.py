"""An evaluation's scores row by row, fit to be published, and the statistics from them again: no model is needed.

    evaluation/rows.jsonl     {"group": "0000004", "slices": {"category": "movement"}, "truncated": false,
                               "base_truncated": true, "tuned": {"exact": 1.0}, "base": {"exact": 0.0}, "baselines": {}}
    evaluation/figures.json   {"seed": 42, "main": "exact", "slices": ["category"], "figures": {"exact": {…}}}

A row has no text: neither prompt nor answer, nor the name of its record. Rows of one group are not independent; groups
are numbered in the order of their names, so that whatever is drawn by group is drawn alike.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from eval.scoring.baselines import compare_baseline
from eval.scoring.figures import Figure
from eval.scoring.predictions import Prediction
from eval.scoring.rows_of_answers import Scores
from eval.scoring.summary import Summary, summarise
from recipebook.errors import UserError, format_first_error, on_one_line
from recipebook.frozen import Frozen

OF_ANSWERS = {"rows", "answers", "truncated", "truncated_base"}
STATISTICS = {*OF_ANSWERS, "main", "seed", "with_base", "results", "slices", "baselines"}
ROWS, FIGURES, SUMMARY = "evaluation/rows.jsonl", "evaluation/figures.json", "evaluation/summary.json"


class PublishedRow(Frozen):
    """One evaluated row without its texts."""

    group: str
    row: str | None = None
    """The number of the row, where it has several answers."""
    slices: dict[str, str] = Field(default_factory=dict)
    truncated: bool
    base_truncated: bool | None
    tuned: Scores
    base: Scores | None
    baselines: dict[str, Scores] = Field(default_factory=dict)


class PublishedFigures(Frozen):
    """What the figures mean, and how they were summed up."""

    seed: int
    main: str
    slices: tuple[str, ...]
    figures: dict[str, Figure]


def read_published(folder: Path) -> tuple[list[PublishedRow], PublishedFigures, Summary]:
    """The rows, figures and summary of a publication; a UserError where one of its files cannot be read."""
    path = folder
    try:
        path = folder / ROWS
        rows = [PublishedRow.model_validate_json(line) for line in path.read_bytes().splitlines()]
        path = folder / FIGURES
        figures = PublishedFigures.model_validate_json(path.read_bytes())
        path = folder / SUMMARY
        summary = Summary.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; CARD= names a publication's folder, or its README.md") from None
    except ValidationError as error:
        raise UserError(f"{path}: {format_first_error(error)}") from None
    for number, row in enumerate(rows, 1):
        if fault := _find_gap(row, rows[0], figures):
            raise UserError(on_one_line(f"{folder / ROWS}:{number}: {fault}"))
    return rows, figures, summary


def _find_gap(row: PublishedRow, first: PublishedRow, figures: PublishedFigures) -> str | None:
    """What one row has and another lacks, so that nothing can be computed of them."""
    if (row.base is None) != (first.base is None):
        return "some rows have scores of the base, and others none"
    if row.baselines.keys() != first.baselines.keys():
        return "its baselines are not those of the first row"
    scored = {"tuned": row.tuned, **({"base": row.base} if row.base is not None else {}), **row.baselines}
    gaps = (
        f"no '{figure}' of {name}"
        for name, scores in scored.items()
        for figure in figures.figures
        if figure not in scores
    )
    return next(gaps, None)


def sum_up(rows: Sequence[PublishedRow], figures: PublishedFigures, published: Summary) -> Summary:
    """The summary that the rows give; what no row has, such as the notes of the evaluation, is the published one's."""
    predictions = [
        Prediction(
            id=str(number),
            reference="",
            prediction="",
            meta=dict(row.slices),
            unit=row.group,
            truncated=row.truncated,
            baseline_truncated=row.base_truncated,
            row=row.row,
        )
        for number, row in enumerate(rows)
    ]
    tuned = [row.tuned for row in rows]
    base = [row.base for row in rows if row.base is not None]
    found = summarise(predictions, tuned, base or None, figures.figures, figures.slices, figures.seed, figures.main)
    names = dict.fromkeys(name for row in rows for name in row.baselines)
    baselines = tuple(
        compare_baseline(name, figures.figures, predictions, [row.baselines[name] for row in rows], tuned, figures.main)
        for name in names
    )
    kept = {key: value for key, value in published if key not in STATISTICS}
    return found.model_copy(update={**kept, "baselines": baselines})
