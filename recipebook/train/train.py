"""A resolved recipe without stages or a matrix in; a trained, checked run in `runs/` out.

Reads downward: prepare the data, recognise or open the run, launch and check. A run of the same identity that is
trained is not trained again; one that was interrupted or failed resumes from its last checkpoint.
"""

import time
from collections.abc import Sequence
from datetime import datetime

from recipebook.data.dataset import prepare
from recipebook.locks import holding
from recipebook.project import shown
from recipebook.recipe.resolve import Resolved
from recipebook.run import provenance, rundir
from recipebook.terminal import print_field
from recipebook.train.attempt import attempt
from recipebook.train.opening import open_run, reopen_run
from recipebook.train.words import print_dataset, print_recipe


def train_run(resolved: Resolved, overrides: Sequence[str], *, force: bool) -> int:
    """Train it; the exit status: 0 trained (or found trained), 1 failed, 130 stopped."""
    print_recipe(resolved)
    started = time.monotonic()
    dataset = prepare(resolved.recipe.data)
    print_dataset(dataset)
    identity = provenance.identify(resolved.recipe, dataset.rows_digest)
    earlier = None if force else rundir.find_same(identity)
    if earlier and earlier.read().status == "trained":
        print_field("found", f"{shown(earlier.folder)}: same recipe, data and versions")
        print_field("next", f"make eval RUN={earlier.name} (or FORCE=1 to train again)")
        return 0
    run = earlier or rundir.create(resolved.name, datetime.now())
    with holding(run.lock()) as lock:
        if earlier:
            manifest = reopen_run(run.read(), resolved.recipe)
        else:
            manifest = open_run(run, resolved, overrides, dataset, identity)
        seconds = {**manifest.seconds, "prepare": round(time.monotonic() - started, 2)}
        status = attempt(run, manifest.model_copy(update={"seconds": seconds}), lock)
    if status == 0:
        print_field("next", f"make eval RUN={run.name}")
    return status
