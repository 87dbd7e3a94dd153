"""`make results`: every recipe trained and evaluated under the profiles tiny and small, for docs/results.md."""

import argparse

HELP = "train and evaluate every recipe under the profiles tiny and small, for docs/results.md"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which of them."""
    parser.add_argument("recipe", nargs="?", help="only this recipe")
    parser.add_argument("--profile", help="only this profile; if not given, tiny and then small")


def run(arguments: argparse.Namespace) -> int:
    """Train and evaluate what is not done yet, and store the records."""
    from eval.results.measuring import measure_recipes

    return measure_recipes(arguments.recipe, arguments.profile)
