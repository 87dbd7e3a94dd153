"""A resolved recipe without stages or a matrix in; a trained, checked run in `runs/` out.

Reads downward: prepare the data, recognise or open the run, launch and check. A run of the same identity that is
trained is not trained again; one that was interrupted or failed resumes from its last checkpoint. While another command
trains the same, this one waits for it.
"""

import time
from collections.abc import Sequence
from datetime import datetime

from recipebook.data.dataset import prepare
from recipebook.locks import holding
from recipebook.project import shown
from recipebook.recipe.resolve import Resolved
from recipebook.run import provenance, rundir
from recipebook.run.rundir import Run, removing_unless_opened
from recipebook.terminal import print_field
from recipebook.train.attempt import attempt
from recipebook.train.base_weights import require_weights
from recipebook.train.chat_template import require_template
from recipebook.train.claim import claiming, lock_run
from recipebook.train.kinds import check_kinds
from recipebook.train.opening import open_run, reopen_run
from recipebook.train.refusal import refuse_unfit
from recipebook.train.words import print_dataset, print_recipe


def train_run(resolved: Resolved, overrides: Sequence[str], *, force: bool) -> int:
    """Train it; the exit status: 0 trained (or found trained), 1 failed, 2 refused, 130 stopped."""
    print_recipe(resolved)
    started = time.monotonic()
    dataset = prepare(resolved.recipe.data, system=resolved.recipe.model.system)
    print_dataset(dataset)
    check_kinds(resolved.recipe, dataset)
    require_template(resolved.recipe)
    require_weights(resolved.recipe)
    identity = provenance.identify(resolved.recipe, dataset.rows_digest)
    with claiming(identity, resolved.name):
        earlier = None if force else rundir.find_same(identity)
        if earlier and earlier.read().status == "trained":
            return _reuse(earlier)
        refuse_unfit(resolved.recipe, dataset)
        run = earlier or rundir.create(resolved.name, datetime.now())
        with holding(lock_run(run)) as lock:
            with removing_unless_opened(run):
                manifest = (
                    reopen_run(run.read(), resolved.recipe)
                    if earlier
                    else open_run(run, resolved, overrides, dataset, identity)
                )
            seconds = {**manifest.seconds, "prepare": round(time.monotonic() - started, 2)}
            status = attempt(run, manifest.model_copy(update={"seconds": seconds}), lock)
    if status == 0:
        print_field("next", f"make eval RUN={run.name}")
    return status


def _reuse(run: Run) -> int:
    print_field("found", f"{shown(run.folder)}: same recipe, data and versions")
    print_field("next", f"make eval RUN={run.name} (or FORCE=1 to train again)")
    return 0
