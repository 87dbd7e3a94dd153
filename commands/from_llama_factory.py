"""`recipebook from-llama-factory x.yaml`: a configuration of LLaMA-Factory to a recipe in recipes/."""

import argparse
from functools import partial

from commands import _import

HELP = "write a recipe from a configuration of LLaMA-Factory; names what has no counterpart"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The configuration, and the recipe's name."""
    _import.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Import it."""
    from recipebook.importing.llama_factory import find_misfits, import_llama_factory

    imported = partial(import_llama_factory, beside=arguments.config.parent)
    return _import.write_recipe(arguments, "LLaMA-Factory", "model_name_or_path", find_misfits, imported)
