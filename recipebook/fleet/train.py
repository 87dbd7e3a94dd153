"""`make train` of a recipe with a matrix: trains every member that is not yet trained, and prints a table of all.

Reads downward: the members and their states, the launcher, the schedule (recipebook/fleet/schedule.py), the table. With
`eval.placebo` a second fleet follows, of a placebo for each member, as soon as all members are trained.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from recipebook import project
from recipebook.errors import UserError
from recipebook.fleet.expand import Member
from recipebook.fleet.members import (
    MemberState,
    find_unfit,
    format_unfit,
    list_members,
    name_fleet,
    stand,
    stand_placebos,
)
from recipebook.fleet.page import PAGE, write_page
from recipebook.fleet.schedule import Schedule
from recipebook.fleet.table import HEAD, Line, read_line
from recipebook.hardware import detect
from recipebook.launch.launchers import Launcher
from recipebook.launch.placement import Slots, count_slots
from recipebook.launch.plain import PlainLauncher
from recipebook.launch.process import Stopped, signals_raise
from recipebook.launch.resident import ResidentLauncher
from recipebook.progress import format_seconds
from recipebook.project import shown
from recipebook.recipe.resolve import Resolved
from recipebook.run import rundir
from recipebook.run.placebo import note_placebo
from recipebook.terminal import align, print_field
from recipebook.train.placebo import name_placebo
from recipebook.train.words import print_recipe

LAUNCHERS = ("resident", "plain", "ray")


@dataclass(frozen=True)
class FleetChoice:
    """Which members are trained, and how."""

    only: tuple[str, ...] = ()
    limit: int | None = None
    workers: int | None = None
    launcher: str | None = None
    force: bool = False


def train_fleet(resolved: Resolved, overrides: Sequence[str], choice: FleetChoice) -> int:
    """Train the chosen members whose rows can be trained on; 0 all trained, 1 some failed or refused, 130 stopped."""
    if choice.force and not choice.only:
        raise UserError(
            f'FORCE: trains named members of {resolved.name} again; name them: ONLY="NAME NAME" or ONLY="*"'
        )
    print_recipe(resolved)
    members = list_members(resolved, choice.only, choice.limit)
    launcher = _open_launcher(choice, resolved, members)
    standings = stand(resolved, members, force=choice.force)
    # Before hours of training: rows may have no two answers to shuffle.
    placebos = stand_placebos(resolved, standings, force=choice.force) if resolved.recipe.eval.placebo else []
    try:
        status = _train(resolved, standings, launcher, overrides, choice)
        if placebos and status == 0:
            print_field("placebo", "each member's training again, on its answers shuffled by its seed")
            for one in placebos:
                if one.state == "trained" and one.run and one.placebo_of:
                    note_placebo(one.run, one.placebo_of)
            status = _train(name_placebo(resolved), placebos, launcher, overrides, choice)
        return status
    finally:
        launcher.close()


def _train(
    resolved: Resolved,
    standings: Sequence[MemberState],
    launcher: Launcher,
    overrides: Sequence[str],
    choice: FleetChoice,
) -> int:
    """Train the members of one fleet, and print the table of it."""
    matrix = resolved.recipe.matrix
    assert matrix
    wanted = [one for one in standings if one.wanted]
    unfit = find_unfit(wanted)
    fit = [one for one in wanted if one.member.name not in unfit]
    if unfit and not fit:
        raise UserError(format_unfit(resolved, unfit))
    _name_members(resolved, [one.member.name for one in standings], choice)
    print_field("fleet", f"{len(standings)} members: {_count_states(standings)}")
    started = time.monotonic()
    for name, reason in unfit.items():
        print_field("refused", f"{name}: {reason}")
    schedule = Schedule(launcher, overrides, matrix.attempts, len(fit))
    schedule.faults |= unfit
    with signals_raise():
        try:
            schedule.run(fit)
        except Stopped as stopped:
            schedule.stop(str(stopped))
            print_field("stopped", f"by {stopped}: run the same command to resume")
            return 130
    lines = [read_line(one, schedule.faults.get(one.member.name)) for one in standings]
    _print_table(resolved, lines, time.monotonic() - started, schedule.trained)
    return int(any(line.status not in ("trained", "left out") for line in lines))


def print_members(resolved: Resolved, choice: FleetChoice) -> int:
    """Print the members: which are done, which would run and why."""
    print_recipe(resolved)
    standings = stand(resolved, list_members(resolved, choice.only, choice.limit))
    rows = [(one.member.name, f"{one.state:<10}", f"{one.dataset.rows['train']:>6} rows", one.why) for one in standings]
    print(align(rows))
    print_field("fleet", f"{len(standings)} members: {_count_states(standings)}")
    return 0


def _name_members(resolved: Resolved, names: Sequence[str], choice: FleetChoice) -> None:
    fleet = name_fleet(resolved)
    try:
        rundir.name_members(fleet, names, whole=not choice.only and choice.limit is None)
    except OSError as error:
        raise UserError(f"{shown(project.RUNS / fleet)}: cannot be written: {error.strerror}") from None


def _open_launcher(choice: FleetChoice, resolved: Resolved, members: Sequence[Member]) -> Launcher:
    """A launcher with `choice.workers` slots; if not given, one for each set of GPUs that a member needs."""
    if choice.launcher and choice.launcher not in LAUNCHERS:
        raise UserError(f"LAUNCHER: no '{choice.launcher}'; there are: {', '.join(LAUNCHERS)}")
    alone = resolved.recipe.launch.processes
    processes = max((int(one.settings.get("launch.processes", alone)) for one in members), default=alone)
    if choice.launcher == "ray" and not resolved.recipe.remote:
        # Only where it is chosen: Ray is an extra, and slow to import.
        from recipebook.launch.ray_launcher import RayLauncher

        return RayLauncher(choice.workers, processes)
    places = Slots(choice.workers or count_slots(len(detect().gpus), processes), processes)
    # Members that a service trains are only watched here, and a resident's children could not use a GPU.
    plain = choice.launcher == "plain" or resolved.recipe.remote or detect().gpu
    return PlainLauncher(places) if plain else ResidentLauncher(places)


def _count_states(standings: Sequence[MemberState]) -> str:
    states = [one.state for one in standings]
    return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))


def _print_table(resolved: Resolved, lines: Sequence[Line], seconds: float, trained: int) -> None:
    """The table of all members, in the terminal and as a page."""
    print(align([HEAD, *(line.cells for line in lines)]))
    failed = sum(line.status not in ("trained", "left out") for line in lines)
    took = f"{trained} trained in {format_seconds(seconds)}"
    print_field("fleet", f"{len(lines)} members, {failed} without a trained model; {took}")
    fleet = name_fleet(resolved)
    page = project.RUNS / fleet / PAGE
    try:
        rundir.note_members(fleet, {line.member: line.run for line in lines if line.status == "trained"})
        write_page(fleet, resolved.name, lines)
        print_field("page", shown(page))
    except OSError as error:
        print_field("page", f"{shown(page)}: cannot be written: {error.strerror}")
