"""`make chat`: a talk with a trained model."""

import argparse
from pathlib import Path

from commands._options import RUN, add_overrides, count, run_name

HELP = "talk with a run's model; it reads lines and prints answers as they are written"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run, what answers beside it, and how."""
    parser.add_argument("run", type=run_name, help=RUN)
    parser.add_argument("--checkpoint", type=count, metavar="STEP", help="one of the run's checkpoints")
    parser.add_argument("--base", action="store_true", help="let the base model answer, too")
    # None at all is a choice, too.
    parser.add_argument(
        "--system", type=str, metavar="TEXT", help="a system text in place of the one that the run's rows share"
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="append each conversation as a line of JSON")
    add_overrides(
        parser, "eval.KEY=VALUE", "a setting in place of the recipe's, such as eval.generation.temperature=0.7"
    )


def run(arguments: argparse.Namespace) -> int:
    """Talk until the input ends."""
    from release.chatting import chat

    given = arguments
    return chat(given.run, given.overrides, given.checkpoint, base=given.base, system=given.system, log=given.log)
