"""`make leaderboard`: all evaluated runs, ranked where they are comparable."""

import argparse
from pathlib import Path

HELP = "rank all evaluated runs that are comparable"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whose runs, and where the page goes."""
    parser.add_argument("recipe", nargs="?", help="only runs of this recipe")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the page; runs/leaderboard.html if not given")


def run(arguments: argparse.Namespace) -> int:
    """Print the ranking and write its page."""
    from eval.comparing.leaderboard import print_leaderboard
    from recipebook.run.index_page import write_index

    code = print_leaderboard(arguments.recipe, arguments.out)
    write_index()
    return code
