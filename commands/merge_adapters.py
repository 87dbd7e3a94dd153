"""`make merge-adapters`: several adapters of one base in, one adapter out."""

import argparse
from pathlib import Path

from commands._options import RUN, number, run_name

HELP = "merge several adapters into one, by PEFT's weighted sum"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The runs, a weight each, and how they are merged."""
    parser.add_argument("runs", type=run_name, nargs="+", metavar="RUN", help=RUN)
    parser.add_argument(
        "--weights", nargs="+", type=number, required=True, metavar="W", help="one weight for each run, in their order"
    )
    parser.add_argument(
        "--out", required=True, type=Path, metavar="FOLDER", help="a folder that is not there yet, for the new adapter"
    )
    parser.add_argument(
        "--kind", default="linear", choices=("linear", "cat", "ties"), help="PEFT's way of merging; linear if not given"
    )
    parser.add_argument(
        "--density",
        type=number,
        metavar="D",
        help="for ties: the share of each adapter's values that is kept, such as 0.5",
    )


def run(arguments: argparse.Namespace) -> int:
    """Merge them into a folder."""
    from release.merge_adapters import merge_adapters

    return merge_adapters(arguments.runs, arguments.weights, arguments.out, arguments.kind, arguments.density)
