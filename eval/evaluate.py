"""A run in; its predictions, scores, summary and report, all in the run's `eval/` folder, out.

Reads downward: base and tuned model answer the held-out prompts, and both are scored. The validation part and
checkpoints have folders of their own in it: `eval/validation`, `eval/checkpoint-500`.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eval.asking.ask import Answers, ask, digest_conditions
from eval.asking.prompts import DrawnPrompts, Prompt, digest_question, draw_prompts
from eval.report.page import ReportInput, render
from eval.scoring.score import evaluate_predictions
from eval.scoring.summary import DrawnRows, EvaluatedRows, Summary
from recipebook.errors import UserError
from recipebook.files import replacing, write_text
from recipebook.project import shown
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.keys import Recipe
from recipebook.recipe.references import check_references
from recipebook.recipe.resolve import resolve
from recipebook.run.manifest import Status
from recipebook.run.rundir import Run
from recipebook.sources.inputs import MADE
from recipebook.terminal import format_field

if TYPE_CHECKING:
    from eval.asking.kept_base import KeptBase


def evaluate_run(
    run: Run,
    overrides: Sequence[str],
    checkpoint: int | None = None,
    kept: "KeptBase | None" = None,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[Path, Summary]:
    """Evaluate one trained model; return its folder in `eval/` and the summary."""
    weights = _find_weights(run, run.read().status, checkpoint)
    recipe = read_recipe(run, overrides)
    settings = recipe.eval
    drawn = read_rows(run, recipe)
    what = run.name + (f" at checkpoint {checkpoint}" if checkpoint else "")
    tell(format_field("run", f"{what}, {len(drawn.prompts)} {settings.part} prompts, base {recipe.model.base}"))
    folder = choose_folder(run, settings, checkpoint)
    summary = evaluate_model(run, recipe, drawn, weights, folder, checkpoint, kept)
    write_text(folder / "report.html", render(ReportInput.read(run.folder, folder)))
    return folder, summary


def evaluate_model(
    run: Run,
    recipe: Recipe,
    drawn: DrawnPrompts,
    weights: Path,
    folder: Path,
    checkpoint: int | None = None,
    kept: "KeptBase | None" = None,
) -> Summary:
    """Generate, score and sum up by the recipe's `eval` section; write all files of `folder` but the report."""
    manifest, settings, prompts = run.read(), recipe.eval, drawn.prompts
    answers = ask(run, manifest, recipe, prompts, weights, kept)
    _write_predictions(folder / "predictions.jsonl", prompts, answers, settings.unit)
    return evaluate_predictions(
        folder / "predictions.jsonl",
        settings.metrics,
        settings.slices,
        settings.main,
        settings.seed,
        folder,
        digest_conditions(manifest, settings, prompts),
        EvaluatedRows(
            part=settings.part,
            turns=settings.turns,
            engine=answers.engine,
            checkpoint=checkpoint,
            drawn=DrawnRows(rows=drawn.rows, of=drawn.of) if drawn.rows < drawn.of else None,
        ),
    )


def read_recipe(run: Run, overrides: Sequence[str]) -> Recipe:
    """The recipe as it was run; `SET=` may change its `eval` section, not the training."""
    wrong = [override for override in overrides if not override.startswith("eval.")]
    if wrong:
        raise UserError(f"SET: '{wrong[0]}' cannot change a trained run; only eval.* can")
    resolved = resolve(str(run.folder / "resolved.yaml"), None, overrides)
    data = resolved.recipe.data
    check_references(resolved, [name.removeprefix(MADE) for name in (data.source, data.validation, data.test) if name])
    return resolved.recipe


def read_rows(run: Run, recipe: Recipe) -> DrawnPrompts:
    """The prompts of the held-out rows that the recipe evaluates."""
    settings = recipe.eval
    drawn = draw_prompts(run.folder / "data" / f"{settings.part}.jsonl", settings.limit, settings.turns)
    if not drawn.prompts:
        raise UserError(f"{shown(run.folder)} has no {settings.part} rows: {_format_empty(recipe, settings.part)}")
    return drawn


def choose_folder(run: Run, settings: Evaluation, checkpoint: int | None = None) -> Path:
    """Where an evaluation of this part and checkpoint goes."""
    folder = run.folder / "eval"
    folder = folder / settings.part if settings.part != "test" else folder
    return folder / f"checkpoint-{checkpoint}" if checkpoint else folder


def _find_weights(run: Run, status: Status, checkpoint: int | None) -> Path:
    if checkpoint is None:
        if status != "trained":
            raise UserError(f"{shown(run.folder)} is {status}, not trained; CHECKPOINT=N evaluates a part")
        return run.folder / "model"
    known = [path.name.removeprefix("checkpoint-") for path in run.checkpoints()]
    if str(checkpoint) not in known:
        raise UserError(f"{shown(run.folder)} has no checkpoint {checkpoint}; it has: {', '.join(known) or 'none'}")
    return run.folder / "model" / f"checkpoint-{checkpoint}"


def _format_empty(recipe: Recipe, part: str) -> str:
    if recipe.data.split.file:
        name = {"test": "test", "validation": "val"}[part]
        return f"the lists '{name}' of its split file {recipe.data.split.file} are empty"
    share = getattr(recipe.data.split, part)
    return f"none of its records fell to the share of {share}" if share else f"its recipe's data.split.{part} is 0"


def _write_predictions(path: Path, prompts: list[Prompt], answers: Answers, unit: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        for prompt, reference, tuned, base in zip(
            prompts, answers.references, answers.tuned, answers.base, strict=True
        ):
            line = {
                "id": prompt.id,
                "prompt": prompt.text,
                "reference": reference,
                "prediction": tuned.text,
                "baseline": base.text,
                "meta": prompt.meta,
                "new_tokens": tuned.new_tokens,
                "truncated": tuned.truncated,
                "question_hash": digest_question(prompt),
            }
            if tuned.measures is not None:
                line |= {"measures": tuned.measures, "baseline_measures": base.measures}
            if unit:
                line["unit"] = _name_unit(prompt, unit)
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


def _name_unit(prompt: Prompt, fields: Sequence[str]) -> str:
    missing = [field for field in fields if field not in prompt.meta]
    if missing:
        raise UserError(f"eval.unit: {prompt.id} has no {missing[0]!r} in its meta; it has: {', '.join(prompt.meta)}")
    return json.dumps([prompt.meta[field] for field in fields])
