"""This Python and its packages against what the project asks for: `pyproject.toml` and `constraints.txt`.

check_lock()    → MachineFinding("lock", "271 packages as constraints.txt has them")
"""

import re
import sys
import tomllib
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from recipebook.doctor.finding import MachineFinding
from recipebook.project import INSTALLATION

PYTHONS = ((3, 11), (3, 12))
SETUP = "rm .venv/ready; make setup"
# What a training or an evaluation imports; `ray` and `dev` are for those who want them.
NEEDED = ("train", "eval")


def check_python() -> MachineFinding:
    """Whether the engine's packages exist for this Python."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] in PYTHONS:
        return MachineFinding("python", version)
    return MachineFinding("python", f"{version}, and Recipebook needs 3.11 or 3.12", "make PYTHON=python3.12 setup")


def check_lock() -> MachineFinding:
    """Whether each package that is needed is there, and each that is there has the version of the lock."""
    found = {_normalise(one.name): one.version for one in metadata.distributions()}
    return compare_lock(
        read_lock(INSTALLATION / "constraints.txt"), list_needed(INSTALLATION / "pyproject.toml"), found
    )


def compare_lock(lock: Mapping[str, str], needed: list[str], found: Mapping[str, str]) -> MachineFinding:
    """What is missing or of another version; `2.13.0+cpu` is a build of 2.13.0."""
    missing = [name for name in needed if name not in found]
    others = [
        f"{name} {version}, and constraints.txt has {lock[name]}"
        for name, version in found.items()
        if name in lock and version.partition("+")[0] != lock[name]
    ]
    if missing:
        return MachineFinding("lock", f"not installed: {', '.join(missing)}", SETUP)
    if others:
        more = f" ({len(others)} packages in all)" if len(others) > 1 else ""
        return MachineFinding("lock", f"{others[0]}{more}", SETUP)
    return MachineFinding("lock", f"{sum(name in lock for name in found)} packages as constraints.txt has them")


def read_lock(path: Path) -> dict[str, str]:
    """`{"torch": "2.13.0", …}`"""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("==") for line in lines if "==" in line and not line.startswith("#"))
    return {_normalise(name): version.strip() for name, _, version in pairs}


def list_needed(path: Path) -> list[str]:
    """The packages that training and evaluation name."""
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    extras = [name for extra in NEEDED for name in project["optional-dependencies"][extra]]
    return [_normalise(name) for name in dict.fromkeys([*project["dependencies"], *extras])]


def _normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
