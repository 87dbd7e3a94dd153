"""A stage in; the same stage, finished in another run of the recipe, out; and a stage in words."""

from collections.abc import Sequence

from recipebook.pipeline.inputs import IdentifiedStage
from recipebook.recipe.stages import Stage
from recipebook.run import rundir
from recipebook.run.rundir import Run
from recipebook.run.stage_run import StageRun
from recipebook.terminal import format_field, print_field


def find_finished(step: IdentifiedStage, rows_digest: str | None, but: Run | None = None) -> StageRun | None:
    """The same stage, finished in another run than `but`; its rows must have this digest too, once that is known."""
    for run, manifest in rundir.list_readable():
        if but and run.folder == but.folder:
            continue
        for entry in manifest.pipeline:
            same = entry.identity == step.identity and entry.name == step.stage.name and entry.finished
            found = StageRun(run, entry.name)
            if same and rows_digest in (None, entry.hashes.get("rows")) and found.folder.is_dir():
                return found
    return None


def format_stage(stage: Stage, at: int, of: int) -> str:
    """`stage     dpo (3 of 3): trains, from sft`"""
    what = "trains" if stage.kind is None else stage.kind.replace("_", " ")
    return format_field("stage", f"{stage.name} ({at} of {of}): {what}, from {stage.start}")


def print_left_out(stages: Sequence[Stage]) -> None:
    """`note      rl.control has no effect in stage sft`: what was set for all stages and is not for each of them."""
    for stage in stages:
        if stage.left_out:
            have = "has" if len(stage.left_out) == 1 else "have"
            print_field("note", f"{', '.join(stage.left_out)} {have} no effect in stage {stage.name}")
