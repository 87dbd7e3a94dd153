"""`make train`: a recipe to a trained, checked run.

Reads downward: resolve, prepare the data, recognise or open the run, launch and check. A run of the same identity
that is trained is not trained again; one that was interrupted or failed goes on from its last checkpoint.
"""

import os
import time
from collections.abc import Sequence
from datetime import datetime

from recipebook import provenance, rundir
from recipebook.attempt import attempt
from recipebook.dataset import prepare
from recipebook.opening import open_run, resolve_for_machine, say_dataset, say_recipe
from recipebook.recipe import PROJECT
from recipebook.rundir import Run, shown


def train(name: str, profile: str | None, overrides: Sequence[str], *, force: bool = False) -> int:
    """Train one recipe; the exit status: 0 trained (or found trained), 1 failed, 130 stopped."""
    resolved = resolve_for_machine(name, profile, overrides)
    say_recipe(resolved)
    started = time.monotonic()
    dataset = prepare(resolved.recipe.data, rundir.CACHE / "data", PROJECT)
    say_dataset(dataset)
    identity = provenance.identify(resolved.recipe, dataset.rows_digest)
    earlier = None if force else find_same(identity)
    if earlier and earlier.read().status == "trained":
        print(f"found     {shown(earlier.folder)}: same recipe, data and versions")
        print(f"next      make eval RUN={earlier.name} (or FORCE=1 to train again)")
        return 0
    run = earlier or rundir.create(resolved.name, datetime.now())
    lock = run.lock()
    try:
        manifest = run.read() if earlier else open_run(run, resolved, overrides, dataset, identity)
        stages = {**manifest.stages, "prepare": round(time.monotonic() - started, 2)}
        status = attempt(run, manifest.model_copy(update={"stages": stages}), lock)
    finally:
        os.close(lock)
    if status == 0:
        print(f"next      make eval RUN={run.name}")
    return status


def find_same(identity: str) -> Run | None:
    """The run of this identity: a trained one if there is, else the newest."""
    same = [(run, manifest) for run, manifest in rundir.list_readable() if manifest.identity == identity]
    trained = [run for run, manifest in same if manifest.status == "trained"]
    return next(iter([*trained, *(run for run, _ in same)]), None)
