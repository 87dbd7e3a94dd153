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
    parser.add_argument("--out", required=True, type=Path, metavar="FILE")
    add_settings(parser)
    parser.add_argument(
        "--rejects", type=count_or_share, default="0", help="how many records may be rejected: a number, or 10%%"
    )


def run(arguments: argparse.Namespace) -> int:
    """Convert, and print the account."""
    from recipebook.data.conversion import convert_file

    options = read_settings(arguments)
    print_account(convert_file(arguments.converter, arguments.source, arguments.out, options, arguments.rejects))
    return 0
