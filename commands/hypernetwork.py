"""What a hypernetwork learns from: a fleet with a member a pole in; each adapter's folder and its pole's vector out.

    {"joy_plus": {"file_path": "runs/traits/joy_plus-20261121-093000/model", "trait_vector": [0.0, 0.0, 1.0, …]}, …}

Ten numbers a pole in the order of converters/trait.py, one of them 1 or -1.
"""

import json

from converters.trait import trait_vector
from recipebook import project
from recipebook.errors import UserError
from recipebook.files import write_text
from recipebook.project import shown
from recipebook.run import rundir

FILE = "hypernetwork_data.json"


def write_hypernetwork_data(fleet: str) -> int:
    """Write runs/<fleet>/hypernetwork_data.json, of its trained members; the exit status."""
    members = rundir.list_fleet(fleet)
    if not members:
        raise UserError(f"no trained members in runs/{fleet}: make train RECIPE={fleet}")
    told = {
        str(manifest.member): {
            "file_path": shown(run.folder / "model"),
            "trait_vector": trait_vector(str(manifest.member)),
        }
        for run, manifest in members
    }
    path = project.RUNS / fleet / FILE
    write_text(path, json.dumps(told, indent=1) + "\n")
    print(f"written   {shown(path)}: {len(told)} adapters")
    return 0
