"""A run in; its predictions, scores, summary and report, all in the run's `eval/` folder, out.

Reads downward: base and tuned model answer the held-out prompts, and both are scored. The validation part and
checkpoints have folders of their own in it: `eval/validation`, `eval/validation/checkpoint-500`.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eval.asking.answers import Answers
from eval.asking.ask import ask
from eval.asking.baselines import check_shots, read_train
from eval.asking.conditions import digest_conditions
from eval.asking.measurable import check_prompts
from eval.asking.near_copies import COPIES, mark_copies
from eval.asking.other_model import OtherModel, ask_other
from eval.asking.own_rows import convert_own
from eval.asking.own_tokenizer import find_tokenizer
from eval.asking.prompts import DrawnPrompts, Prompt, digest_question, draw_prompts
from eval.asking.several_answers import ask_repeatedly
from eval.opening import (
    describe_reference,
    fill_options,
    find_folder,
    find_weights,
    list_notes,
    name_units,
    prefer_validation,
    read_recipe,
    read_rows,
    replacing_evaluation,
)
from eval.report.page import USAGE, ReportInput, write_report
from eval.report.same_answers import format_same_answers
from eval.scoring.baselines import add_baselines
from eval.scoring.evaluated_rows import DrawnRows, EvaluatedRows, OwnFile
from eval.scoring.looks import Looks, find_ledger, note_look
from eval.scoring.rows_of_answers import VARIANT
from eval.scoring.score import evaluate_predictions
from eval.scoring.summary import Summary
from eval.tracking.send import send_figures
from recipebook.files import digest, replacing, write_text
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.keys import Recipe
from recipebook.recipe.prompt_variants import read_variants
from recipebook.run.manifest import format_now
from recipebook.run.rundir import Run
from recipebook.run.stage_run import StageRun
from recipebook.terminal import format_count, format_field

if TYPE_CHECKING:
    from eval.asking.kept_base import KeptBase


def evaluate_run(
    run: Run,
    overrides: Sequence[str],
    checkpoint: int | None = None,
    kept: "KeptBase | None" = None,
    tell: Callable[[str], None] = lambda _: None,
    folder: Path | None = None,
    data: str | None = None,
    other: OtherModel | None = None,
) -> tuple[Path, Summary]:
    """Evaluate one trained model; return its folder in `eval/`, chosen if not given, and the summary.

    A checkpoint is evaluated on validation rows, by which it may be chosen. `tell` prints the lines on the way. `data`
    names a source of the user's own, evaluated in place of held-out rows; `other` answers in place of the tuned model.
    """
    weights = other or find_weights(run, checkpoint)
    overrides, chosen_on = prefer_validation(run, overrides) if checkpoint and data is None else (overrides, "")
    recipe = read_recipe(run, overrides)
    settings = recipe.eval
    own = convert_own(run, recipe, data) if data is not None else None
    drawn = draw_prompts(own.path, settings.limit, settings.turns) if own else read_rows(run, recipe)
    # A stage's evaluation is one of its run.
    top = run.top if isinstance(run, StageRun) else run
    what = run.read().run + (f" at checkpoint {checkpoint}" if checkpoint else f", model {other.name}" if other else "")
    rows = f"prompts of {own.file.name}" if own else f"{settings.part} prompts"
    tell(format_field("run", f"{what}, {format_count(len(drawn.prompts), rows)}, base {recipe.model.base}"))
    notes = [*own.notes, own.file.note] if own else list_notes(run, recipe)
    for note in [*notes, *([chosen_on] if chosen_on else [])]:
        tell(format_field("note", note))
    folder = folder or find_folder(run, settings, checkpoint, own.folder if own else None, other and other.folder)
    with replacing_evaluation(run, folder) as new:
        summary = evaluate_model(run, recipe, drawn, weights, new, checkpoint, kept, own.file if own else None)
        write_report(new / "report.html", ReportInput.read(top.folder, new, folder))
    if taken := send_figures(run.folder, top.folder / "eval", folder, summary):
        tell(format_field("tracker", f"the figures are in {', '.join(taken)}, too"))
    if same := format_same_answers(folder, settings.generation.adapter):
        tell(format_field("same", same))
    return folder, summary


def evaluate_model(
    run: Run,
    recipe: Recipe,
    drawn: DrawnPrompts,
    weights: Path | OtherModel,
    folder: Path,
    checkpoint: int | None = None,
    kept: "KeptBase | None" = None,
    own: OwnFile | None = None,
    reference: str | None = None,
) -> Summary:
    """Generate, score and sum up by the recipe's `eval` section; write all files of `folder` but the report.

    `weights` is the run's folder of them, or another model in their place. `reference` says what rewards are measured
    against; without it, the run itself does.
    """
    manifest, settings, prompts = run.read(), recipe.eval, drawn.prompts
    check_prompts(settings, prompts)
    if settings.baselines.few_shot and isinstance(weights, Path):
        check_shots(settings.baselines, read_train(run, settings.turns))
    prompts = ask_repeatedly(mark_copies(run, prompts, settings.turns), settings, recipe.model.system)
    answers = _ask(run, recipe, prompts, weights, kept)
    units = name_units(run, settings, prompts)
    _write_predictions(folder / "predictions.jsonl", prompts, answers, units)
    if isinstance(weights, Path):
        write_text(folder / USAGE, _format_usage(run, recipe, prompts[0], weights))
    summary = evaluate_predictions(
        folder / "predictions.jsonl",
        fill_options(recipe),
        _list_slices(settings, prompts),
        settings.main,
        settings.seed,
        folder,
        digest_conditions(manifest, settings, drawn.prompts),
        _describe_rows(run, recipe, drawn, weights, answers, checkpoint, own, reference),
        answers.evidence,
        _note_look(run, settings.part, drawn.records, checkpoint, weights) if own is None else None,
    )
    if not (answers.baselines or settings.published):
        return summary
    return add_baselines(folder, summary, fill_options(recipe), answers.baselines, settings.published)


def _ask(
    run: Run, recipe: Recipe, prompts: list[Prompt], weights: Path | OtherModel, kept: "KeptBase | None"
) -> Answers:
    if isinstance(weights, OtherModel):
        return ask_other(run, run.read(), recipe, prompts, weights)
    return ask(run, run.read(), recipe, prompts, weights, kept)


def _list_slices(settings: Evaluation, prompts: list[Prompt]) -> tuple[str, ...]:
    """The fields by which figures are sliced: those of the recipe, and the marks that some of these prompts have."""
    marks = [field for field in (COPIES, VARIANT) if any(field in prompt.meta for prompt in prompts)]
    return (*settings.slices, *marks)


def _describe_rows(
    run: Run,
    recipe: Recipe,
    drawn: DrawnPrompts,
    weights: Path | OtherModel,
    answers: Answers,
    checkpoint: int | None,
    own: OwnFile | None,
    reference: str | None,
) -> EvaluatedRows:
    """What was evaluated and how, for the summary."""
    settings, generation = recipe.eval, recipe.eval.generation
    return EvaluatedRows(
        part=settings.part,
        turns=settings.turns,
        engine=answers.engine,
        checkpoint=checkpoint,
        drawn=DrawnRows(rows=drawn.rows, of=drawn.of) if drawn.rows < drawn.of else None,
        own=own,
        reference=describe_reference(run, recipe) if reference is None else reference,
        lengths=answers.lengths,
        model=weights.name if isinstance(weights, OtherModel) else "",
        temperature=generation.temperature,
        adapter=generation.adapter,
        samples=generation.samples,
        variants=tuple(read_variants(settings.variants)),
    )


def _note_look(run: Run, part: str, records: str, checkpoint: int | None, weights: Path | OtherModel) -> Looks | None:
    """Count the evaluation, if it is one of test rows; equal names of records are the same where the sources are."""
    if part != "test":
        return None
    manifest = run.read()
    known = digest(records, *sorted(manifest.hashes.get("sources", {}).values()))
    model = weights.name if isinstance(weights, OtherModel) else ""
    return note_look(find_ledger(run), known, manifest.run, checkpoint, format_now(), model)


def _format_usage(run: Run, recipe: Recipe, prompt: Prompt, weights: Path) -> str:
    # Here and not above: it loads a tokenizer, and a wrong name should not wait for transformers.
    from eval.asking.usage import format_usage

    return format_usage(recipe, prompt, weights, find_tokenizer(run, recipe))


def _write_predictions(path: Path, prompts: list[Prompt], answers: Answers, units: Sequence[str | None]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        for prompt, reference, tuned, base, unit in zip(
            prompts, answers.references, answers.tuned, answers.base, units, strict=True
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
                "baseline_truncated": base.truncated,
                "question_hash": digest_question(prompt.own),
            }
            if prompt.original:
                line["row"] = prompt.original.id
            if tuned.measures is not None:
                line |= {"measures": tuned.measures, "baseline_measures": base.measures}
            if unit:
                line["unit"] = unit
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
