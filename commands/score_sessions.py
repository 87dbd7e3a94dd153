"""`make score-sessions IN=folder`: mean reward and success of recorded agent sessions.

    sessions  5
    reward    -0.200 (correct 1, incorrect -0.5, others 0)
    success   0.200

A folder's data files are all read; the last line is the same as JSON.
"""

import argparse
from pathlib import Path

from recipebook.terminal import format_decimals

HELP = "mean reward and success of recorded agent sessions"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recorded sessions."""
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="a file, a glob or a folder of sessions")


def run(arguments: argparse.Namespace) -> int:
    """Print the figures."""
    from recipebook.errors import on_one_line
    from recipebook.shell.outcomes import reward
    from recipebook.shell.recorded import sum_sessions
    from recipebook.sources.inputs import find_inputs
    from recipebook.terminal import print_field

    inputs = [each for source in arguments.sources for each in find_inputs(source, Path())]
    figures = sum_sessions((each.name, record) for each in inputs for record in each.read({}))
    worth = f"correct {reward('correct'):g}, incorrect {reward('incorrect'):g}, others {reward('unknown'):g}"
    print_field("sessions", str(figures.sessions))
    print_field("reward", f"{format_decimals(figures.reward, 3)} ({worth})")
    print_field("success", f"{format_decimals(figures.success, 3)}")
    for label, counts in (("outcomes", figures.outcomes), ("statuses", figures.statuses)):
        print_field(label, ", ".join(f"{on_one_line(name)} {count}" for name, count in sorted(counts.items())))
    print(figures.model_dump_json())
    return 0
