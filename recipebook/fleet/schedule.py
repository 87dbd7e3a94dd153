"""The members of a fleet in training: one in each slot at a time, each tried again up to a limit.

A fleet's state is in its members' manifests and locks alone, so that nothing else must agree with them after a kill. A
member belongs to the scheduler that holds its claim, `.cache/claims/<identity>`, so that two schedulers can share the
work of one fleet.
"""

import os
import shutil
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from recipebook.errors import UserError
from recipebook.fleet.members import MemberState, name_fleet
from recipebook.launch.launchers import Launcher, LaunchJob, RunningTraining
from recipebook.launch.process import Stopped
from recipebook.launch.silence import find_patience
from recipebook.progress import ProgressLine, format_seconds
from recipebook.run import rundir
from recipebook.run.manifest import Manifest, Status
from recipebook.run.progress_file import measure_log, read_progress
from recipebook.run.rundir import Run
from recipebook.terminal import format_decimals, print_field
from recipebook.train import attempt
from recipebook.train.claim import try_claim
from recipebook.train.fault import find_fault
from recipebook.train.opening import open_run, reopen_run

POLL_SECONDS = 0.05


@dataclass
class MemberWork:
    """A member on its way; `tries` are those of this command."""

    standing: MemberState
    tries: int = 0
    fault: str | None = None
    claim: int | None = None


@dataclass(frozen=True)
class Active:
    """A member that is being trained."""

    work: MemberWork
    run: Run
    manifest: Manifest
    lock: int
    training: RunningTraining
    logged: int
    """The bytes that earlier attempts wrote into its log."""
    started: float = field(default_factory=time.monotonic)


class Schedule:
    """Members waiting, members under way, and those that have had all their tries."""

    def __init__(self, launcher: Launcher, overrides: Sequence[str], tries: int, total: int) -> None:
        self.launcher = launcher
        self.overrides = tuple(overrides)
        self.tries = tries
        self.total = total
        self.done = self.trained = 0
        self.active: list[Active] = []
        self.faults: dict[str, str] = {}
        self.line = ProgressLine("fleet")

    def run(self, wanted: Sequence[MemberState]) -> None:
        """Train all members; one that fails, or that another scheduler holds, moves to the end of the queue."""
        waiting = deque(MemberWork(one) for one in wanted)
        while waiting or self.active:
            taken = 0
            while waiting and len(self.active) < self.launcher.slots and taken < len(waiting):
                work = waiting.popleft()
                taken += 1
                if not self._take(work):
                    waiting.append(work)
            for active in [one for one in self.active if one.training.poll() is not None]:
                again = self._finish(active)
                waiting.extend([again] if again else [])
            self._draw()
            time.sleep(POLL_SECONDS)
        self.line.clear()

    def stop(self, reason: str) -> None:
        """End the trainings under way, each with a checkpoint; they resume from it another time."""
        self.line.clear()
        self._await_checkpoints()
        for active in list(self.active):
            active.training.stop()
            if active.training.poll() == 0:
                # It was at its last step.
                self._finish(active)
                continue
            attempt.end(active.run, active.manifest, active.started, "interrupted", f"stopped by {reason}", None)
            os.close(active.lock)

    def _await_checkpoints(self) -> None:
        """Ask all of them at once, and wait for as long as a step may take; a second signal does not wait."""
        for active in self.active:
            active.training.ask_to_end()
        patience = max((find_patience(read_progress(one.run.folder)) for one in self.active), default=0.0)
        end = time.monotonic() + patience
        with suppress(Stopped):
            while any(one.training.poll() is None for one in self.active) and time.monotonic() < end:
                time.sleep(POLL_SECONDS)

    def _take(self, work: MemberWork) -> bool:
        """Start a member unless it is trained already; False while another process holds it."""
        try:
            if work.claim is None and not self._claim(work):
                return False
            return self._start(work)
        except (OSError, UserError) as error:
            # A full disk, most often; the others may still find room.
            self._give_up(work, error.strerror or str(error) if isinstance(error, OSError) else str(error))
        return True

    def _claim(self, work: MemberWork) -> bool:
        work.claim = try_claim(work.standing.identity)
        return work.claim is not None

    def _start(self, work: MemberWork) -> bool:
        run, manifest = self._open(work)
        if manifest.status == "trained":
            self._settle(work, "found", f"{work.standing.member.name}: trained by another command meanwhile")
            return True
        if run.is_held():
            # Its trainer outlived a killed scheduler and is about to end, or another command trains this run alone.
            return False
        lock = run.lock()
        try:
            for dropped in run.drop_broken_checkpoints():
                self._print("dropped", f"{work.standing.member.name}: {dropped}")
            manifest = attempt.begin(run, manifest)
            processes = work.standing.resolved.recipe.launch.processes
            job = LaunchJob(run.folder, manifest.command, manifest.environment, lock, processes)
            logged = measure_log(run.folder / "train.log")
            self.active.append(Active(work, run, manifest, lock, self.launcher.start(job), logged))
        except BaseException:
            os.close(lock)
            raise
        work.tries += 1
        return True

    def _open(self, work: MemberWork) -> tuple[Run, Manifest]:
        """The run of this identity, which another scheduler may have made a moment ago, or a new one."""
        standing = work.standing
        fleet = name_fleet(standing.resolved)
        same = [
            (run, manifest)
            for run, manifest in rundir.list_members(fleet, standing.member.name)
            if manifest.identity == standing.identity and standing.why != "FORCE=1"
        ]
        if standing.run:
            same.append((standing.run, standing.run.read()))
        if same:
            run, manifest = next((pair for pair in same if pair[1].status == "trained"), same[0])
            return run, reopen_run(run, manifest, standing.resolved.recipe)
        run = rundir.create(standing.member.name, datetime.now(), fleet=fleet)
        overrides = (*self.overrides, *standing.overrides)
        try:
            manifest = open_run(run, standing.resolved, overrides, standing.dataset, standing.identity)
            own = {"member": standing.member.name, "placebo_of": standing.placebo_of}
            manifest = run.write(manifest.model_copy(update=own))
        except BaseException:
            shutil.rmtree(run.folder, ignore_errors=True)
            raise
        work.standing = replace(standing, run=run, why="opened")
        return run, manifest

    def _finish(self, active: Active) -> MemberWork | None:
        """Check the trainer's files; returns the work if it is to be tried once more."""
        self.active.remove(active)
        code = active.training.poll()
        assert code is not None
        work, name = active.work, active.work.standing.member.name
        try:
            fault = find_fault(active.run.folder, code, active.logged)
            work.fault = fault.reason if fault else None
            status: Status = "trained" if fault is None else "interrupted" if fault.stopped else "failed"
            manifest = attempt.end(active.run, active.manifest, active.started, status, work.fault, code)
        except OSError as error:
            work.fault = error.strerror or str(error)
        finally:
            os.close(active.lock)
        took = format_seconds(time.monotonic() - active.started)
        if work.fault is None:
            self.trained += 1
            loss = "" if manifest.final_loss is None else f", loss {format_decimals(manifest.final_loss, 4)}"
            self._settle(work, "trained", f"{name} in {took}{loss}")
            return None
        if work.tries < self.tries:
            self._print("failed", f"{name}: {work.fault}; it is tried again")
            return work
        self._give_up(work, work.fault)
        return None

    def _give_up(self, work: MemberWork, fault: str) -> None:
        name = work.standing.member.name
        self.faults[name] = fault
        self._settle(work, "failed", f"{name}: {fault}")

    def _settle(self, work: MemberWork, label: str, text: str) -> None:
        if work.claim is not None:
            os.close(work.claim)
            work.claim = None
        self.done += 1
        self._print(label, f"{text}  [{self.done}/{self.total}]")

    def _print(self, label: str, text: str) -> None:
        self.line.clear()
        print_field(label, text)

    def _draw(self) -> None:
        """Draw how many members are done, and how much of those under way."""
        shares = [read_progress(active.run.folder) for active in self.active]
        part = sum(fact["step"] / max(fact["steps"], 1) for fact in shares if fact)
        self.line.draw(self.done, self.total, f" +{part:.1f} ({len(self.active)} at a time)")
