"""`make plan` of a recipe with stages: which stages would run and why, and the plan of each that trains.

stage     dpo (2 of 2): trains, from sft
would run training.learning_rate: 0.002, was 0.001
"""

from collections.abc import Sequence

from recipebook.data.strengths import format_strengths
from recipebook.pipeline.finished import find_finished, format_stage, print_left_out
from recipebook.pipeline.inputs import IdentifiedStage, list_steps, naming, reads_made
from recipebook.project import shown
from recipebook.recipe.resolve import Resolved
from recipebook.recipe.stages import Stage
from recipebook.run import rundir
from recipebook.run.provenance import format_changes
from recipebook.terminal import format_field, print_field
from recipebook.train.cards import Target
from recipebook.train.plan import print_training
from recipebook.train.words import print_dataset, print_recipe


def plan_stages(resolved: Resolved, stages: Sequence[Stage], target: Target) -> None:
    """Print the stages in short, then at length what would train."""
    print_recipe(resolved)
    print_left_out(stages)
    _print_strengths(stages)
    steps = list_steps(stages)
    for at, step in enumerate(steps, 1):
        print(format_stage(step.stage, at, len(steps)))
        print(format_fate(step, resolved))
    for step in steps:
        if step.stage.kind is None and not find_finished(step, None):
            print(f"\n=== stage {step.stage.name}")
            if why := step.stage.resolved.strategy:
                print_field("strategy", f"auto: {why}")
            if step.dataset is None:
                print_field("data", f"made by {', '.join(step.stage.list_sources())}: shown once they are there")
                continue
            print_dataset(step.dataset)
            print_training(step.stage.recipe, step.dataset, target)


def format_fate(step: IdentifiedStage, resolved: Resolved) -> str:
    """Whether a stage would run, and what has changed since it last ran."""
    found = find_finished(step, None)
    if found:
        return format_field("done", f"in {shown(found.folder)}: would not run again")
    for run, manifest in rundir.list_readable():
        if manifest.recipe != resolved.name or manifest.profile != resolved.profile:
            continue
        for entry in manifest.pipeline:
            if entry.name != step.stage.name or entry.status == "waiting":
                continue
            if entry.identity == step.identity:
                return f"would resume in {shown(run.folder)} ({entry.status})"
            return f"would run {format_changes(entry.inputs, step.inputs)}"
    return "would run for the first time"


def _print_strengths(stages: Sequence[Stage]) -> None:
    """Print the tables before rows are made, since they are needed most if no row reaches a threshold."""
    for stage in stages:
        if stage.kind is None and not reads_made(stage.recipe.data):
            with naming(stage):
                lines = format_strengths(stage.recipe.data)
            for line in lines:
                print(line)
