"""`make human-eval`: blinded forms in which people rate evaluated runs."""

import argparse

from commands._options import EVALUATION, run_name, whole_number

HELP = "write blinded forms in which people rate evaluated runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The runs, and the size of the study."""
    parser.add_argument("runs", type=run_name, nargs="+", metavar="RUN", help=EVALUATION)
    parser.add_argument(
        "--conversations",
        type=whole_number,
        default=100,
        metavar="N",
        help="conversations in each form; 100 if not given",
    )
    parser.add_argument(
        "--evaluators", type=whole_number, default=5, metavar="N", help="people, each with a form; 5 if not given"
    )
    parser.add_argument(
        "--seed",
        type=whole_number,
        default=42,
        metavar="N",
        help="draws the conversations and their order; 42 if not given",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the forms."""
    from eval.human.forms import make_forms

    return make_forms(arguments.runs, arguments.conversations, arguments.evaluators, arguments.seed)
