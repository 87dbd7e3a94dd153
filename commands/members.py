"""`make members`: a fleet's members, which are done, which would run and why."""

import argparse

from commands._options import add_choice, add_layers, add_recipe, read_layers

HELP = "list a fleet's members: which are done, which would run and why"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recipe with its layers, and which members."""
    add_recipe(parser)
    add_layers(parser)
    add_choice(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    from recipebook.fleet.train import FleetChoice, print_members
    from recipebook.train.machine import resolve_for_machine

    resolved = resolve_for_machine(arguments.recipe, arguments.profile, read_layers(arguments))
    return print_members(resolved, FleetChoice(tuple(arguments.only), arguments.limit))
