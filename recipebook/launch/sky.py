"""A recipe and a card in; a task for SkyPilot out, which `sky launch` takes as it is.

name: robot-lora
workdir: /home/ann/recipebook
resources:
  accelerators: H100:8
  autostop: 10
setup: make -C . setup
run: ./.venv/bin/python -m recipebook train robot-lora --profile multi-gpu

One machine, since SkyPilot's share no folder. The project goes there, and stays until the machine is torn down.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

IDLE_MINUTES = 10
# Where the installation lies on the machine, if the project is another folder.
BOOK = "~/recipebook"


@dataclass(frozen=True)
class SkyTask:
    """The machine that a task asks SkyPilot for."""

    name: str
    card: str
    """As SkyPilot calls it: `H100`, `A100-80GB`, `L4`."""
    gpus: int
    words: tuple[str, ...]
    """Of `recipebook train`: the recipe, its layers and its members."""


def render_task(task: SkyTask, project: Path, installation: Path) -> str:
    """The text of the task's file."""
    alone = project == installation
    book = "." if alone else BOOK
    settings: dict[str, Any] = {
        "name": task.name.replace("/", "-"),
        "workdir": str(project),
        "resources": {"accelerators": f"{task.card}:{task.gpus}", "autostop": IDLE_MINUTES},
        **({} if alone else {"file_mounts": {BOOK: str(installation)}}),
        "setup": f"make -C {book} setup",
        "run": f"{book}/.venv/bin/python -m recipebook train {shlex.join(task.words)}",
    }
    return yaml.safe_dump(settings, sort_keys=False, width=10_000, allow_unicode=True)
