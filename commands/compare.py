"""`make compare`: evaluated runs side by side, each compared with the first."""

import argparse
from pathlib import Path

from commands._options import EVALUATION, amount, run_name

HELP = "compare evaluated runs, each with the first"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The runs, and where the page goes."""
    parser.add_argument("runs", type=run_name, nargs="+", metavar="RUN", help=EVALUATION)
    parser.add_argument("--out", type=Path, metavar="FILE", help="the page; runs/compare-….html if not given")
    parser.add_argument("--margin", type=amount, metavar="D", help="also: as good as the first but for D, by tests")


def run(arguments: argparse.Namespace) -> int:
    """Print the comparison and write its page."""
    from eval.comparing.compare import print_comparison
    from recipebook.run.index_page import write_index

    code = print_comparison(arguments.runs, arguments.out, arguments.margin)
    write_index()
    return code
