"""`make eval` of a run with stages: the base and every stage's model under every stage's `eval` section.

`eval/` is the last model under the recipe's own section, as of any run, or under its own where the recipe names no
metrics. `eval/<section>/<stage>/` are the others, and `make compare RUNS="dial-dpo@sft/sft dial-dpo"` compares them. A
section is named by the first stage that has it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.asking.measurable import check_prompts
from eval.asking.other_model import OtherModel
from eval.asking.prompts import DrawnPrompts, digest_prompts
from eval.evaluate import evaluate_model
from eval.opening import (
    describe_reference,
    find_folder,
    list_notes,
    names_metrics,
    read_recipe,
    read_rows,
    replacing_evaluation,
)
from eval.report.notes import format_limits
from eval.report.page import ReportInput, write_report
from eval.report.same_answers import format_same_answers
from eval.report.stage_summary import FILE, StageSummary, format_section, summarise_section
from eval.scoring.summary import Summary
from eval.tracking.send import send_figures
from recipebook.errors import UserError
from recipebook.files import write_text
from recipebook.libraries import prepare_libraries
from recipebook.progress import format_seconds
from recipebook.project import shown
from recipebook.recipe.base_model import find_base
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.keys import Recipe
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import Run
from recipebook.run.stage_run import StageRun, list_trained
from recipebook.terminal import print_field


@dataclass(frozen=True)
class Subject:
    """An `eval` section, named by the first stage that has it: its prompts, the folder of its figures, and what its
    rewards are measured against."""

    name: str
    settings: Evaluation
    drawn: DrawnPrompts
    folder: Path
    reference: str


def evaluate_stages(top: Run, manifest: Manifest, overrides: Sequence[str]) -> Path:
    """Evaluate every model that was trained; return the folder of the last model's evaluation."""
    stages = _list_stages(top, manifest)
    started = time.monotonic()
    recipes = {stage.name: read_recipe(stage, overrides) for stage in stages}
    subjects = _list_subjects(stages, recipes)
    _check_weights(stages, recipes)
    for note in dict.fromkeys(note for stage in stages for note in list_notes(stage, recipes[stage.name])):
        print_field("note", note)
    headline = _choose_headline(top, stages[-1], subjects, overrides)
    sections, done = [], list[tuple[StageRun, Path, Summary]]()
    for subject in sorted(subjects, key=lambda one: one is not headline):
        print_field("prompts", f"{len(subject.drawn.prompts)} {subject.settings.part} prompts of stage {subject.name}")
        folders = {stage.name: subject.folder / subject.name / stage.name for stage in stages}
        if subject is headline:
            folders[stages[-1].name] = subject.folder
        summaries = {stage.name: _evaluate(stage, recipes, subject, folders[stage.name]) for stage in stages}
        sections.append(summarise_section(subject.name, folders, summaries))
        print("\n".join(["", format_section(sections[-1]), *format_limits(list(summaries.values()))]))
        for name, each in folders.items():
            if same := format_same_answers(each, subject.settings.generation.adapter):
                print_field("same", f"{name}: {same}")
        for stage in stages[:-1] if subject is headline else stages:
            write_report(folders[stage.name] / "report.html", ReportInput.read(top.folder, folders[stage.name]))
        done += [(stage, folders[stage.name], summaries[stage.name]) for stage in stages]
    folder = headline.folder
    write_text(folder / FILE, StageSummary(sections=tuple(sections)).model_dump_json(indent=1) + "\n")
    write_report(folder / "report.html", ReportInput.read(top.folder, folder))
    for stage, place, summary in done:
        send_figures(stage.folder, top.folder / "eval", place, summary)
    print(f"evaluated in {format_seconds(time.monotonic() - started)}; report: {shown(folder / 'report.html')}")
    print_field("use", f"make chat RUN={top.name}; docs/use.md has more")
    return folder


def evaluate_other(
    top: Run, overrides: Sequence[str], other: OtherModel, name: str | None
) -> tuple[str, Path, Summary]:
    """Evaluate another model on the rows of the recipe's own section, or on those of a stage.

    Returns the evaluation by the run's own model that it is to be compared with, its folder, and its summary.
    """
    stages = _list_stages(top, top.read())
    recipes = {stage.name: read_recipe(stage, overrides) for stage in stages}
    subjects = _list_subjects(stages, recipes)
    headline = _choose_headline(top, stages[-1], subjects, overrides)
    model = next((stage for stage in stages if stage.name == name), stages[-1])
    subject = _find_subject(subjects, model, recipes[model.name]) if name else headline
    stage = next(one for one in stages if one.name == subject.name)
    print_field("run", f"{top.name}, model {other.name}")
    print_field("prompts", f"{len(subject.drawn.prompts)} {subject.settings.part} prompts of stage {subject.name}")
    beside = subject.folder if subject is headline else subject.folder / subject.name
    with replacing_evaluation(top, beside / other.folder) as new:
        summary = evaluate_model(stage, recipes[stage.name], subject.drawn, other, new, reference=subject.reference)
        write_report(new / "report.html", ReportInput.read(top.folder, new, beside / other.folder))
    last = subject is headline and model is stages[-1]
    place = (subject.folder if last else subject.folder / subject.name / model.name).relative_to(top.folder / "eval")
    return top.name if place == Path() else f"{top.name}@{place}", beside / other.folder, summary


def _list_stages(top: Run, manifest: Manifest) -> list[StageRun]:
    stages = list_trained(top, manifest)
    if not stages:
        raise UserError(f"{shown(top.folder)} is {manifest.status}, and none of its stages has trained a model")
    return stages


def _find_subject(subjects: Sequence[Subject], stage: StageRun, recipe: Recipe) -> Subject:
    """The section of a stage, which has the name of the first stage that has it."""
    rows = digest_prompts(read_rows(stage, recipe).prompts)
    return next(one for one in subjects if one.settings == recipe.eval and digest_prompts(one.drawn.prompts) == rows)


def _choose_headline(top: Run, last: StageRun, subjects: Sequence[Subject], overrides: Sequence[str]) -> Subject:
    """The section under which the last model is what the run comes to: the recipe's own, or that of the last stage."""
    of_last = names_metrics(last, overrides) and not names_metrics(top, overrides)
    own = read_recipe(last if of_last else top, overrides).eval
    return next((subject for subject in subjects if subject.settings == own), subjects[-1])


def _check_weights(stages: Sequence[StageRun], recipes: dict[str, Recipe]) -> None:
    """Refuse a stage whose files prove that it does nothing, before the stages in front of it are evaluated."""
    prepare_libraries(find_base(recipes[stages[0].name]))
    # Here and not above: a wrong name should not wait for torch.
    from recipebook.run.own_weights import check_own

    for stage in stages:
        check_own(stage, stage.read(), recipes[stage.name], stage.folder / "model")


def _list_subjects(stages: Sequence[StageRun], recipes: dict[str, Recipe]) -> list[Subject]:
    """The sections that differ in their settings or in their prompts, all of them fit to be evaluated."""
    found: dict[tuple[str, str], Subject] = {}
    for stage in stages:
        settings, drawn = recipes[stage.name].eval, read_rows(stage, recipes[stage.name])
        check_prompts(settings, drawn.prompts)
        folder = find_folder(stage, settings)
        key = (settings.model_dump_json(), digest_prompts(drawn.prompts))
        reference = describe_reference(stage, recipes[stage.name])
        found.setdefault(key, Subject(stage.name, settings, drawn, folder, reference))
    return list(found.values())


def _evaluate(stage: StageRun, recipes: dict[str, Recipe], subject: Subject, folder: Path) -> Summary:
    print_field("model", stage.name)
    # Rewards are in the unit of the training whose section this is, and episodes as long as in it.
    section = recipes[subject.name]
    own = {"eval": subject.settings, "preference": section.preference, "rl": section.rl}
    recipe = recipes[stage.name].model_copy(update=own)
    with replacing_evaluation(stage.top, folder) as new:
        model = stage.folder / "model"
        return evaluate_model(stage, recipe, subject.drawn, model, new, reference=subject.reference)
