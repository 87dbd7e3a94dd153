"""What a recipe trains under a profile: its name in; the trained run, or the first members of the fleet, out.

    TrainedRecipe(recipe="traits", profile="tiny", fleet="traits", vote=False,
            models=(TrainedModel(run=Run("runs/traits/intellect_plus-…"), settings=Evaluation(…)), …))

A run is recognised as `make train` recognises it, and an evaluation by its rows, settings and main figure.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eval.asking.conditions import digest_conditions
from eval.asking.prompts import Prompt
from eval.opening import find_folder, read_recipe, read_rows
from eval.results.last_stage import find_measured
from eval.results.records import MEMBERS
from eval.scoring.summary import Summary
from recipebook import project
from recipebook.data.dataset import prepare
from recipebook.fleet.members import list_members, name_fleet, stand
from recipebook.pipeline.inputs import identify_all, list_steps
from recipebook.pipeline.train import resolve_stages
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.resolve import Resolved, resolve
from recipebook.run import rundir
from recipebook.run.identities import identify
from recipebook.run.provenance import flatten
from recipebook.run.rundir import VOTE, Run
from recipebook.run.stage_run import StageRun, list_trained
from recipebook.train.machine import check_machine


@dataclass(frozen=True)
class TrainedModel:
    """A trained run, and how the recipe evaluates it now."""

    run: Run
    settings: Evaluation
    member: str | None = None
    stage: str | None = None
    """The stage whose `settings` they are, where the recipe has none of its own."""

    @property
    def folder(self) -> Path:
        """Where its evaluation is."""
        return find_folder(self._evaluated, self.settings)

    @property
    def _evaluated(self) -> Run:
        return StageRun(self.run, self.stage) if self.stage else self.run

    def list_overrides(self) -> Iterator[str]:
        """The settings that the recipe has now, where the run was trained with others."""
        trained = flatten(read_recipe(self._evaluated, ()).eval.model_dump(mode="json"))
        wanted = flatten(self.settings.model_dump(mode="json"))
        yield from (f"eval.{key}={value}" for key, value in wanted.items() if trained.get(key) != value)

    def is_evaluated(self) -> bool:
        """Whether there is an evaluation of these rows under these settings."""
        path = self.folder / "summary.json"
        if not path.is_file():
            return False
        summary = Summary.model_validate_json(path.read_bytes())
        conditions = digest_conditions(self.run.read(), self.settings, self._read_prompts())
        same_main = self.settings.main in (None, summary.main)
        return summary.conditions == conditions and summary.seed == self.settings.seed and same_main

    def _read_prompts(self) -> list[Prompt]:
        """The prompts that are evaluated now; of a run with stages, those of the first stage with these settings."""
        overrides = list(self.list_overrides())
        stages: list[Run] = [*list_trained(self.run, self.run.read())]
        recipes = [(one, read_recipe(one, overrides)) for one in stages or [self.run]]
        chosen = next((pair for pair in recipes if pair[1].eval == self.settings), recipes[-1])
        return read_rows(*chosen).prompts


@dataclass(frozen=True)
class TrainedRecipe:
    """One run, or a fleet: its members that have test rows, and whether they vote."""

    recipe: str
    profile: str
    models: tuple[TrainedModel, ...]
    fleet: str | None = None
    vote: bool = False

    @property
    def query(self) -> str:
        """What `make eval` evaluates."""
        return self.fleet or self.models[0].run.name

    def is_evaluated(self) -> bool:
        """Whether all of it is; under another profile, a fleet's vote was another."""
        return all(model.is_evaluated() for model in self.models) and (not self.vote or self._is_vote_of_these())

    def _is_vote_of_these(self) -> bool:
        run = Run(project.RUNS / str(self.fleet) / VOTE, self.fleet)
        path = run.folder / self.models[0].folder.relative_to(self.models[0].run.folder) / "summary.json"
        names = {model.run.name for model in self.models}
        return path.is_file() and set(run.read().voters) == names


def find_trained(recipe: str, profile: str) -> TrainedRecipe | None:
    """What is to be evaluated; None while it, or a part of it, is not trained."""
    resolved, stages = resolve_stages(recipe, profile, ())
    check_machine(resolved)
    if resolved.recipe.matrix:
        return _find_fleet(resolved, profile)
    if stages:
        identity = identify_all(list_steps(stages))
    else:
        whole = resolved.recipe
        identity = identify(whole, prepare(whole.data, system=whole.model.system).rows_digest)
    run = rundir.find_same(identity)
    if run is None or run.read().status != "trained":
        return None
    if measured := find_measured(resolved, stages):
        return TrainedRecipe(recipe, profile, (TrainedModel(run, measured.recipe.eval, stage=measured.name),))
    return TrainedRecipe(recipe, profile, (TrainedModel(run, resolved.recipe.eval),))


def trains_fleet(recipe: str, profile: str) -> bool:
    """Whether a recipe trains one adapter for each member of a matrix."""
    return resolve(recipe, profile).recipe.matrix is not None


def _find_fleet(resolved: Resolved, profile: str) -> TrainedRecipe | None:
    matrix = resolved.recipe.matrix
    standings = stand(resolved, list_members(resolved, (), MEMBERS))
    if any(one.wanted for one in standings):
        return None
    models = [
        TrainedModel(one.run, one.resolved.recipe.eval, one.member.name)
        for one in sorted(standings, key=lambda one: one.member.name)
        if one.run is not None and one.dataset.rows["test"]
    ]
    vote = matrix is not None and matrix.vote
    return TrainedRecipe(resolved.name, profile, tuple(models), name_fleet(resolved), vote) if models else None
