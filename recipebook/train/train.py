"""A resolved recipe without stages or a matrix in; a trained, checked run in `runs/` out.

Reads downward: prepare the data, recognise or open the run, launch and check. A run of the same identity that is
trained is not trained again; one that was interrupted or failed resumes from its last checkpoint. While another command
trains the same, this one waits for it. With `eval.placebo` a second run follows, on shuffled answers.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from recipebook.data.dataset import Dataset, prepare
from recipebook.data.placebo import prepare_placebo
from recipebook.launch.meeting import read_meeting, require_meeting
from recipebook.locks import holding
from recipebook.project import shown
from recipebook.recipe.resolve import Resolved
from recipebook.run import identities, rundir
from recipebook.run.placebo import note_placebo
from recipebook.run.rundir import Run, removing_unless_opened
from recipebook.terminal import print_field
from recipebook.train.attempt import attempt
from recipebook.train.base_weights import require_weights
from recipebook.train.chat_template import require_template
from recipebook.train.claim import claiming, lock_run
from recipebook.train.join import join_training
from recipebook.train.kinds import check_kinds
from recipebook.train.main_figure import check_main_figure
from recipebook.train.opening import open_run, reopen_run
from recipebook.train.placebo import name_placebo
from recipebook.train.refusal import refuse_unfit
from recipebook.train.words import print_dataset, print_recipe


class Trained(NamedTuple):
    """A run, how its training ended, and whether it was there already."""

    run: Run
    status: int
    found: bool = False


def train_run(resolved: Resolved, overrides: Sequence[str], *, force: bool, out: str | None = None) -> int:
    """Train it, in the folder `out` of runs/ if that is given.

    The exit status: 0 trained (or found trained), 1 failed, 2 refused, 130 stopped."""
    print_recipe(resolved)
    require_meeting(resolved.recipe)
    if (meeting := read_meeting(resolved.recipe)) and meeting.rank:
        return join_training(resolved, meeting, out)
    started = time.monotonic()
    dataset = prepare(resolved.recipe.data, system=resolved.recipe.model.system)
    print_dataset(dataset)
    check_kinds(resolved.recipe, dataset)
    check_main_figure(resolved.recipe, dataset)
    require_template(resolved.recipe)
    require_weights(resolved.recipe)
    # Before hours of training: rows may have no two answers to shuffle.
    shuffled = prepare_placebo(dataset, resolved.recipe.training.seed) if resolved.recipe.eval.placebo else None
    trained = _train(resolved, overrides, dataset, started, force=force, out=out)
    if trained.status == 0 and shuffled:
        print_field("placebo", shuffled.account.notes[-1])
        started, of = time.monotonic(), trained.run.read().identity
        placebo = _train(name_placebo(resolved), overrides, shuffled, started, force=force, placebo_of=of)
        trained = Trained(trained.run, placebo.status, trained.found and placebo.found)
    if trained.status == 0:
        again = " (or FORCE=1 to train again)" if trained.found else ""
        print_field("next", f"make eval RUN={trained.run.name}{again}")
    return trained.status


def _train(
    resolved: Resolved,
    overrides: Sequence[str],
    dataset: Dataset,
    started: float,
    *,
    force: bool,
    placebo_of: str | None = None,
    out: str | None = None,
) -> Trained:
    """One training on rows that are prepared; `started` is when that was begun."""
    identity = identities.identify(resolved.recipe, dataset.rows_digest)
    with claiming(identity, resolved.name):
        earlier = None if force else rundir.find_same(identity, out)
        if earlier and earlier.read().status == "trained":
            print_field("found", f"{shown(earlier.folder)}: same recipe, data and versions")
            if placebo_of:
                note_placebo(earlier, placebo_of)
            return Trained(earlier, 0, found=True)
        refuse_unfit(resolved.recipe, dataset)
        run = earlier or rundir.create(resolved.name, datetime.now(), name=out)
        with holding(lock_run(run)) as lock:
            with removing_unless_opened(run):
                manifest = (
                    reopen_run(run, run.read(), resolved.recipe)
                    if earlier
                    else open_run(run, resolved, overrides, dataset, identity)
                )
            seconds = {**manifest.seconds, "prepare": round(time.monotonic() - started, 2)}
            known = manifest.model_copy(update={"seconds": seconds, "placebo_of": placebo_of})
            return Trained(run, attempt(run, known, lock))
