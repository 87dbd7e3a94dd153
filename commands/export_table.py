"""`make export-table RUN=robot-lora`: a table of recipebook/frames/ as a file, for spreadsheets and other programs.

    TABLE=predictions, scores, losses    of a run, a recipe's newest trained run, or a fleet: RUN=
    TABLE=leaderboard                    of all runs, or of a recipe's: RECIPE=
    TABLE=runs                           all runs

The columns of each are in docs/tables.md.
"""

import argparse
from pathlib import Path

from commands._options import EVALUATION, run_name

HELP = "write predictions, scores, losses, ranks or runs as csv, parquet or xlsx"
OF_A_RUN = ("predictions", "scores", "losses")
TABLES = (*OF_A_RUN, "leaderboard", "runs")
FORMATS = ("csv", "parquet", "xlsx")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The table, of what, in which form, and where it goes."""
    parser.add_argument("run", nargs="?", type=run_name, help=EVALUATION)
    parser.add_argument("--recipe", metavar="NAME", help="only runs of this recipe, for a leaderboard")
    parser.add_argument("--table", choices=TABLES, default="predictions", help="predictions if not given")
    parser.add_argument("--format", choices=FORMATS, help="by the ending of --out if not given, else csv")
    parser.add_argument("--out", type=Path, metavar="FILE", help="a file below runs/tables/ if not given")


def run(arguments: argparse.Namespace) -> int:
    """Write the file."""
    from recipebook.frames.export import export_table

    return export_table(arguments.table, arguments.run, arguments.recipe, arguments.format, arguments.out)
