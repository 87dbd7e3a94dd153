"""Names for shell completion, which commands/recipebook.bash reads: goals of make, recipes, profiles,
runs, and the tables of export-table with their forms.

python -m recipebook words profiles   →   cpu, gpu, mps, multi-gpu, small, tiny, together, a line each
"""

import argparse
import re

HELP = "print names for shell completion: commands, recipes, profiles, runs, tables or forms"
GOAL = re.compile(r"^([a-z-]+):", re.MULTILINE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The kind of names."""
    parser.add_argument(
        "kind", choices=["commands", "recipes", "profiles", "runs", "tables", "forms"], help="what is listed"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print them."""
    print("\n".join(list_words(arguments.kind)))
    return 0


def list_words(kind: str) -> list[str]:
    """The names of one kind, sorted."""
    from recipebook.modules import PROFILE, list_names
    from recipebook.project import INSTALLATION
    from recipebook.recipe.layers import list_recipes

    if kind == "commands":
        return sorted(GOAL.findall((INSTALLATION / "Makefile").read_text(encoding="utf-8")))
    if kind == "recipes":
        return list_recipes()
    if kind == "profiles":
        return list_names(PROFILE)
    if kind in ("tables", "forms"):
        from commands.export_table import FORMATS, TABLES

        return sorted(TABLES if kind == "tables" else FORMATS)
    from recipebook.run import rundir

    return sorted({name for run, manifest in rundir.list_readable() for name in (run.name, manifest.recipe)})
