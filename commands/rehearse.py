"""`make rehearse`: whether a launch of several GPUs trains rightly, proved on CPU ranks before a GPU is paid for."""

import argparse

from commands._options import add_layers, add_recipe, read_layers

HELP = "try a launch of several GPUs on CPU ranks, with the tiny model"
STRATEGIES = ("data-parallel", "zero1", "zero2", "zero3", "fsdp2")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recipe with its layers, the strategies that share one reference, and which stage."""
    add_recipe(parser)
    add_layers(parser)
    parser.add_argument(
        "--strategies",
        nargs="*",
        default=[],
        choices=STRATEGIES,
        metavar="NAME",
        help="strategies to try, in place of the recipe's own",
    )
    parser.add_argument("--stage", metavar="NAME", help="only this stage of the recipe")


def run(arguments: argparse.Namespace) -> int:
    """Rehearse the recipe, under the profile multi-gpu unless another is given."""
    from recipebook.train.rehearsal import rehearse

    profile = arguments.profile or "multi-gpu"
    return rehearse(arguments.recipe, profile, read_layers(arguments), arguments.strategies, arguments.stage)
