"""`make merge`: a trained run in, a folder with its whole model out."""

import argparse
from pathlib import Path

from commands._options import RUN, count, run_name

HELP = "merge a run's adapter into its base: a folder that any program loads"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run, and where the model goes."""
    parser.add_argument("run", type=run_name, help=RUN)
    parser.add_argument(
        "--out", required=True, type=Path, metavar="FOLDER", help="a folder that is not there yet, for the whole model"
    )
    parser.add_argument("--checkpoint", type=count, metavar="STEP", help="one of the run's checkpoints")
    parser.add_argument(
        "--dtype",
        choices=("float32", "bfloat16", "float16"),
        help="precision of the weights that are written; the base's, if not given",
    )


def run(arguments: argparse.Namespace) -> int:
    """Merge it."""
    from release.merging import merge_run

    return merge_run(arguments.run, arguments.out, arguments.checkpoint, arguments.dtype)
