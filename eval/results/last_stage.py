"""Recipes whose figure belongs to their last stage: the stages in; that stage, and what it changed, out.

    os-interaction-rl: sft 0.430, rl 0.645   →   tuned 0.645, and sft's 0.430 in the place of the base's

A recipe with metrics of its own has its figure by these, and its base is the model without any training.
"""

from collections.abc import Sequence
from pathlib import Path

from eval.report.stage_summary import BASE, read_stages
from eval.results.pooling import read_figures
from eval.scoring.figures import Result
from eval.scoring.predictions import read_predictions
from eval.scoring.score import read_scores
from eval.scoring.summary import Summary, summarise
from recipebook.recipe.resolve import Resolved
from recipebook.recipe.stages import Stage


def find_measured(resolved: Resolved, stages: Sequence[Stage]) -> Stage | None:
    """The last stage that trains, if the recipe's figure is its own; None where the recipe has metrics or no figure."""
    trained = [stage for stage in stages if stage.kind is None]
    if resolved.recipe.eval.metrics or not trained or not trained[-1].recipe.eval.metrics:
        return None
    return trained[-1]


def compare_with_start(folder: Path, summary: Summary) -> tuple[Result, str | None]:
    """The main figure of the last stage, compared with that of the stage before it, and that stage's name.

    `folder` has the evaluation of the last stage. Without a stage before it, the base stays what it is compared with.
    """
    stages = read_stages(folder)
    section = stages.sections[0] if stages else None
    before = section.models[-2] if section else BASE
    if section is None or before == BASE:
        return summary.headline, None
    tuned, _ = read_scores(folder / "scores.jsonl")
    start, _ = read_scores(folder / section.name / before / "scores.jsonl")
    predictions = read_predictions(folder / "predictions.jsonl")
    return summarise(predictions, tuned, start, read_figures(summary), (), summary.seed, summary.main).headline, before
