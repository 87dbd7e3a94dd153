"""`make doctor`: what this machine has and lacks for training, a line each; status 1 if anything is missing.

ok        python     3.11.7
missing   torch      2.13.0+cpu, a build for processors alone beside a GPU: …
"""

import argparse

from commands._options import add_layers, read_layers

HELP = "what this machine has and lacks for training, a line each"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A recipe with its layers, or none."""
    parser.add_argument("recipe", nargs="?", help="a recipe whose base, processes and disk space are looked at, too")
    add_layers(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the lines."""
    from recipebook.doctor.examine import examine
    from recipebook.recipe.resolve import resolve
    from recipebook.terminal import print_field
    from recipebook.train.machine import choose_profile

    name, layers = arguments.recipe, read_layers(arguments)
    recipe = resolve(name, choose_profile(arguments.profile), layers).recipe if name else None
    missing = 0
    for found in examine(recipe):
        missing += found.cure is not None
        text = f"{found.text}: {found.cure}" if found.cure else found.text
        print_field("missing" if found.cure else "ok", f"{found.name:<10}{text}")
    print(f"{missing} missing" if missing else "nothing is missing")
    return 1 if missing else 0
