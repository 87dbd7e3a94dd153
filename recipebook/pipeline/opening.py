"""A stage and the run it belongs to, to a folder that is ready to be run: its rows, its start, its job.

The adapter of an earlier stage is trained on where it lies (`../sft/model`). A model to begin with in place of the
recipe's base is the folder `start`: a link to an earlier stage's model, or that merged into its base.
"""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from recipebook.data.dataset import Dataset, prepare
from recipebook.files import write_text
from recipebook.modules import CHAT_TEMPLATE, find
from recipebook.pipeline.inputs import IdentifiedStage
from recipebook.pipeline.job import StageJob, write_job
from recipebook.recipe.base_model import find_base
from recipebook.recipe.stages import Stage
from recipebook.run.begun import find_begun
from recipebook.run.manifest import format_now
from recipebook.run.rundir import Run
from recipebook.run.stage_run import START, StageRun
from recipebook.sources.inputs import MADE
from recipebook.train.opening import Beginning, describe_prepared, dump_recipe, open_run, place_rows

MERGING = "merging"
JOB = "job.json"


def prepare_rows(step: IdentifiedStage, top: Run) -> Dataset:
    """The stage's rows; those that earlier stages make exist by now."""
    if step.dataset:
        return step.dataset
    made = {f"{MADE}{name}": top.folder / "stages" / name / "rows.jsonl" for name in step.stage.list_sources()}
    return prepare(step.stage.recipe.data, made=made, system=step.stage.recipe.model.system)


def open_stage(run: StageRun, step: IdentifiedStage, overrides: Sequence[str], dataset: Dataset) -> None:
    """Fill the folder of a stage that has not begun, and mark it as prepared in its entry."""
    shutil.rmtree(run.folder, ignore_errors=True)
    run.folder.mkdir(parents=True)
    if step.stage.kind is None:
        open_run(run, step.stage.resolved, overrides, dataset, step.identity, _begin(run, step.stage))
    else:
        _open_job(run, step, dataset)


def write_stage_job(run: StageRun, stage: Stage) -> None:
    """The job of a stage that trains nothing, as paths are now."""
    write_job(run.folder / JOB, _make_job(run, stage, run.folder), stage.kind or "", stage.options)


def write_merge_job(run: StageRun, stage: Stage) -> Path | None:
    """The folder of the job that merges the model to begin with; None where nothing is left to merge."""
    if not _merges(run, stage) or (run.folder / START).exists():
        return None
    folder = run.folder / MERGING
    folder.mkdir(exist_ok=True)
    write_job(folder / JOB, _make_job(run, stage, folder), "merge", {})
    return folder


def build_job_command() -> list[str]:
    """The command that runs in a job's folder."""
    return [sys.executable, "-m", "stages", JOB]


def finish_merging(run: StageRun) -> None:
    """Put the merged model, now whole, where the stage starts from it."""
    (run.folder / MERGING / "model").rename(run.folder / START)
    shutil.rmtree(run.folder / MERGING)


def _begin(run: StageRun, stage: Stage) -> Beginning | None:
    """What the stage begins with; None for what its recipe names."""
    if stage.start.stage is None:
        return None
    if _merges(run, stage):
        return Beginning(base=START)
    before = StageRun(run.top, stage.start.stage)
    if not _has_adapter(before):
        (run.folder / START).symlink_to(Path("..", before.name, "model"))
        return Beginning(base=START)
    if before.start:
        (run.folder / START).symlink_to(Path("..", before.name, START))
    return Beginning(base=START if before.start else None, adapter=str(Path("..", before.name, "model")))


def _merges(run: StageRun, stage: Stage) -> bool:
    wanted = stage.kind is None and stage.start.merged and stage.start.stage is not None
    return wanted and _has_adapter(StageRun(run.top, str(stage.start.stage)))


def _has_adapter(run: StageRun) -> bool:
    return (run.folder / "model" / "adapter_config.json").is_file()


def _open_job(run: StageRun, step: IdentifiedStage, dataset: Dataset) -> None:
    recipe = step.stage.recipe
    place_rows(run.folder, dataset)
    write_text(run.folder / "resolved.yaml", dump_recipe(recipe))
    prepared = describe_prepared(recipe, dataset, build_job_command())
    run.update({"status": "prepared", "created": format_now(), **prepared})


def _make_job(run: StageRun, stage: Stage, folder: Path) -> StageJob:
    recipe = stage.recipe
    model: Path | str = find_base(recipe)
    tokenizer, adapter, revision = model, None, recipe.model.revision
    if stage.start.stage is not None:
        before = StageRun(run.top, stage.start.stage)
        tokenizer = before.folder / "model"
        if _has_adapter(before):
            model, adapter = before.start or model, tokenizer
        else:
            model = tokenizer
        revision = revision if model == find_base(recipe) else None
    elif begun := find_begun(recipe):
        adapter = begun.folder
    template = recipe.model.chat_template
    return StageJob(
        name=run.name,
        folder=folder,
        model=model,
        adapter=adapter,
        revision=revision,
        tokenizer=tokenizer,
        chat_template="" if template == "tokenizer" else find(CHAT_TEMPLATE, template).read_text("utf-8"),
        rows={part: run.folder / "data" / f"{part}.jsonl" for part in ("train", "validation", "test")},
        sources={name: run.top.folder / "stages" / name / "rows.jsonl" for name in stage.list_sources()},
        seed=recipe.training.seed,
        recipe=recipe,
    )
