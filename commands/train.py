"""`make train`: a recipe to a trained, checked run.

Reads downward: resolve, prepare the data, recognise or open the run, launch and check. A run of the same identity
that is trained is not trained again; one that was interrupted or failed goes on from its last checkpoint. A recipe
with stages, or with a matrix, goes its own way (recipebook/pipeline/train.py, recipebook/fleet/train.py).
"""

import time
from collections.abc import Sequence
from datetime import datetime

from recipebook import project
from recipebook.data.dataset import prepare
from recipebook.errors import UserError
from recipebook.fleet.train import Choice as Members
from recipebook.fleet.train import train_fleet
from recipebook.locks import holding
from recipebook.pipeline.train import Choice, resolve_stages, train_stages
from recipebook.project import PROJECT, shown
from recipebook.recipe.references import check_references
from recipebook.run import provenance, rundir
from recipebook.train.attempt import attempt
from recipebook.train.machine import check_machine
from recipebook.train.opening import open_run, reopen_run
from recipebook.train.words import say_dataset, say_recipe

ALL = Choice()


def train(
    name: str, profile: str | None, overrides: Sequence[str], choice: Choice = ALL, members: Members | None = None
) -> int:
    """Train one recipe; the exit status: 0 trained (or found trained), 1 failed, 130 stopped."""
    members = members or Members(force=choice.force)
    resolved, stages = resolve_stages(name, profile, overrides)
    if resolved.recipe.matrix and stages:
        raise UserError(f"{resolved.name} has a matrix and stages, which cannot go together")
    if (choice.only or choice.since) and not stages:
        raise UserError(f"{resolved.name} has no stages, so STAGE and FROM mean nothing to it")
    if (members.only or members.limit) and not resolved.recipe.matrix:
        raise UserError(f"{resolved.name} has no matrix, so ONLY and LIMIT mean nothing to it")
    if stages:
        return train_stages(resolved, stages, overrides, choice)
    check_references(resolved)
    check_machine(resolved)
    if resolved.recipe.matrix:
        return train_fleet(resolved, overrides, members)
    say_recipe(resolved)
    started = time.monotonic()
    dataset = prepare(resolved.recipe.data, project.CACHE / "data", PROJECT)
    say_dataset(dataset)
    identity = provenance.identify(resolved.recipe, dataset.rows_digest)
    earlier = None if choice.force else rundir.find_same(identity)
    if earlier and earlier.read().status == "trained":
        print(f"found     {shown(earlier.folder)}: same recipe, data and versions")
        print(f"next      make eval RUN={earlier.name} (or FORCE=1 to train again)")
        return 0
    run = earlier or rundir.create(resolved.name, datetime.now())
    with holding(run.lock()) as lock:
        if earlier:
            manifest = reopen_run(run.read(), resolved.recipe)
        else:
            manifest = open_run(run, resolved, overrides, dataset, identity)
        seconds = {**manifest.stages, "prepare": round(time.monotonic() - started, 2)}
        status = attempt(run, manifest.model_copy(update={"stages": seconds}), lock)
    if status == 0:
        print(f"next      make eval RUN={run.name}")
    return status
