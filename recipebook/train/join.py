"""The other machines of a training: machine 0 prepares, checks and records the run, and these add their ranks to it.

In: the recipe, on a machine that shares the project's folder. Out: an exit status, that of the run; and in the run's
folder `machine-1.log`, what the launcher of this machine printed.
"""

import time

from recipebook.data.dataset import prepare
from recipebook.errors import UserError
from recipebook.launch.command import build_command, build_environment
from recipebook.launch.meeting import Meeting
from recipebook.launch.process import Stopped, run_trainer
from recipebook.locks import holding, lock_file
from recipebook.project import shown
from recipebook.recipe.resolve import Resolved
from recipebook.run import identities, rundir
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import Run
from recipebook.terminal import print_field

POLL_SECONDS = 0.5
# Machine 0 may convert the rows first; and it checks the weights after the ranks have ended.
PATIENCE_SECONDS = 1800
STATUS = {"trained": 0, "failed": 1, "interrupted": 130}


def join_training(resolved: Resolved, meeting: Meeting, out: str | None) -> int:
    """Add this machine's ranks to each attempt of machine 0; 0 trained, 1 failed, 130 stopped."""
    dataset = prepare(resolved.recipe.data, system=resolved.recipe.model.system)
    identity = identities.identify(resolved.recipe, dataset.rows_digest)
    place = f"machine {meeting.rank} of {resolved.recipe.launch.machines}"
    print_field("joining", f"{place}, at {meeting.host}:{meeting.port}")
    run, manifest = _wait(identity, out, {"training", "trained"}, 0)
    while manifest.status == "training":
        joined = len(manifest.attempts)
        try:
            code = _add_ranks(run, resolved, meeting)
        except Stopped as stopped:
            print_field("stopped", f"by {stopped}; the other machines may go on")
            return 130
        # After ranks that failed, machine 0 may start all of them again.
        run, manifest = _wait(identity, out, set(STATUS), joined if code else None)
    print_field(manifest.status, f"{shown(run.folder)}, as machine 0 recorded it")
    return STATUS[manifest.status]


def _add_ranks(run: Run, resolved: Resolved, meeting: Meeting) -> int:
    """Start this machine's ranks, and stay with them to their end; returns the launcher's exit code."""
    print_field("run", f"{shown(run.folder)}, {resolved.recipe.launch.processes} more ranks")
    name = f"machine-{meeting.rank}"
    with holding(lock_file(run.folder / f"{name}.lock")) as lock:
        command, environment = build_command(resolved.recipe), build_environment(resolved.recipe)
        return run_trainer(command, environment, run.folder, lock, lambda _: None, f"{name}.log")


def _wait(identity: str, out: str | None, wanted: set[str], joined: int | None) -> tuple[Run, Manifest]:
    """The run of this identity, once its status is wanted, or it has had more attempts than `joined`."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        run = rundir.find_same(identity, out)
        manifest = run.read() if run else None
        if run and manifest:
            again = joined and manifest.status == "training" and len(manifest.attempts) > joined
            if manifest.status in wanted or again:
                return run, manifest
        time.sleep(POLL_SECONDS)
    raise UserError(f"machine 0 did not come to train this recipe within {PATIENCE_SECONDS // 60} minutes; see its log")
