"""`make sky`: a recipe to a task for SkyPilot, in runs/sky/; `sky launch` starts it on a machine of a cloud.

task      runs/sky/robot-lora.yaml: 8 x H100
next      sky launch -c robot-lora runs/sky/robot-lora.yaml
          rsync -a robot-lora:sky_workdir/runs/ runs/
"""

import argparse
import re

from commands._options import add_layers, add_recipe, count, read_layers
from recipebook.suggestions import shorten

HELP = "write a task for SkyPilot: a recipe trained on a machine of a cloud"
_CARD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,40}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recipe with its layers, and the card."""
    add_recipe(parser)
    add_layers(parser)
    parser.add_argument("--card", required=True, type=_card, metavar="NAME", help="as `sky show-gpus` lists it: H100")
    parser.add_argument("--workers", type=count, metavar="N", help="members of a fleet that train at a time")


def run(arguments: argparse.Namespace) -> int:
    """Write the task."""
    from recipebook import project
    from recipebook.errors import UserError
    from recipebook.files import write_text
    from recipebook.launch.sky import SkyTask, render_task
    from recipebook.pipeline.train import resolve_stages
    from recipebook.terminal import print_field
    from recipebook.train.cards import require_card
    from recipebook.train.machine import WITHOUT_GPU, require_nvidia

    given = arguments
    # This machine often has no GPU, so that it cannot choose the profile.
    profile, layers = given.profile or "multi-gpu", read_layers(given)
    resolved, _ = resolve_stages(given.recipe, profile, layers, elsewhere=True, card=require_card(given.card))
    require_nvidia(resolved)
    if profile in WITHOUT_GPU:
        raise UserError(f"PROFILE={profile} uses no GPU, and CARD={given.card} would be paid for; PROFILE=gpu does")
    launch = resolved.recipe.launch
    if given.workers and not resolved.recipe.matrix:
        raise UserError(f"{resolved.name} has no matrix, so WORKERS means nothing to it")
    if launch.machines > 1:
        raise UserError("MACHINES: machines that SkyPilot starts share no folder; make slurm is for several")
    words = [given.recipe, "--profile", profile, *(["--set", *layers] if layers else [])]
    if given.workers:
        words += ["--workers", str(given.workers)]
    task = SkyTask(resolved.name, given.card, launch.processes * (given.workers or 1), tuple(words))
    path = project.RUNS / "sky" / f"{resolved.name.replace('/', '-')}.yaml"
    write_text(path, render_task(task, project.PROJECT, project.INSTALLATION))
    print_field("task", f"{project.shown(path)}: {task.gpus} x {task.card}")
    print_field("next", f"sky launch -c {path.stem} {project.shown(path)}")
    print_field("", f"rsync -a {path.stem}:sky_workdir/runs/ runs/")
    return 0


def _card(text: str) -> str:
    if not _CARD.fullmatch(text):
        raise argparse.ArgumentTypeError(f"'{shorten(text)}' is no card as sky show-gpus lists them, such as H100")
    return text
