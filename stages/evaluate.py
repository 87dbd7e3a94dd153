"""A stage's model evaluated during the run, by the stage's `eval` section on the held-out rows of its `data` section.

    - {name: look, evaluate: {}, from: sft}     leaves predictions.jsonl, scores.jsonl, summary.json

`make eval` evaluates every stage's model after the run; this kind is for figures that you need before the next stage.
"""

import json
from pathlib import Path

from eval.asking.prompts import draw_prompts
from recipebook.errors import UserError
from recipebook.files import write_text
from recipebook.frozen import Frozen
from recipebook.pipeline.job import StageJob
from recipebook.run.rundir import Run
from recipebook.run.stage_run import StageRun

MAKES_ROWS = False


class Options(Frozen):
    """What a recipe may set: nothing here; the stage's `eval` section has the metrics."""


def run(job: StageJob, options: Options) -> None:
    """Evaluate the model that the stage starts from against the base."""
    # Here and not above: checking a recipe should not wait for all that evaluation imports.
    from eval.evaluate import evaluate_model
    from eval.report.page import terminal_table

    weights = Path(job.adapter or job.tokenizer)
    if weights.parent.parent != job.folder.parent:
        raise UserError(f"stage '{job.name}' starts from the base, of which nothing was trained to evaluate")
    settings = job.recipe.eval
    drawn = draw_prompts(job.rows[settings.part], settings.limit, settings.turns)
    stage = StageRun(Run(job.folder.parents[1]), weights.parent.name)
    summary = evaluate_model(stage, job.recipe, drawn, weights, job.folder)
    print(terminal_table(summary))
    headline = summary.headline
    write_text(job.folder / "account.json", json.dumps({headline.figure: headline.tuned.mean}))
