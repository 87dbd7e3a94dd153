"""A recipe of one training, or of a fleet, in; nothing out, or what is wrong with it, before its data is read."""

from recipebook.errors import UserError
from recipebook.recipe.references import check_references
from recipebook.recipe.resolve import Resolved
from recipebook.recipe.switches import check_switches
from recipebook.train.continuing import check_begun
from recipebook.train.hub_base import check_base
from recipebook.train.machine import check_machine


def check_training(resolved: Resolved, *, elsewhere: bool = False) -> None:
    """Refuse names without a file, keys without an effect, and what this machine, the hub or another run lacks.

    `elsewhere`: it is planned for another machine's GPUs.
    """
    check_references(resolved)
    check_switches(resolved)
    check_machine(resolved, elsewhere=elsewhere)
    check_base(resolved.recipe)
    check_begun(resolved)


def check_ways(resolved: Resolved, *, staged: bool) -> None:
    """Refuse a recipe that asks for two ways of training at once: stages, a matrix, several machines."""
    matrix = resolved.recipe.matrix
    if matrix and staged:
        raise UserError(f"{resolved.name} has a matrix and stages, which cannot go together")
    if resolved.recipe.launch.machines > 1 and (staged or matrix):
        several = "stages" if staged else "members"
        raise UserError(f"{resolved.name}: launch.machines: the {several} of a recipe train on one machine each")
