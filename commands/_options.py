"""Options that several commands share, and how they are read.

--profile tiny --gpus 2 --set training.epochs=1      add_layers(parser), read_layers(arguments)
--only "joy_*" --limit 4                             add_choice(parser)
"""

import argparse
import sys
from typing import TYPE_CHECKING

from recipebook.errors import UserError

if TYPE_CHECKING:
    from recipebook.data.account import Account

RUN = "the name of a run, or of a recipe for its newest trained run"
EVALUATION = f"{RUN}; RUN@checkpoint-500 for a checkpoint, RUN@validation for the validation part"


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """The recipe, which is named first."""
    parser.add_argument("recipe", help="a name in recipes/, or a path to a YAML file")


def add_layers(parser: argparse.ArgumentParser) -> None:
    """The layers over the recipe: a profile, the number of processes, overrides."""
    parser.add_argument("--profile", help="a file of recipes/profiles; if not given, gpu or tiny")
    parser.add_argument("--gpus", type=int, metavar="N", help="processes: one for each GPU; without GPUs, CPU ranks")
    parser.add_argument("--set", nargs="*", action="extend", default=[], metavar="SECTION.KEY=VALUE", dest="overrides")


def read_layers(arguments: argparse.Namespace) -> list[str]:
    """The overrides, `--gpus` as one of them."""
    processes = [] if arguments.gpus is None else [f"launch.processes={arguments.gpus}"]
    return [*arguments.overrides, *processes]


def add_choice(parser: argparse.ArgumentParser) -> None:
    """The choice of members of a fleet."""
    parser.add_argument("--only", nargs="*", action="extend", default=[], metavar="MEMBER", help="names or patterns")
    parser.add_argument("--limit", type=count, metavar="N", help="the first N members")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Options of a converter or metric."""
    parser.add_argument("--set", nargs="*", action="extend", default=[], metavar="KEY=VALUE", dest="overrides")


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
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return int(text)


def print_account(account: "Account") -> None:
    """The account as JSON on stdout, and its reasons on stderr."""
    for line in account.lines():
        print(line, file=sys.stderr)
    print(account.model_dump_json())
