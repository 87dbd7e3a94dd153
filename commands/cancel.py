"""`make cancel`: ends a run's job at a fine-tuning service."""

import argparse

from commands._options import run_name

HELP = "end a run's job at a fine-tuning service"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run."""
    parser.add_argument("run", type=run_name, help="the run's full name")


def run(arguments: argparse.Namespace) -> int:
    """Cancel the job and print its status."""
    from recipebook.remote.job import cancel
    from recipebook.run import rundir

    print(cancel(rundir.find(arguments.run).folder))
    return 0
