"""Rows in another system's form: `python -m recipebook export --to sharegpt --in rows.jsonl --out chats.jsonl`.

The account of every row is the last line on stdout; its reasons are on stderr.
"""

import argparse
from pathlib import Path

from commands._options import count_or_share, print_account

HELP = "write rows in a form that another system reads"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The form, the rows, and where they go."""
    parser.add_argument("--to", required=True, metavar="NAME", help="a module of exports/")
    parser.add_argument("--in", required=True, dest="source", metavar="FILE", help="rows, as convert writes them")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="the file that is written")
    parser.add_argument(
        "--rejects", type=count_or_share, default="0", help="how many rows may be rejected: a number, or 10%%"
    )


def run(arguments: argparse.Namespace) -> int:
    """Export, and print the account."""
    from recipebook.data.export import export_rows

    print_account(export_rows(arguments.to, arguments.source, arguments.out, arguments.rejects))
    return 0
