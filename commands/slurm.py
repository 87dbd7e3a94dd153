"""`make slurm`: a recipe to a job script for SLURM, in runs/slurm/; `sbatch` starts it.

script    runs/slurm/robot-lora.sh
next      sbatch runs/slurm/robot-lora.sh
"""

import argparse
import re
from typing import TYPE_CHECKING

from commands._options import add_layers, add_recipe, count, read_layers
from recipebook.errors import UserError
from recipebook.suggestions import shorten

if TYPE_CHECKING:
    from recipebook.launch.slurm import SlurmJob

HELP = "write a job script for SLURM: several nodes, or an array of a fleet's members"
# minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes, days-hours:minutes:seconds
_TIME = re.compile(r"[0-9]{1,6}(:[0-9]{1,2}){0,2}|[0-9]{1,3}-[0-9]{1,2}(:[0-9]{1,2}){0,2}")
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,@+-]{0,99}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recipe with its layers, and what is asked of SLURM."""
    add_recipe(parser)
    add_layers(parser)
    parser.add_argument("--nodes", type=count, metavar="N", help="machines that train together")
    parser.add_argument("--workers", type=count, metavar="N", help="members of a fleet that train at a time")
    parser.add_argument("--time", type=_time, metavar="TIME", help="SLURM's --time")
    for name in ("account", "partition"):
        parser.add_argument(f"--{name}", type=_word, metavar=name.upper(), help=f"SLURM's --{name}")


def run(arguments: argparse.Namespace) -> int:
    """Write the script."""
    from recipebook import project
    from recipebook.files import write_text
    from recipebook.fleet.members import list_members
    from recipebook.launch.slurm import SlurmJob, render_job
    from recipebook.pipeline.train import resolve_stages
    from recipebook.terminal import print_field
    from recipebook.train.machine import WITHOUT_GPU, require_nvidia

    given = arguments
    # The machine on which one writes a job often has no GPU, so that it cannot choose the profile.
    profile = given.profile or "multi-gpu"
    if given.nodes and given.machines not in (None, given.nodes):
        raise UserError(f"NODES={given.nodes} and MACHINES={given.machines} are both the machines that train together")
    layers = [*read_layers(given), *([f"launch.machines={given.nodes}"] if given.nodes else [])]
    resolved, stages = resolve_stages(given.recipe, profile, layers, elsewhere=True)
    require_nvidia(resolved)
    nodes = resolved.recipe.launch.machines
    members = tuple(member.name for member in list_members(resolved)) if resolved.recipe.matrix else ()
    if nodes > 1 and (members or stages):
        raise UserError(f"NODES: {resolved.name} has {'stages' if stages else 'members'}, which train on one node each")
    if given.workers and not members:
        raise UserError(f"{resolved.name} has no matrix, so WORKERS means nothing to it")
    job = SlurmJob(
        resolved.name, nodes, 0 if profile in WITHOUT_GPU else resolved.recipe.launch.processes,
        (given.recipe, "--profile", profile, *(["--set", *layers] if layers else [])), members,
        given.workers, given.time, given.account, given.partition,
    )  # fmt: skip
    path = project.RUNS / "slurm" / f"{resolved.name.replace('/', '-')}.sh"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, render_job(job, project.PROJECT))
    print_field("script", f"{project.shown(path)}: {_describe(job)}")
    print_field("next", f"sbatch {project.shown(path)}")
    return 0


def _time(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"'{shorten(text)}' is no time, such as 90 (minutes), 4:00:00 or 1-12:00:00")
    return text


def _word(text: str) -> str:
    if not _WORD.fullmatch(text):
        raise argparse.ArgumentTypeError(f"'{shorten(text)}' is no name, such as lab or gpu,long")
    return text


def _describe(job: "SlurmJob") -> str:
    gpus = f"{job.gpus or 'no'} GPU{'' if job.gpus == 1 else 's'}"
    if job.members:
        return f"{len(job.members)} members, a task each, on {gpus}"
    return f"{job.nodes} node{'s' if job.nodes > 1 else ''} with {gpus}{' each' if job.nodes > 1 else ''}"
