"""`make plan`: what training would do, told before it is done.

The rows kept and dropped, how long they are in tokens, which tokens carry loss (as Axolotl itself masks them), the
steps, the resolved recipe, the rendered `axolotl.yaml`, the command, and whether a run of it is there already.
"""

from collections.abc import Sequence

from recipebook import project
from recipebook.data.dataset import prepare
from recipebook.data.strengths import tell_strengths
from recipebook.fleet.members import list_members, resolve_member
from recipebook.pipeline.plan import plan_stages
from recipebook.pipeline.train import resolve_stages
from recipebook.project import PROJECT, shown
from recipebook.recipe.references import check_references
from recipebook.run import provenance, rundir
from recipebook.train.machine import check_machine
from recipebook.train.plan import tell_training
from recipebook.train.words import say_dataset, say_recipe


def plan(name: str, profile: str | None, overrides: Sequence[str]) -> int:
    """Print the plan of a recipe; the exit status."""
    resolved, stages = resolve_stages(name, profile, overrides)
    project.CACHE.mkdir(exist_ok=True)
    if stages:
        plan_stages(resolved, stages)
        return 0
    check_references(resolved)
    check_machine(resolved)
    say_recipe(resolved)
    if resolved.recipe.matrix:
        members = list_members(resolved)
        print(f"fleet     {len(members)} members (make members RECIPE={resolved.name}); of {members[0].name}:")
        resolved = resolve_member(resolved, members[0])
    recipe = resolved.recipe
    # First, since a threshold under which nothing is left is where the table is wanted.
    for line in tell_strengths(recipe.data):
        print(line)
    dataset = prepare(recipe.data, project.CACHE / "data", PROJECT)
    say_dataset(dataset)
    tell_training(recipe, dataset)
    _say_outcome(provenance.identify(recipe, dataset.rows_digest))
    return 0


def _say_outcome(identity: str) -> None:
    run = rundir.find_same(identity)
    if run is None:
        print("train     would start a new run")
    elif run.read().status == "trained":
        print(f"train     would find {shown(run.folder)} trained already, and do nothing")
    else:
        print(f"train     would go on with {shown(run.folder)} ({run.read().status})")
