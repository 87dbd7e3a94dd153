"""A run's folder in; the recipe that it was trained by, `resolved.yaml`, or Axolotl's settings, as plain values out.

    read_resolved(run.folder)["training"]["learning_rate"]  →  0.003
    read_settings(run.folder)["sample_packing"]             →  True

Earlier versions of this code may have written them: they are not checked against today's keys.
"""

from pathlib import Path
from typing import Any

import yaml

from recipebook.errors import UserError
from recipebook.project import shown
from recipebook.recipe.yaml_source import refuse_large

RESOLVED, SETTINGS = "resolved.yaml", "axolotl.yaml"


def read_resolved(folder: Path) -> dict[str, Any]:
    """The recipe; a UserError where the file is damaged."""
    return read_mapping(folder / RESOLVED)


def read_settings(folder: Path) -> dict[str, Any]:
    """Axolotl's settings; none of a run that a service trained, or whose file is damaged."""
    try:
        return read_mapping(folder / SETTINGS)
    except (OSError, UserError):
        return {}


def read_mapping(path: Path) -> dict[str, Any]:
    """The values of a YAML file that a run left; a UserError where it holds none."""
    try:
        text = path.read_text(encoding="utf-8")
        refuse_large(text, shown(path))
        found = yaml.load(text, yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError):
        raise UserError(f"{shown(path)}: is no YAML") from None
    if not isinstance(found, dict):
        raise UserError(f"{shown(path)}: holds no mapping of keys")
    return found
