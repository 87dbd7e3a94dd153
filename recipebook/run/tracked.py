"""`trackers.json` of a run: under which names the trackers that its training used know it.

    {"wandb": {"id": "3xk2", "project": "robots", "entity": null, "offline": true}, "mlflow": null,
     "trackio": {"project": "robots", "name": "brave-sunset-0", "space": null}}

The trainer writes it (trainer/tracked.py), and an evaluation sends its figures there (eval/tracking/). It holds no key:
those are in the environment, where the trackers' own libraries look for them.
"""

import json
from pathlib import Path

from recipebook.files import write_text
from recipebook.frozen import Frozen

FILE = "trackers.json"


class WandbRun(Frozen):
    """A run at Weights & Biases, or in a folder `wandb/` until it is synchronised."""

    id: str
    project: str
    entity: str | None = None
    offline: bool = False


class MlflowRun(Frozen):
    """A run of MLflow; `uri` is None where the environment names the server."""

    id: str
    uri: str | None = None


class TrackioRun(Frozen):
    """A run of trackio, on this machine or in a Space of the hub."""

    project: str
    name: str
    space: str | None = None


class Trackers(Frozen):
    """The trackers of one training; None where it did not use one."""

    wandb: WandbRun | None = None
    mlflow: MlflowRun | None = None
    trackio: TrackioRun | None = None


def write_trackers(folder: Path, trackers: Trackers) -> None:
    """Write the file into a run's folder."""
    write_text(folder / FILE, trackers.model_dump_json(indent=1) + "\n")


def read_trackers(folder: Path) -> Trackers:
    """The trackers of a run's training; none where it left no such file."""
    path = folder / FILE
    return Trackers.model_validate(json.loads(path.read_bytes())) if path.is_file() else Trackers()
