"""`make runs`: what has been trained, newest first, with its headline figure once it was evaluated."""

import argparse

HELP = "the table of runs, newest first"


def add_arguments(_: argparse.ArgumentParser) -> None:
    """None."""


def run(_: argparse.Namespace) -> int:
    """Print the table."""
    from recipebook.run.table import print_runs

    return print_runs()
