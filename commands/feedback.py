"""`make feedback`: figures of logged chats, and rated ones as preference pairs for the next training."""

import argparse
from pathlib import Path

HELP = "figures of logged chats; rated ones become pairs.jsonl and labelled.jsonl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The chats, and where what is learned from goes."""
    parser.add_argument("chats", type=Path, metavar="FILE", help="JSONL, as `make chat LOG=` writes it, with ratings")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where pairs.jsonl and labelled.jsonl are added to")


def run(arguments: argparse.Namespace) -> int:
    """Print the figures and the account, and write the files."""
    from recipebook.terminal import align, print_field
    from release.chat_figures import list_figures
    from release.feedback import add_records, collect_feedback
    from release.rated_chats import read_chats

    chats = read_chats(arguments.chats)
    print(align(list_figures(chats)))
    found = collect_feedback(chats)
    print_field("pairs", f"{len(found.pairs)}; {len(found.labelled)} answers with a label, for training.method: kto")
    for reason, count in found.left_out.items():
        print_field("left out", f"{count} x {reason}")
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        for name, records in (("pairs", found.pairs), ("labelled", found.labelled)):
            path = arguments.out / f"{name}.jsonl"
            added, kept = add_records(path, records)
            print_field("written", f"{path}: {added} new, {kept} kept")
    return 0
