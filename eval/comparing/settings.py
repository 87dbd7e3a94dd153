"""The settings in which runs differ: their resolved recipes in, a line for each key with its value in every run out.

    [DifferingSetting(key="lora.r", values=("8", "16")), DifferingSetting(key="train rows", values=("4827", "2400"))]

What decides how a run is evaluated is left out: only runs that agree in it are compared.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from recipebook.run.resolved import RESOLVED, read_resolved

# The recipe's sections that train nothing, or that another line shows.
LEFT_OUT = ("description", "eval", "matrix")
UNKNOWN = "-"
# Of the members of a fleet, in one cell.
MOST_VALUES = 5


class DifferingSetting(NamedTuple):
    """A key, and its value in each run; `-` where a run has none, or its settings are not known."""

    key: str
    values: tuple[str, ...]


def list_differing(systems: Sequence[Sequence[Path]]) -> list[DifferingSetting]:
    """Compare the settings of systems by the folders of the runs that each consists of."""
    settings = [_join_settings([read_settings(folder) for folder in folders]) for folders in systems]
    keys = dict.fromkeys(key for one in settings for key in one)
    found = [DifferingSetting(key, tuple(one.get(key, UNKNOWN) for one in settings)) for key in keys]
    return [one for one in found if len(set(one.values)) > 1]


def _join_settings(runs: Sequence[dict[str, str]]) -> dict[str, str]:
    """The settings of a run, or of the members of a fleet: `42 / 43` where they have several values."""
    found = {key: list(dict.fromkeys(run.get(key, UNKNOWN) for run in runs)) for one in runs for key in one}
    return {key: " / ".join(one) if len(one) <= MOST_VALUES else f"{len(one)} values" for key, one in found.items()}


def read_settings(folder: Path) -> dict[str, str]:
    """A run's settings by dotted key, its rows and versions; empty for a folder that is no run."""
    manifest = folder / "manifest.json"
    found: dict[str, str] = {}
    if (folder / RESOLVED).is_file():
        found |= _flatten({key: value for key, value in read_resolved(folder).items() if key not in LEFT_OUT})
    if manifest.is_file():
        known = json.loads(manifest.read_bytes())
        rows = {f"{part} rows": count for part, count in known.get("rows", {}).items() if part != "test"}
        found |= _flatten({**rows, "versions": known.get("versions", {})})
    return found


def format_settings(differing: Sequence[DifferingSetting]) -> list[str]:
    """`lora.r: 8, 16`, a line for each setting."""
    return [f"{one.key}: {', '.join(one.values)}" for one in differing]


def _flatten(value: Mapping[str, Any]) -> dict[str, str]:
    return {".".join(path): text for path, text in _walk(value, ())}


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _walk(item, (*path, str(key)))
    elif isinstance(value, list):
        yield path, "[" + ", ".join(map(str, value)) + "]"
    else:
        yield path, "-" if value is None else str(value)
