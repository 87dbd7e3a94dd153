"""One converter on one source: `python -m recipebook convert --converter robot --in samples/robot.json --out x.jsonl`.

The account of every record is the last line on stdout; its reasons are on stderr.
"""

import argparse
from pathlib import Path

from commands._options import add_settings, count_or_share, print_account, read_settings

HELP = "convert one source with one converter"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The converter with its options, the source, and where the rows go."""
    parser.add_argument("--converter", default="auto", metavar="NAME", help="if not given, chosen by the first records")
    parser.add_argument(
        "--in",
        required=True,
        dest="source",
        metavar="SOURCE",
        help="a file, a glob, a folder, or hf:OWNER/NAME[@REVISION][/CONFIG][:SPLIT]",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="where the rows go, as JSON Lines")
    add_settings(parser, "the converter's own options, such as columns={user: question, assistant: answer}")
    parser.add_argument("--launcher", choices=["ray"], help="convert on a Ray cluster whose nodes share the project")
    parser.add_argument(
        "--rejects", type=count_or_share, default="0", help="how many records may be rejected: a number, or 10%%"
    )


def run(arguments: argparse.Namespace) -> int:
    """Convert, and print the account."""
    from recipebook.data.conversion import convert_file
    from recipebook.data.spread import convert_spread

    given = arguments
    words = (given.converter, given.source, given.out, read_settings(given), given.rejects)
    if given.launcher:
        # Only where it is chosen: Ray is an extra, and slow to import.
        from recipebook.launch.ray_map import map_in_order

        print_account(convert_spread(*words, map_in_order))
    else:
        print_account(convert_file(*words))
    return 0
