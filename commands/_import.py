"""What the two importers share: a configuration's file in; the recipe's file, and a line for each lost key, out."""

import argparse
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recipebook.importing.draft import Draft
    from recipebook.recipe.schema_walk import Fault

# Also in a folder of recipes/; what begins with _ is no recipe.
NAME = re.compile(r"(?!profiles/)[^\W_][\w.-]*(/[^\W_][\w.-]*)*")
Check = Callable[[Mapping[str, Any]], "list[Fault]"]
Import = Callable[[Mapping[str, Any], str], "Draft"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The configuration, and the recipe's name."""
    parser.add_argument("config", type=Path, help="the YAML file")
    parser.add_argument("--out", metavar="NAME", help="the recipe's name; if not given, the file's")


def write_recipe(arguments: argparse.Namespace, tool: str, base: str, find_misfits: Check, imported: Import) -> int:
    """Write recipes/NAME.yaml in the project, and print what has no counterpart; an existing file is refused.

    `base` is the key by which the tool's configurations name their base model, which each of them has.
    """
    from recipebook.errors import UserError
    from recipebook.files import write_text
    from recipebook.importing.soundness import make_sound
    from recipebook.project import PROJECT, shown
    from recipebook.recipe.faults import format_faults
    from recipebook.recipe.yaml_source import load
    from recipebook.suggestions import shorten
    from recipebook.terminal import print_field

    source: Path = arguments.config
    name = arguments.out or source.stem
    if not NAME.fullmatch(name):
        raise UserError(f"'{shorten(name)}' cannot be a recipe's name; OUT= gives one of letters, digits, - _ . and /")
    path = PROJECT / "recipes" / f"{name}.yaml"
    if path.exists():
        raise UserError(f"{shown(path)} exists already; OUT= gives the recipe another name")
    given = load(source)
    if not given.data.get(base):
        others = "docs/from-other-tools.md has the names of other tools' settings"
        raise UserError(f"{source}: no '{base}', which every configuration of {tool} has; {others}")
    if lines := format_faults(find_misfits(given.data), given.places):
        raise UserError("\n".join(lines))
    draft = imported(given.data, f"Imported from {source.name}, a configuration of {tool}.")
    make_sound(draft, path, source)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, draft.format())
    print_field("wrote", shown(path))
    for note in draft.notes:
        print(f"no counterpart  {note}")
    print_field("added", "data.split.test: a tenth of the records is held out for make eval")
    print_field("next", f"make check RECIPE={name}")
    return 0
