"""A publication in; its recipe trained again on this machine, and the digest of the new weights, out.

The rows come from the recipe's source, which is not published: it must lie where the recipe names it.
"""

from pathlib import Path

from recipebook.errors import UserError
from recipebook.pipeline.train import StageChoice, resolve_layers, train_stages
from recipebook.project import PROJECT
from recipebook.recipe.layers import read_layers
from recipebook.recipe.references import check_references
from recipebook.run import rundir
from recipebook.train.machine import check_machine
from recipebook.train.train import train_run
from release.publication import RECIPE


def train_again(folder: Path) -> str:
    """Train as the published recipe says, whatever runs there are; the digest of names, shapes and bytes."""
    before = {run.name for run in rundir.list_runs()}
    if _train((folder / RECIPE).absolute()) != 0:
        raise UserError(f"{folder / RECIPE}: it could not be trained again")
    new = next(run for run in rundir.list_runs() if run.name not in before)
    return str((new.read().weights or {}).get("digest"))


def _train(recipe: Path) -> int:
    """Train by a recipe alone: no profile of this machine is laid over it."""
    resolved, stages = resolve_layers(read_layers(str(recipe), None, (), PROJECT))
    if stages:
        return train_stages(resolved, stages, (), StageChoice(force=True))
    check_references(resolved)
    check_machine(resolved)
    return train_run(resolved, (), force=True)
