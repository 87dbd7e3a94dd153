"""`make export-tasks TASKS=samples/shell_tasks.json OUT=out/harbor`: shell tasks as folders that Harbor runs.

    harbor run -p out/harbor/shell-573 -a oracle

The last line counts the tasks that were written, and those that were left out since they have no check.
"""

import argparse
from pathlib import Path

HELP = "write shell tasks as folders that Harbor runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The tasks, and where their folders go."""
    parser.add_argument("tasks", type=Path, metavar="TASKS", help="a file of shell tasks")
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="a folder that is not there yet")


def run(arguments: argparse.Namespace) -> int:
    """Write them."""
    from recipebook.shell.dialogue import ROUNDS
    from recipebook.shell.episodes import SECONDS
    from recipebook.shell.harbor import export_tasks
    from recipebook.shell.tasks import read_tasks
    from recipebook.terminal import print_field

    tasks = read_tasks(arguments.tasks)
    left_out = export_tasks(tasks, arguments.out, ROUNDS, SECONDS)
    print_field("tasks", f"{len(tasks) - left_out} in {arguments.out}, {left_out} left out without a check")
    return 0
