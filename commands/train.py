"""`make train`: a recipe to a trained, checked run, or to many.

A recipe with stages, one with a matrix and one with neither each go their own way: recipebook/pipeline/train.py,
recipebook/fleet/train.py, recipebook/train/train.py.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from commands._options import add_choice, add_layers, add_recipe, count, folder_name, read_layers
from recipebook.errors import UserError

if TYPE_CHECKING:
    from recipebook.fleet.train import FleetChoice
    from recipebook.pipeline.train import StageChoice
    from recipebook.recipe.resolve import Resolved

HELP = "train a recipe, or resume an unfinished run of it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recipe with its layers, which stages or members of it, and how members are started."""
    add_recipe(parser)
    add_layers(parser)
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--stage", metavar="NAME", help="only this stage of the recipe")
    part.add_argument("--from", metavar="NAME", dest="since", help="this stage and those after it")
    parser.add_argument("--out", type=folder_name, metavar="NAME", help="the run's folder in runs/; else dated")
    parser.add_argument("--force", action="store_true", help="train again even if the same run is finished")
    add_choice(parser)
    parser.add_argument("--seeds", type=count, metavar="N", help="train the recipe with N seeds, as a fleet")
    parser.add_argument(
        "--workers", type=count, metavar="N", help="members trained at a time; if not given, one for each GPU"
    )
    parser.add_argument(
        "--launcher",
        metavar="NAME",
        help="how members are started: resident (if not given), plain or ray; ray starts several machines, too",
    )


def run(arguments: argparse.Namespace) -> int:
    """Train the recipe."""
    from recipebook.fleet.train import FleetChoice
    from recipebook.pipeline.train import StageChoice
    from recipebook.run.index_page import write_index

    given = arguments
    stages = StageChoice(given.stage, given.since, given.force)
    members = FleetChoice(tuple(given.only), given.limit, given.workers, given.launcher, given.force)
    code = train(given.recipe, given.profile, read_layers(given), stages, members, given.seeds, given.out)
    write_index()
    return code


def train(
    name: str,
    profile: str | None,
    overrides: Sequence[str],
    choice: "StageChoice",
    members: "FleetChoice",
    seeds: int | None = None,
    out: str | None = None,
) -> int:
    """Train one recipe; the exit status: 0 trained (or found trained), 1 failed, 130 stopped."""
    from recipebook.fleet.seeds import list_seeds, name_seeds, repeat_over_seeds
    from recipebook.fleet.train import train_fleet
    from recipebook.pipeline.train import resolve_stages, train_stages
    from recipebook.train.checks import check_training, check_ways
    from recipebook.train.machine import require_cores
    from recipebook.train.placebo import check_placebo
    from recipebook.train.train import train_run

    resolved, stages = resolve_stages(name, profile, overrides)
    if seeds and not stages:
        resolved = repeat_over_seeds(resolved, seeds)
    check_ways(resolved, staged=bool(stages))
    _check_choice(resolved, choice, members, out, staged=bool(stages))
    if _spreads_by_ray(resolved, members):
        return _train_on_nodes(name, resolved, profile, overrides, force=choice.force, out=out)
    require_cores(resolved)
    check_placebo(resolved, stages=bool(stages))
    if stages and seeds:
        if out:
            raise UserError(f"{resolved.name}: SEEDS trains several runs, and OUT names the folder of one")
        return _train_seeds(name, profile, overrides, choice, list_seeds(resolved, seeds), name_seeds(resolved))
    if stages:
        return train_stages(resolved, stages, overrides, choice, out)
    check_training(resolved)
    if resolved.recipe.matrix:
        return train_fleet(resolved, overrides, members)
    return train_run(resolved, overrides, force=choice.force, out=out)


def _check_choice(
    resolved: "Resolved", choice: "StageChoice", members: "FleetChoice", out: str | None, *, staged: bool
) -> None:
    """Refuse choices among what the recipe does not have: they would be ignored."""
    name, matrix = resolved.name, resolved.recipe.matrix
    if (choice.only or choice.since) and not staged:
        raise UserError(f"{name} has no stages, so STAGE and FROM mean nothing to it")
    if (members.only or members.limit) and not matrix:
        raise UserError(f"{name} has no matrix, so ONLY and LIMIT mean nothing to it")
    if (members.workers or (members.launcher and not _spreads_by_ray(resolved, members))) and not matrix:
        raise UserError(f"{name} has no matrix, so WORKERS and LAUNCHER mean nothing to it")
    if out and matrix:
        raise UserError(f"{name} trains a fleet, and OUT names the folder of one run")


def _spreads_by_ray(resolved: "Resolved", members: "FleetChoice") -> bool:
    """Whether Ray finds the machines that train one run together."""
    several = resolved.recipe.launch.machines > 1 and not resolved.recipe.matrix
    return several and members.launcher == "ray" and "MACHINE_RANK" not in os.environ


def _train_on_nodes(
    name: str, resolved: "Resolved", profile: str | None, overrides: Sequence[str], *, force: bool, out: str | None
) -> int:
    """Train on the nodes of a Ray cluster; each runs this command, with its rank."""
    from recipebook import project
    from recipebook.launch.ray_machines import run_on_nodes
    from recipebook.terminal import print_field

    launch, logs = resolved.recipe.launch, project.RUNS / "ray" / resolved.name.replace("/", "-")
    words = [name, *(["--profile", profile] if profile else []), "--set", *overrides]
    words += [*(["--force"] if force else []), *(["--out", out] if out else [])]
    print_field("nodes", f"{launch.machines} of the Ray cluster; what each prints is in {project.shown(logs)}")
    command = [sys.executable, "-m", "recipebook", "train", *words]
    return run_on_nodes(command, launch.machines, launch.processes, logs)


def _train_seeds(
    name: str, profile: str | None, overrides: Sequence[str], choice: "StageChoice", seeds: Sequence[int], fleet: str
) -> int:
    """Train a recipe with stages once for each seed, one after the other; stop at the first that does not end well."""
    from recipebook.pipeline.train import FleetPlace, resolve_stages, train_stages
    from recipebook.recipe.matrix_keys import SEED
    from recipebook.run import rundir
    from recipebook.terminal import print_field

    members = {f"seed{seed}": [*overrides, f"{SEED}={seed}"] for seed in seeds}
    rundir.name_members(fleet, list(members), whole=True)
    for at, (member, own) in enumerate(members.items(), 1):
        print_field("member", f"{member} ({at} of {len(members)})")
        resolved, stages = resolve_stages(name, profile, own)
        if status := train_stages(resolved, stages, own, choice, place=FleetPlace(fleet, member)):
            return status
    print_field("next", f"make eval RUN={fleet}")
    return 0
