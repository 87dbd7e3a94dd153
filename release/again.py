"""A publication in; its recipe trained again on this machine, and the digest of the new weights, out.

The rows come from the recipe's source, which is not published: it must lie where the recipe names it.
"""

from pathlib import Path

from recipebook.errors import UserError
from recipebook.recipe.references import check_references
from recipebook.recipe.resolve import resolve
from recipebook.run import rundir
from recipebook.train.machine import check_machine
from recipebook.train.train import train_run
from release.publication import RECIPE, STAGES


def train_again(folder: Path) -> str:
    """Train as the published recipe says, whatever runs there are; the digest of names, shapes and bytes."""
    if (folder / STAGES).is_dir():
        raise UserError(f"{folder / STAGES}: the model was trained in stages, and AGAIN repeats a single training")
    resolved = resolve(str((folder / RECIPE).absolute()), None)
    check_references(resolved)
    check_machine(resolved)
    before = {run.name for run in rundir.list_runs()}
    if train_run(resolved, (), force=True) != 0:
        raise UserError(f"{folder / RECIPE}: it could not be trained again")
    new = next(run for run in rundir.list_runs() if run.name not in before)
    return str((new.read().weights or {}).get("digest"))
