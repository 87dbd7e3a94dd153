"""Options that several commands share, and how they are read.

--profile tiny --gpus 2 --set training.epochs=1      add_layers(parser), read_layers(arguments)
--only "joy_*" --limit 4                             add_choice(parser)
"""

import argparse
import os
import re
import sys
from typing import TYPE_CHECKING

from recipebook.errors import UserError
from recipebook.project import RUNS
from recipebook.suggestions import shorten

if TYPE_CHECKING:
    from recipebook.data.account import Account

# Whose programs the boxes of shell tasks have.
BASES = ["host", "debian"]
RUN = "the name of a run, or of a recipe for its newest trained run"
LAST_PORT = 65535
_WHOLE = re.compile("-?[0-9]{1,9}")
_NUMBER = re.compile("[0-9]{1,9}")
_FOLDER = re.compile(r"\w[\w.-]{0,99}")
_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_SHARE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?%?")
EVALUATION = f"{RUN}; RUN@validation/checkpoint-500 for a checkpoint, RUN@validation for the validation part"


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """The recipe, which is named first."""
    parser.add_argument("recipe", help="a name in recipes/, or a path to a YAML file")


def add_layers(parser: argparse.ArgumentParser) -> None:
    """The layers over the recipe: a profile, the number of processes, overrides."""
    parser.add_argument("--profile", help="a file of recipes/profiles; if not given, gpu or tiny")
    parser.add_argument("--gpus", type=count, metavar="N", help="processes: one for each GPU; without GPUs, CPU ranks")
    parser.add_argument("--machines", type=count, metavar="N", help="machines that train together (docs/gpu.md)")
    add_overrides(parser, "SECTION.KEY=VALUE", "a setting in place of the recipe's, such as training.epochs=1")


def add_overrides(parser: argparse.ArgumentParser, form: str, what: str) -> None:
    """`--set`, once or several times, each with as many values of this form as wanted."""
    parser.add_argument("--set", nargs="*", action="extend", default=[], metavar=form, dest="overrides", help=what)


def read_layers(arguments: argparse.Namespace) -> list[str]:
    """The overrides, `--gpus` and `--machines` as two of them."""
    given = {"processes": arguments.gpus, "machines": arguments.machines}
    return [*arguments.overrides, *(f"launch.{key}={value}" for key, value in given.items() if value is not None)]


def add_choice(parser: argparse.ArgumentParser) -> None:
    """The choice of members of a fleet."""
    parser.add_argument(
        "--only",
        nargs="*",
        action="extend",
        default=[],
        metavar="MEMBER",
        help="only these members: names, or patterns such as joy_*",
    )
    parser.add_argument("--limit", type=count, metavar="N", help="only the first N members")


def add_settings(parser: argparse.ArgumentParser, what: str) -> None:
    """Options of a converter or metric; `what` describes them."""
    add_overrides(parser, "KEY=VALUE", what)


def read_settings(arguments: argparse.Namespace) -> dict[str, object]:
    """`key=value` words as a dictionary, values read as YAML."""
    from recipebook.recipe.yaml_source import parse_value

    options = {}
    for setting in arguments.overrides:
        key, equals, value = setting.partition("=")
        if not (key and equals):
            raise UserError(f"--set: '{setting}' is not key=value")
        options[key] = parse_value(value, "--set")
    return options


def count(text: str) -> int:
    """A whole number above 0."""
    if not _NUMBER.fullmatch(text) or not int(text):
        raise argparse.ArgumentTypeError(f"'{shorten(text)}' is not a whole number above 0, of nine digits at most")
    return int(text)


def whole_number(text: str) -> int:
    """A whole number, such as a seed."""
    if not _WHOLE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"'{shorten(text)}' is not a whole number of nine digits at most")
    return int(text)


def number(text: str) -> float:
    """A number of either sign."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{shorten(text)}' is not a number, such as 0.7") from None


def port_number(text: str) -> int:
    """A port of this machine."""
    if not _NUMBER.fullmatch(text) or not 0 < int(text) <= LAST_PORT:
        raise argparse.ArgumentTypeError(f"'{shorten(text)}' is not a port, a whole number from 1 to {LAST_PORT}")
    return int(text)


def amount(text: str) -> float:
    """A number above 0: a margin in a figure's own unit, a price."""
    if not _AMOUNT.fullmatch(text) or not float(text):
        raise argparse.ArgumentTypeError(f"'{shorten(text)}' is not a number above 0, such as 0.02")
    return float(text)


def count_or_share(text: str) -> str:
    """A number of records, or a share of them such as 10%."""
    if not _SHARE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"'{shorten(text)}' is neither a number of records nor a share such as 10%")
    return text


def run_name(text: str) -> str:
    """A run's name; the path of its folder is taken for it: `runs/traits/joy-1/` is `traits/joy-1`."""
    named = text.removeprefix("./").removeprefix(f"{RUNS}/").removeprefix(f"{RUNS.name}/").rstrip("/") or text
    # From any other folder of the project: `../runs/x`, or `x/` where one stands in runs/.
    path = os.path.realpath(text)
    inside = os.path.relpath(path, RUNS.resolve()) if "/" in text and os.path.isdir(path) else ".."  # noqa: PTH112
    return named if inside.startswith(".") else inside


def folder_name(text: str) -> str:
    """The name of a run's folder in runs/; its path is taken for it, as `run_name` does."""
    name = run_name(text)
    if not _FOLDER.fullmatch(name):
        raise argparse.ArgumentTypeError(
            f"'{shorten(text)}' is no name of a folder in runs/: letters, digits, - _ . and no /; runs/ itself "
            "may be a link to another disk"
        )
    return name


def print_account(account: "Account") -> None:
    """The account as JSON on stdout, and its reasons on stderr."""
    for line in account.lines():
        print(line, file=sys.stderr)
    print(account.model_dump_json())
