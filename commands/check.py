"""`make check`: every recipe, profile and template, in about a second; a line for each fault on stderr."""

import argparse
import sys

HELP = "check every recipe, profile and template"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One recipe, or all."""
    parser.add_argument("recipe", nargs="?", help="only this recipe")


def run(arguments: argparse.Namespace) -> int:
    """Print what is wrong; 2 if anything is."""
    from recipebook.recipe.check import check_all

    problems = check_all(only=arguments.recipe)
    sound = f"{arguments.recipe} is sound under every profile; without RECIPE= all recipes are checked"
    sound = sound if arguments.recipe else "every recipe, profile and template is sound"
    print("\n".join(problems), file=sys.stderr) if problems else print(sound)
    return 2 if problems else 0
