"""`make train` of a recipe with stages: each stage to its end, in one run's folder.

Reads downward: what each stage would do and on what, the run that is there already or a new one, stage after stage.
A stage whose inputs are those of a finished one, in this run or in another of the recipe, is not run again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from recipebook.errors import UserError
from recipebook.launch.command import build_environment
from recipebook.launch.process import Stopped, run_job
from recipebook.locks import holding
from recipebook.pipeline.finished import find_finished, format_stage, print_left_out
from recipebook.pipeline.inputs import IdentifiedStage, check_stage, identify_all, list_steps, refuse_stage
from recipebook.pipeline.opening import (
    build_job_command,
    finish_merging,
    open_stage,
    prepare_rows,
    write_merge_job,
    write_stage_job,
)
from recipebook.project import PROJECT, shown
from recipebook.recipe.layers import Layers, read_layers
from recipebook.recipe.resolve import Resolved, merge_layers
from recipebook.recipe.stages import Stage, merge_top, read_stages
from recipebook.run import rundir
from recipebook.run.manifest import StageEntry
from recipebook.run.progress_file import last_error
from recipebook.run.rundir import Run
from recipebook.run.stage_run import StageRun, link_final, list_trained, settle
from recipebook.suggestions import offer
from recipebook.terminal import print_field
from recipebook.train.attempt import attempt, attempt_job
from recipebook.train.cards import Card
from recipebook.train.claim import claiming, lock_run
from recipebook.train.continuing import check_begun
from recipebook.train.machine import check_card, check_machine, choose_profile
from recipebook.train.opening import begin_manifest, reopen_run
from recipebook.train.strategy import settle_strategy
from recipebook.train.words import print_dataset, print_recipe


@dataclass(frozen=True)
class StageChoice:
    """Which stages run: `only` one, those from `since` on, or all; `force` runs them even if they are finished."""

    only: str | None = None
    since: str | None = None
    force: bool = False

    def list_names(self, stages: Sequence[Stage]) -> list[str]:
        """The names of the chosen stages."""
        names = [stage.name for stage in stages]
        for variable, name in (("STAGE", self.only), ("FROM", self.since)):
            if name is not None and name not in names:
                raise UserError(f"{variable}: no stage '{name}'{offer(name, names)}")
        if self.only:
            return [self.only]
        return names[names.index(self.since) :] if self.since else names


class FleetPlace(NamedTuple):
    """The fleet that a run is a member of, and its name there."""

    fleet: str
    member: str


def resolve_stages(
    name: str, profile: str | None, overrides: Sequence[str], *, elsewhere: bool = False, card: Card | None = None
) -> tuple[Resolved, tuple[Stage, ...]]:
    """The recipe and its stages as this machine would run them; `elsewhere`: as another's GPUs would, of that kind."""
    return resolve_layers(
        read_layers(name, choose_profile(profile), overrides, PROJECT), elsewhere=elsewhere, card=card
    )


def resolve_layers(
    layers: Layers, *, elsewhere: bool = False, card: Card | None = None
) -> tuple[Resolved, tuple[Stage, ...]]:
    """The same of layers that have been read."""
    stages = tuple(replace(one, resolved=settle_strategy(one.resolved, card)) for one in read_stages(layers))
    for stage in stages:
        if stage.recipe.remote:
            raise UserError(f"{stage.place}: stage '{stage.name}': a service trains whole recipes, and no stages")
        check_machine(stage.resolved, elsewhere=elsewhere)
        check_begun(stage.resolved)
    resolved = settle_strategy(merge_top(layers) if stages else merge_layers(layers), card)
    if card:
        for one in (resolved, *(stage.resolved for stage in stages)):
            check_card(one, card)
    return resolved, stages


def train_stages(
    resolved: Resolved,
    stages: Sequence[Stage],
    overrides: Sequence[str],
    choice: StageChoice,
    out: str | None = None,
    place: FleetPlace | None = None,
) -> int:
    """Run the chosen stages; the exit status: 0 all done, 1 one failed, 2 the user's mistake, 130 stopped.

    `out` names the run's folder; `place` says which member of a fleet the run is, whether it is a new one or not.
    """
    chosen = choice.list_names(stages)
    print_recipe(resolved)
    print_left_out(stages)
    # All rows that exist are converted before anything trains, so that faults in data show now.
    steps = list_steps(stages)
    _check_needs(steps, chosen, resolved.name)
    identity = identify_all(steps)
    with claiming(identity, resolved.name):
        earlier = None if choice.force else rundir.find_same(identity, out)
        if earlier and all(earlier.read().get_stage(name).finished for name in chosen):
            _note(place, earlier)
            print_field("found", f"{shown(earlier.folder)}: {', '.join(chosen)}: same recipe, data and versions")
            print_field("next", f"make eval RUN={earlier.name} (or FORCE=1 to run them again)")
            return 0
        _refuse_unfit(steps, chosen)
        name, fleet = (place.member, place.fleet) if place else (resolved.name, None)
        top = earlier or rundir.create(name, datetime.now(), name=out, fleet=fleet)
        with holding(lock_run(top)) as lock:
            if not earlier:
                with rundir.removing_unless_opened(top):
                    _open(top, resolved, steps, overrides, identity, place)
            status = _run_all(top, steps, chosen, choice, overrides, lock)
        if status == 0:
            _note(place, top)
        return status


def _note(place: FleetPlace | None, run: Run) -> None:
    if place:
        rundir.note_members(place.fleet, {place.member: run.name})


def _check_needs(steps: Sequence[IdentifiedStage], chosen: Sequence[str], recipe: str) -> None:
    """Refuse a chosen stage if one that it builds on is neither chosen nor finished in any run."""
    by_name = {step.stage.name: step for step in steps}
    for name in chosen:
        stage = by_name[name].stage
        for needed in dict.fromkeys([*([stage.start.stage] if stage.start.stage else []), *stage.list_sources()]):
            if needed not in chosen and not find_finished(by_name[needed], None):
                raise UserError(
                    f"stage '{name}' needs '{needed}', which has not run as the recipe has it now: "
                    f"make train RECIPE={recipe} FROM={needed}"
                )


def _refuse_unfit(steps: Sequence[IdentifiedStage], chosen: Sequence[str]) -> None:
    """Refuse rows on which a chosen stage would fail, as far as they exist before any stage has run."""
    for step in steps:
        if step.stage.name in chosen and step.dataset and not find_finished(step, step.dataset.rows_digest):
            refuse_stage(step.stage, step.dataset)


def _open(
    top: Run,
    resolved: Resolved,
    steps: Sequence[IdentifiedStage],
    overrides: Sequence[str],
    identity: str,
    place: FleetPlace | None,
) -> None:
    """A new run's folder and its first manifest, in which every stage waits."""
    waiting = tuple(
        StageEntry(
            name=step.stage.name,
            kind=step.stage.kind or "train",
            start=str(step.stage.start),
            identity=step.identity,
            inputs=step.inputs,
        )
        for step in steps
    )
    own = {"pipeline": waiting, "member": place.member if place else None}
    top.write(begin_manifest(top, resolved, overrides, identity).model_copy(update=own))


def _run_all(
    top: Run,
    steps: Sequence[IdentifiedStage],
    chosen: Sequence[str],
    choice: StageChoice,
    overrides: Sequence[str],
    lock: int,
) -> int:
    for at, step in enumerate(steps, 1):
        # Another recipe, or a part of this one, may have the same stage.
        with claiming(step.identity, f"stage '{step.stage.name}'"):
            heading = format_stage(step.stage, at, len(steps))
            status = _take(top, step, heading, chosen, choice, overrides, lock)
        if status:
            return status
    return _close(top)


def _take(
    top: Run,
    step: IdentifiedStage,
    heading: str,
    chosen: Sequence[str],
    choice: StageChoice,
    overrides: Sequence[str],
    lock: int,
) -> int:
    """Run one stage, unless it is done, in another run too, or left for later; the exit status."""
    run, stage = StageRun(top, step.stage.name), step.stage
    if top.read().get_stage(stage.name).finished:
        print(f"{heading}: done already")
        return 0
    dataset = prepare_rows(step, top) if _can_prepare(step, top) else None
    forced = choice.force and stage.name in chosen
    other = find_finished(step, dataset.rows_digest, top) if dataset and not forced else None
    if other:
        run.take_over(other)
        print(f"{heading}: as in {shown(other.folder)}")
        return 0
    if stage.name not in chosen or dataset is None:
        print(f"{heading}: left for later")
        return 0
    print(heading)
    print_dataset(dataset)
    check_stage(stage, dataset)
    refuse_stage(stage, dataset)
    if top.read().get_stage(stage.name).status == "waiting":
        open_stage(run, step, overrides, dataset)
    return _run(run, stage, lock)


def _can_prepare(step: IdentifiedStage, top: Run) -> bool:
    folder = top.folder / "stages"
    return all((folder / name / "rows.jsonl").is_file() for name in step.stage.list_sources())


def _run(run: StageRun, stage: Stage, lock: int) -> int:
    if stage.kind:
        write_stage_job(run, stage)
        return attempt_job(
            run, reopen_run(run, run.read(), stage.recipe, build_job_command()), lock, rows=stage.has_rows
        )
    status = _merge(run, stage, lock)
    return status or attempt(run, reopen_run(run, run.read(), stage.recipe), lock)


def _merge(run: StageRun, stage: Stage, lock: int) -> int:
    """Merge the model that a stage starts from, if it starts from a merged one that does not exist yet."""
    merging = write_merge_job(run, stage)
    if not merging:
        return 0
    print_field("merging", f"the adapter of {stage.start.stage} into its base")
    try:
        code = run_job(build_job_command(), build_environment(stage.recipe), merging, lock)
    except Stopped as stopped:
        run.update({"status": "interrupted", "reason": f"stopped by {stopped}"})
        print_field("stopped", f"by {stopped}: run the same command to resume")
        return 130
    if code == 0:
        finish_merging(run)
        return 0
    fault = last_error(merging / "stage.log") if code > 0 else f"it was killed by signal {-code}"
    run.update({"status": "failed", "reason": f"merging: {fault}"})
    print_field("failed", f"merging: {fault}")
    return 1


def _close(top: Run) -> int:
    manifest = top.read()
    left = [entry.name for entry in manifest.pipeline if not entry.finished]
    trained = list_trained(top, manifest)
    if trained:
        link_final(top, trained[-1])
    settle(top, f"{', '.join(left)}: not run yet" if left else None)
    if left:
        print_field("left", f"{', '.join(left)}: make train RECIPE={manifest.recipe} resumes")
    else:
        print_field("all done", shown(top.folder))
    if trained:
        print_field("next", f"make eval RUN={top.name}")
    return 0
