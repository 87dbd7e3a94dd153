"""`make push`: a trained, evaluated run to the hub, with a card of its figures."""

import argparse
from pathlib import Path

from commands._options import RUN, run_name
from recipebook.errors import UserError

HELP = "publish a run's adapter with its card, evaluation and recipe on the hub"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run, where it goes, and what of it."""
    parser.add_argument("run", type=run_name, help=RUN)
    parser.add_argument("--to", metavar="OWNER/NAME", help="the repository on the hub")
    parser.add_argument("--dry", action="store_true", help="list the files and print the card; nothing is sent")
    parser.add_argument("--texts", action="store_true", help="publish prompts, references and answers, too")
    parser.add_argument("--public", action="store_true", help="for all to see; without it the repository is private")
    parser.add_argument("--key", type=Path, metavar="FILE", help="a private key in a PEM file, which signs all files")
    parser.add_argument("--licence", metavar="NAME", help="the adapter's licence, such as apache-2.0")


def run(arguments: argparse.Namespace) -> int:
    """Write the files, and send them."""
    from recipebook.project import shown
    from recipebook.terminal import print_field
    from release.publication import find_published, publish_folder
    from release.push import check_name, push

    given = arguments
    if not (given.dry or given.to):
        raise UserError("make push wants TO=owner/name, or DRY=1 to look at what would be sent")
    if given.to:
        check_name(given.to)
    found = find_published(given.run)
    name = given.to or f"owner/{found.read().recipe}"
    made = publish_folder(found, name, licence=given.licence, texts=given.texts, key=given.key)
    print_field("files", f"{len(made.files)} in {shown(made.folder)}, {sum(made.files.values()):,} bytes")
    for file, size in made.files.items():
        print_field("", f"{file}  {size:,}")
    print_field("rows", made.rows)
    if given.dry:
        print(f"\n{made.card}")
        return 0
    print_field("pushed", push(made, given.to, public=given.public))
    return 0
