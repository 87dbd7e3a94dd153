"""The other machines of a training: machine 0 prepares, checks and records the run, and these add their ranks to it.

In: the recipe, on a machine that shares the project's folder. Out: an exit status, that of the run; and in the run's
folder `machine-1.log`, what the launcher of this machine printed, and a note of how it ended for machine 0
(recipebook/launch/machines.py).
"""

import time
from typing import Any

from recipebook.data.dataset import prepare
from recipebook.errors import UserError
from recipebook.launch.command import build_command, build_environment
from recipebook.launch.machines import JoinedMachine, join_machine, note_machine
from recipebook.launch.meeting import Meeting
from recipebook.launch.process import Stopped, run_trainer
from recipebook.launch.silence import Silent, Watch
from recipebook.locks import holding, lock_file
from recipebook.project import shown
from recipebook.recipe.resolve import Resolved
from recipebook.run import identities, rundir
from recipebook.run.manifest import Manifest
from recipebook.run.progress_file import measure_log
from recipebook.run.rundir import Run
from recipebook.terminal import print_field
from recipebook.train.launch_failure import describe_end

POLL_SECONDS = 0.5
# Machine 0 may convert the rows first; and it checks the weights after the ranks have ended.
PATIENCE_SECONDS = 1800
# After ranks that failed, machine 0 only has to record it, or to start all of them again.
RECORD_SECONDS = 120
# Machine 0, where a rank of its own may be the silent one, names it first.
LATER_SECONDS = 15.0
# For ranks to end by themselves once machine 0 has recorded an end.
LEAVING_SECONDS = 30.0
STATUS = {"trained": 0, "failed": 1, "interrupted": 130}


def join_training(resolved: Resolved, meeting: Meeting, out: str | None) -> int:
    """Add this machine's ranks to each attempt of machine 0; 0 trained, 1 failed, 130 stopped."""
    dataset = prepare(resolved.recipe.data, system=resolved.recipe.model.system)
    identity = identities.identify(resolved.recipe, dataset.rows_digest)
    place = f"machine {meeting.rank} of {resolved.recipe.launch.machines}"
    print_field("joining", f"{place}, at {meeting.host}:{meeting.port}")
    found = _wait(identity, out, {"training", "trained"}, 0, PATIENCE_SECONDS)
    if found is None:
        minutes = PATIENCE_SECONDS // 60
        raise UserError(f"machine 0 did not come to train this recipe within {minutes} minutes; see its log")
    run, manifest = found
    while manifest.status == "training":
        joined = len(manifest.attempts)
        try:
            ended = _add_ranks(run, resolved, meeting, joined)
        except Stopped as stopped:
            print_field("stopped", f"by {stopped}; the other machines may go on")
            return 130
        patience = RECORD_SECONDS if ended.status else PATIENCE_SECONDS
        found = _wait(identity, out, set(STATUS), joined if ended.status else None, patience)
        if found is None:
            why = ended.reason or "its ranks have ended"
            print_field("failed", f"{why}; machine 0 recorded no end of the run within {patience} s: is it lost?")
            return 1
        run, manifest = found
    reason = f": {manifest.reason}" if manifest.reason else ""
    print_field(manifest.status, f"{shown(run.folder)}, as machine 0 recorded it{reason}")
    return STATUS[manifest.status]


def _add_ranks(run: Run, resolved: Resolved, meeting: Meeting, attempts: int) -> JoinedMachine:
    """Start this machine's ranks, stay with them to their end, and note how they ended."""
    print_field("run", f"{shown(run.folder)}, {resolved.recipe.launch.processes} more ranks")
    name, machine, silent = f"machine-{meeting.rank}", join_machine(meeting.rank), None
    log, code = run.folder / f"{name}.log", 1
    with holding(lock_file(run.folder / f"{name}.lock")) as lock:
        command, environment = build_command(resolved.recipe), build_environment(resolved.recipe)
        note_machine(run.folder, machine)
        since = measure_log(log)
        try:
            code = run_trainer(command, environment, run.folder, lock, _Follower(run, attempts).follow, log.name)
        except Stopped as stopped:
            note_machine(run.folder, machine._replace(status=STATUS["interrupted"], reason=f"stopped by {stopped}"))
            raise
        except Silent as found:
            silent = found
        machine = describe_end(machine, log, since, code, silent)
        note_machine(run.folder, machine)
    return machine


class _Follower:
    """Ends ranks that are silent, or of an attempt that machine 0 has ended."""

    def __init__(self, run: Run, attempts: int) -> None:
        self.run, self.attempts = run, attempts
        self.watch = Watch(run.folder, later=LATER_SECONDS)
        self.looked = self.going = time.monotonic()

    def follow(self, progress: dict[str, Any]) -> None:
        """Raise Silent where the ranks of this machine wait in vain."""
        self.watch.follow(progress)
        now = time.monotonic()
        if now - self.looked < POLL_SECONDS:
            return
        self.looked, manifest = now, self.run.read()
        if manifest.status in ("training", "trained") and len(manifest.attempts) == self.attempts:
            self.going = now
        if now - self.going > LEAVING_SECONDS:
            raise Silent(f"machine 0 has ended the attempt: {manifest.reason}", here=False)


def _wait(
    identity: str, out: str | None, wanted: set[str], joined: int | None, seconds: float
) -> tuple[Run, Manifest] | None:
    """The run of this identity, once its status is wanted, or it has had more attempts than `joined`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        run = rundir.find_same(identity, out)
        manifest = run.read() if run else None
        if run and manifest:
            again = joined and manifest.status == "training" and len(manifest.attempts) > joined
            if manifest.status in wanted or again:
                return run, manifest
        time.sleep(POLL_SECONDS)
    return None
