"""`make train` of a recipe with a matrix: every member trained, those that are not already, and a table of all.

Reads downward: the members and how they stand, the launcher, the schedule, the table. What a fleet knows of itself is
in its members' manifests and locks; nothing else would have to agree with them after a kill. A member belongs to the
scheduler that holds its claim, `.cache/claims/<identity>`, so two schedulers share the work of one fleet.
"""

import fcntl
import os
import shutil
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from recipebook import attempt, rundir
from recipebook.errors import UserError
from recipebook.fleet_table import Line, read_line, write_page
from recipebook.hardware import detect
from recipebook.launch import Stopped, read_progress, signals_raise
from recipebook.launcher import Job, Launcher, PlainLauncher, Training
from recipebook.manifest import Manifest, Status
from recipebook.members import Standing, list_members, name_fleet, stand
from recipebook.opening import open_run, say_recipe
from recipebook.progress import ProgressLine, format_seconds
from recipebook.resident import ResidentLauncher
from recipebook.resolve import Resolved
from recipebook.rundir import Run, shown

POLL_SECONDS = 0.05
LAUNCHERS = ("resident", "plain", "ray")


@dataclass(frozen=True)
class Choice:
    """Which members, and how."""

    only: tuple[str, ...] = ()
    limit: int | None = None
    workers: int | None = None
    launcher: str = "resident"
    force: bool = False


@dataclass
class Work:
    """A member on its way; `tries` are those of this command."""

    standing: Standing
    tries: int = 0
    fault: str | None = None
    claim: int | None = None


@dataclass(frozen=True)
class Active:
    """A member that is being trained."""

    work: Work
    run: Run
    manifest: Manifest
    lock: int
    training: Training
    started: float = field(default_factory=time.monotonic)


def train_fleet(resolved: Resolved, overrides: Sequence[str], choice: Choice) -> int:
    """Train the members that are asked for; 0 all trained, 1 some failed, 130 stopped."""
    matrix = resolved.recipe.matrix
    assert matrix
    if choice.force and not choice.only:
        raise UserError(
            f'FORCE: trains named members of {resolved.name} again; name them: ONLY="NAME NAME" or ONLY="*"'
        )
    say_recipe(resolved)
    members = list_members(resolved, choice.only, choice.limit)
    launcher = _open_launcher(choice, resolved)
    standings = stand(resolved, members, force=choice.force)
    wanted = [one for one in standings if one.wanted]
    rundir.name_members(
        name_fleet(resolved), [one.name for one in members], whole=not choice.only and choice.limit is None
    )
    print(f"fleet     {len(standings)} members: {_count_states(standings)}")
    started = time.monotonic()
    schedule = Schedule(launcher, overrides, matrix.attempts, len(wanted))
    try:
        with signals_raise():
            schedule.run(wanted)
    except Stopped as stopped:
        schedule.stop(str(stopped))
        print(f"stopped   by {stopped}: the same command goes on with what is left")
        return 130
    finally:
        launcher.close()
    lines = [read_line(one, schedule.faults.get(one.member.name)) for one in standings]
    _tell(resolved, lines, time.monotonic() - started, schedule.trained)
    return int(any(line.status not in ("trained", "left out") for line in lines))


def show_members(resolved: Resolved, choice: Choice) -> int:
    """What there is, what is done, what would run and why."""
    say_recipe(resolved)
    standings = stand(resolved, list_members(resolved, choice.only, choice.limit))
    width = max(len(one.member.name) for one in standings)
    for one in standings:
        rows = one.dataset.rows["train"]
        print(f"{one.member.name:<{width}}  {one.state:<10}  {rows:>6} rows  {one.why}")
    print(f"fleet     {len(standings)} members: {_count_states(standings)}")
    return 0


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

    def run(self, wanted: Sequence[Standing]) -> None:
        """Train all of them; one that fails goes behind the others, and one that another scheduler has, too."""
        waiting = deque(Work(one) for one in wanted)
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
        """End what is under way; it goes on from its last checkpoint another time."""
        self.line.clear()
        for active in self.active:
            active.training.stop()
            attempt.end(active.run, active.manifest, active.started, "interrupted", f"stopped by {reason}", None)
            os.close(active.lock)

    def _take(self, work: Work) -> bool:
        """Start a member, or find that there is nothing to start; False where somebody else is at it."""
        try:
            if work.claim is None and not self._claim(work):
                return False
            return self._start(work)
        except (OSError, UserError) as error:
            # A full disk, most often; the others may still find room.
            self._give_up(work, error.strerror or str(error) if isinstance(error, OSError) else str(error))
        return True

    def _claim(self, work: Work) -> bool:
        folder = rundir.CACHE / "claims"
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / work.standing.identity, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        work.claim = descriptor
        return True

    def _start(self, work: Work) -> bool:
        run, manifest = self._open(work)
        if manifest.status == "trained":
            self._settle(work, f"found     {work.standing.member.name}: trained by another command meanwhile")
            return True
        if run.is_held():
            # What trained it for a scheduler that was killed is about to end, or it is trained on its own.
            return False
        lock = run.lock()
        try:
            run.drop_broken_checkpoints()
            manifest = attempt.begin(run, manifest)
            processes = work.standing.resolved.recipe.launch.processes
            job = Job(run.folder, manifest.command, manifest.environment, lock, processes)
            self.active.append(Active(work, run, manifest, lock, self.launcher.start(job)))
        except BaseException:
            os.close(lock)
            raise
        work.tries += 1
        return True

    def _open(self, work: Work) -> tuple[Run, Manifest]:
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
            return next((pair for pair in same if pair[1].status == "trained"), same[0])
        run = rundir.create(standing.member.name, datetime.now(), fleet=fleet)
        overrides = (*self.overrides, *standing.overrides)
        try:
            manifest = open_run(run, standing.resolved, overrides, standing.dataset, standing.identity)
            manifest = run.write(manifest.model_copy(update={"member": standing.member.name}))
        except BaseException:
            shutil.rmtree(run.folder, ignore_errors=True)
            raise
        work.standing = replace(standing, run=run, why="opened")
        return run, manifest

    def _finish(self, active: Active) -> Work | None:
        """Judge what the trainer left; the work again where it is to be tried once more."""
        self.active.remove(active)
        code = active.training.poll()
        assert code is not None
        work, name = active.work, active.work.standing.member.name
        try:
            work.fault = attempt.find_fault(active.run.folder, code)
            status: Status = "failed" if work.fault else "trained"
            manifest = attempt.end(active.run, active.manifest, active.started, status, work.fault, code)
        except OSError as error:
            work.fault = error.strerror or str(error)
        finally:
            os.close(active.lock)
        took = format_seconds(time.monotonic() - active.started)
        if work.fault is None:
            self.trained += 1
            loss = "" if manifest.final_loss is None else f", loss {manifest.final_loss:.4f}"
            self._settle(work, f"trained   {name} in {took}{loss}")
            return None
        if work.tries < self.tries:
            self._say(f"failed    {name}: {work.fault}; it is tried again")
            return work
        self._give_up(work, work.fault)
        return None

    def _give_up(self, work: Work, fault: str) -> None:
        name = work.standing.member.name
        self.faults[name] = fault
        self._settle(work, f"failed    {name}: {fault}")

    def _settle(self, work: Work, said: str) -> None:
        if work.claim is not None:
            os.close(work.claim)
            work.claim = None
        self.done += 1
        self._say(f"{said}  [{self.done}/{self.total}]")

    def _say(self, text: str) -> None:
        self.line.clear()
        print(text)

    def _draw(self) -> None:
        """Members done, and the part of those under way that is."""
        shares = [read_progress(active.run.folder) for active in self.active]
        part = sum(fact["step"] / max(fact["steps"], 1) for fact in shares if fact)
        self.line.show(self.done, self.total, f" +{part:.1f} ({len(self.active)} at a time)")


def _open_launcher(choice: Choice, resolved: Resolved) -> Launcher:
    """One slot a device, or as many as are asked for."""
    slots = choice.workers or max(1, len(detect().gpus))
    if choice.launcher not in LAUNCHERS:
        raise UserError(f"LAUNCHER: no '{choice.launcher}'; there are: {', '.join(LAUNCHERS)}")
    # Members that a service trains are only watched here.
    if choice.launcher == "plain" or resolved.recipe.remote:
        return PlainLauncher(slots)
    if choice.launcher == "resident":
        return ResidentLauncher(slots)
    # Only where it is asked for: Ray is an extra, and slow to import.
    from recipebook.ray_launcher import RayLauncher

    return RayLauncher(choice.workers)


def _count_states(standings: Sequence[Standing]) -> str:
    states = [one.state for one in standings]
    return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))


def _tell(resolved: Resolved, lines: Sequence[Line], seconds: float, trained: int) -> None:
    """The table of all members, in the terminal and as a page."""
    for text in Line.align(lines):
        print(text)
    failed = sum(line.status not in ("trained", "left out") for line in lines)
    took = f"{trained} trained in {format_seconds(seconds)}"
    print(f"fleet     {len(lines)} members, {failed} without a trained model; {took}")
    fleet = name_fleet(resolved)
    page = rundir.RUNS / fleet / "members.html"
    try:
        rundir.note_members(fleet, {line.member: line.run for line in lines if line.status == "trained"})
        write_page(page, resolved.name, lines)
        print(f"page      {shown(page)}")
    except OSError as error:
        print(f"page      {shown(page)}: cannot be written: {error.strerror}")
