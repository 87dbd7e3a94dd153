"""A copy of the project to run in, so that no test touches the user's runs; the environment is shared."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.project import Project

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def copy_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Project]:
    """Makes copies of what git would hand out of this checkout, uncommitted changes included."""

    def copy() -> Project:
        folder = tmp_path_factory.mktemp("project") / "recipebook"
        listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
        for name in filter(None, names):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        return Project(folder)

    return copy


@pytest.fixture(scope="session")
def project(copy_project: Callable[[], Project]) -> Project:
    """The copy that most tests run in, one after another."""
    return copy_project()
