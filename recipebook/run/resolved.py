"""A run's folder in; the recipe that it was trained by, `resolved.yaml`, as plain values out.

    read_resolved(run.folder)["training"]["learning_rate"]  →  0.003

Earlier versions of this code may have written it: it is not checked against today's keys.
"""

from pathlib import Path
from typing import Any

import yaml

from recipebook.errors import UserError
from recipebook.project import shown

RESOLVED = "resolved.yaml"


def read_resolved(folder: Path) -> dict[str, Any]:
    """The values; UserError where the file holds none."""
    path = folder / RESOLVED
    try:
        found = yaml.load(path.read_bytes(), yaml.CSafeLoader)
    except yaml.YAMLError:
        raise UserError(f"{shown(path)}: is no YAML") from None
    if not isinstance(found, dict):
        raise UserError(f"{shown(path)}: holds no recipe")
    return found
