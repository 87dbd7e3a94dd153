"""`axolotl recipe …`: the commands of this package as one of Axolotl's own, which finds it by its entry point.

axolotl recipe check          as   recipebook check
axolotl recipe train first    as   recipebook train first
"""

import sys

import click

from commands import main


@click.command(
    short_help="check, train and evaluate recipes",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def recipe(words: tuple[str, ...]) -> None:
    """Run one of Recipebook's commands; `axolotl recipe --help` lists them."""
    sys.exit(main(list(words)))
