"""`make sandbox-check`: can this machine have boxes for shell tasks, and what holds in them?

It starts boxes, makes every attempt of recipebook/shell/attempts.py, and prints a table. Exit status 1 if one got out.
"""

import argparse

from commands._options import BASES

HELP = "try to get out of the boxes in which shell tasks run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The base of the boxes."""
    parser.add_argument("--base", choices=BASES, default="host", help="whose programs the boxes have")


def run(arguments: argparse.Namespace) -> int:
    """Print what is missing, or what holds."""
    from recipebook.shell.box import BoxSettings
    from recipebook.shell.cgroups import describe_cgroups
    from recipebook.shell.inspection import inspect
    from recipebook.shell.requirements import describe_ids, list_missing, require_boxes
    from recipebook.terminal import align, print_field

    for line in list_missing():
        print_field("missing", line)
    require_boxes()
    print_field("ids", describe_ids())
    print_field("cgroups", describe_cgroups())
    trials = list(inspect(BoxSettings(base=arguments.base)))
    print()
    print(align([("attempt", "", "by"), *((f.name, "held" if f.held else "NOT HELD", f.held_by) for f in trials)]))
    out = [trial for trial in trials if not trial.held]
    print(f"{len(trials) - len(out)} of {len(trials)} held")
    return 1 if out else 0
