"""What the two importers share: a configuration's file in; the recipe's file, and a line for each lost key, out."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recipebook.importing.draft import Draft

Import = Callable[[Mapping[str, Any], str], "Draft"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The configuration, and the recipe's name."""
    parser.add_argument("config", type=Path, help="the YAML file")
    parser.add_argument("--out", metavar="NAME", help="the recipe's name; if not given, the file's")


def write_recipe(arguments: argparse.Namespace, tool: str, imported: Import) -> int:
    """Write recipes/NAME.yaml in the project, and print what has no counterpart; an existing file is refused."""
    from recipebook.errors import UserError
    from recipebook.files import write_text
    from recipebook.project import PROJECT, shown
    from recipebook.recipe.yaml_source import load
    from recipebook.terminal import print_field

    source: Path = arguments.config
    name = arguments.out or source.stem
    path = PROJECT / "recipes" / f"{name}.yaml"
    if path.exists():
        raise UserError(f"{shown(path)} exists already; OUT= gives the recipe another name")
    draft = imported(load(source).data, f"Imported from {source.name}, a configuration of {tool}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, draft.format())
    print_field("wrote", shown(path))
    for note in draft.notes:
        print(f"no counterpart  {note}")
    print_field("added", "data.split.test: a tenth of the records is held out for make eval")
    print_field("next", f"make check RECIPE={name}")
    return 0
