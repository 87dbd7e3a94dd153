"""`make runs`: all runs, newest first, with the headline figure of those that were evaluated."""

import argparse

HELP = "list all runs, newest first"


def add_arguments(_: argparse.ArgumentParser) -> None:
    """None."""


def run(_: argparse.Namespace) -> int:
    """Print the table."""
    from recipebook.run.table import print_runs

    return print_runs()
