"""`make human-eval-results`: the results of the forms that came back."""

import argparse
from pathlib import Path

from commands._options import run_name

HELP = "print the results of the forms that came back"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The study's run, and where the forms are."""
    parser.add_argument("run", type=run_name, help="the run with the study, by its name or its recipe's")
    parser.add_argument(
        "--in",
        nargs="*",
        default=[],
        type=Path,
        dest="sources",
        metavar="PATH",
        help="files, or folders of them; if not given, the study's folder returned/",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the results and write their page."""
    from eval.human.report import print_results

    return print_results(arguments.run, arguments.sources)
