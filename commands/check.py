"""`make check`: every recipe, profile and template, in about a second; a line for each fault on stderr."""

import argparse
import sys

HELP = "check every recipe, profile and template"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One recipe, or all."""
    parser.add_argument("recipe", nargs="?", help="only this one")


def run(arguments: argparse.Namespace) -> int:
    """Print what is wrong; 2 if anything is."""
    from recipebook.recipe.check import check_all

    problems = check_all(only=arguments.recipe)
    print("\n".join(problems), file=sys.stderr) if problems else print("every recipe, profile and template is sound")
    return 2 if problems else 0
