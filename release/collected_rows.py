"""A run's evaluation in; its rows without their texts, as they are published, out."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from eval.opening import fill_options, read_recipe
from eval.scoring.baselines import score_answers
from eval.scoring.predictions import read_predictions
from eval.scoring.score import list_all_figures, read_options, read_scores
from eval.scoring.summary import Summary, format_slice_value
from recipebook.run.rundir import Run
from release.published_rows import PublishedFigures, PublishedRow


def collect_rows(run: Run, summary: Summary) -> tuple[list[PublishedRow], PublishedFigures]:
    """The rows and figures of a run's evaluation; baselines' answers are scored again."""
    folder = run.folder / "eval"
    recipe = read_recipe(run, ())
    settings = {name: read_options(name, options) for name, options in fill_options(recipe).items()}
    predictions = read_predictions(folder / "predictions.jsonl")
    tuned, base = read_scores(folder / "scores.jsonl")
    fields = tuple(dict.fromkeys(part.field for part in summary.slices))
    answers = _read_baselines(folder / "baselines.jsonl")
    others = {name: score_answers(predictions, texts, settings) for name, texts in answers.items()}
    numbers = {group: f"{at:07}" for at, group in enumerate(sorted({one.group for one in predictions}))}
    names = {row: f"{at:07}" for at, row in enumerate(dict.fromkeys(one.row for one in predictions if one.row))}
    rows = [
        PublishedRow(
            group=numbers[one.group],
            row=one.row and names[one.row],
            slices={field: format_slice_value(one, field) for field in fields if field in one.meta},
            truncated=one.truncated,
            base_truncated=one.baseline_truncated,
            tuned=tuned[at],
            base=base[at] if base else None,
            baselines={name: scores[at] for name, scores in others.items()},
        )
        for at, one in enumerate(predictions)
    ]
    figures = PublishedFigures(seed=summary.seed, main=summary.main, slices=fields, figures=list_all_figures(settings))
    return rows, figures


def describe_rows(rows: Sequence[PublishedRow], fields: Sequence[str]) -> str:
    """What the published rows hold, for who publishes them."""
    held = "scores, group number" + "".join(f", {field}" for field in fields)
    return f"{len(rows)} rows with {held}; no prompt, answer or name of a record"


def _read_baselines(path: Path) -> Mapping[str, list[str]]:
    lines = [json.loads(line) for line in path.read_bytes().splitlines()] if path.is_file() else []
    names = [name for name in lines[0] if name != "id"] if lines else []
    return {name: [line[name] for line in lines] for name in names}
