"""`make hypernetwork`: training data of a hypernetwork. In: a fleet with a member a pole; out: adapters and vectors.

    {"joy_plus": {"file_path": "runs/traits/joy_plus-20261121-093000/model", "trait_vector": [0.0, 0.0, 1.0, …]}, …}

Ten numbers a pole in the order of converters/trait.py, one of them 1 or -1.
"""

import argparse
import json

from recipebook.errors import UserError
from recipebook.terminal import print_field

HELP = "list the adapters of a fleet with their trait vectors"
FILE = "hypernetwork_data.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The fleet."""
    parser.add_argument("recipe", help="a fleet with a member for each pole, such as traits")


def run(arguments: argparse.Namespace) -> int:
    """Write runs/<fleet>/hypernetwork_data.json, of its trained members."""
    from converters.trait import trait_vector
    from recipebook import project
    from recipebook.files import write_text
    from recipebook.project import shown
    from recipebook.run import rundir

    fleet = arguments.recipe
    members = rundir.list_fleet(fleet)
    if not members:
        raise UserError(f"no trained members in runs/{fleet}: make train RECIPE={fleet}")
    adapters = {
        str(manifest.member): {
            "file_path": shown(run.folder / "model"),
            "trait_vector": trait_vector(str(manifest.member)),
        }
        for run, manifest in members
    }
    path = project.RUNS / fleet / FILE
    write_text(path, json.dumps(adapters, indent=1) + "\n")
    print_field("written", f"{shown(path)}: {len(adapters)} adapters")
    return 0
