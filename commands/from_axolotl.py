"""`recipebook from-axolotl x.yml`: a configuration of Axolotl to a recipe in recipes/."""

import argparse

from commands import _import

HELP = "write a recipe from a configuration of Axolotl; names what has no counterpart"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The configuration, and the recipe's name."""
    _import.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Import it."""
    from recipebook.importing.axolotl import find_misfits, import_axolotl

    return _import.write_recipe(arguments, "Axolotl", "base_model", find_misfits, import_axolotl)
