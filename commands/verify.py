"""`make verify`: a published card's figures, computed again from its rows; on request its training, too."""

import argparse
from pathlib import Path

HELP = "compute a published card's figures from its rows again, without a model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The publication, and whether it is trained again."""
    parser.add_argument("card", type=Path, metavar="FOLDER", help="a publication's folder, or the README.md in it")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the public key of who signed it, in a PEM file")
    parser.add_argument("--again", action="store_true", help="train the card's recipe again; compare the weights")


def run(arguments: argparse.Namespace) -> int:
    """Print what differs; the exit status is 1 where something does."""
    from recipebook.terminal import print_field
    from release.signing import SIGNATURE, find_signature_fault
    from release.verify import are_of_a_rule, find_differences, find_publication, read_index

    folder = find_publication(arguments.card)
    lines = find_differences(folder)
    for line in lines:
        print_field("differs", line)
    if are_of_a_rule(lines):
        rules = "they do where the card is of a version with other rules for them"
        same = "numbers of rows, means and files are as published; only intervals, p-values and their like differ, as"
        print_field("note", f"{same} {rules}")
    if not lines:
        print_field("same", "every figure, interval and p-value is what the rows give; every file has its hash")
    if arguments.key:
        fault = find_signature_fault(folder, arguments.key)
        print_field("differs" if fault else "signed", fault or f"all files, by the owner of {arguments.key}")
        lines += [fault] if fault else []
    elif (folder / SIGNATURE).is_file():
        print_field("note", "it is signed; KEY=, the signer's public key, has the signature checked")
    if arguments.again:
        from release.again import train_again

        found, known = train_again(folder), read_index(folder).weights
        print_field("same" if found == known else "differs", f"trained again: digest {found}, published {known}")
        lines += [] if found == known else ["weights"]
    return int(bool(lines))
