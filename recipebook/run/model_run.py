"""The name of a run, a stage or a fleet's member in; the folder of its one model out.

    dial-dpo            the last stage, of the recipe's newest trained run, that trained a model
    dial-dpo/sft        its stage sft
    traits/joy_plus     the member's newest trained run
    traits              refused: a fleet has a model for each member
    robot-lora-rates    refused, and its members too: make find-lr trained them for a few steps, to choose a rate

A run with stages that is unfinished is refused under its own name: its last stage's model is still to come.
"""

from pathlib import Path

from recipebook.errors import UserError
from recipebook.project import RUNS, shown
from recipebook.run import rundir
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import Run
from recipebook.run.stage_run import StageRun, list_trained

STAGES = "/stages"
# Members that a refusal names.
FEW = 8


def find_model_run(query: str, runs: Path = RUNS) -> Run:
    """The run or stage whose model a name stands for; a name of several, or of none, is refused with the right ones."""
    if members := list_candidates(query, runs):
        names = [f"{query}/{manifest.member}" for _, manifest in members]
        more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
        raise UserError(f"{query} is a fleet; RUN takes one of its members: {', '.join(names[:FEW])}{more}")
    run = find_evaluated_run(query, runs)
    manifest = run.read()
    return _choose_last(run, manifest) if manifest.pipeline else run


def list_candidates(query: str, runs: Path = RUNS) -> list[tuple[Run, Manifest]]:
    """The trained members of a fleet, as `rundir.list_fleet`; those that only try learning rates are refused."""
    members = rundir.list_fleet(query, runs)
    if members:
        _refuse_tried(*members[0])
    return members


def find_evaluated_run(query: str, runs: Path = RUNS) -> Run:
    """As `find_model_run`, but a run with stages is itself: all of its models are evaluated."""
    above, _, stage = query.rpartition("/")
    if above and (top := _find_staged(above.removesuffix(STAGES), runs)):
        return _choose_stage(*top, stage)
    run = rundir.find(query, runs)
    manifest = run.read()
    _refuse_tried(run, manifest)
    if manifest.voters:
        raise UserError(
            f"{shown(run.folder)} is a vote, which has no weights of its own: make eval RUN={run.fleet} evaluates the "
            "members and their vote"
        )
    return run


def _refuse_tried(run: Run, manifest: Manifest) -> None:
    if rundir.tries_a_rate(run, manifest):
        raise UserError(
            f"{run.fleet} has the runs by which make find-lr chose a learning rate, a few steps each: no model of them "
            f"is evaluated or used; make train RECIPE={manifest.recipe} trains one"
        )


def _find_staged(query: str, runs: Path) -> tuple[Run, Manifest] | None:
    """A run that has stages, finished or not; None where the name stands for no such run."""
    named = (runs / query / "manifest.json").is_file()
    if not named and all(manifest.recipe != query for _, manifest in rundir.list_readable(runs)):
        return None
    run = rundir.find(query, runs)
    manifest = run.read()
    return (run, manifest) if manifest.pipeline else None


def _choose_stage(run: Run, manifest: Manifest, name: str) -> StageRun:
    trained = list_trained(run, manifest)
    found = next((stage for stage in trained if stage.name == name), None)
    if found is None:
        known = ", ".join(f"{run.name}/{stage.name}" for stage in trained) or "none"
        raise UserError(f"{shown(run.folder)} has no stage '{name}' with a trained model; RUN takes one of: {known}")
    return found


def _choose_last(run: Run, manifest: Manifest) -> StageRun:
    trained = list_trained(run, manifest)
    if not trained:
        raise UserError(f"{shown(run.folder)} is {manifest.status}, and none of its stages has trained a model")
    if manifest.status != "trained":
        raise UserError(
            f"{shown(run.folder)} is {manifest.status}: make train RECIPE={manifest.recipe} resumes it; "
            f"RUN={run.name}/{trained[-1].name} is the model that it has so far"
        )
    return trained[-1]
