"""Goals of make that write into the tree: what they name is run in a copy, and the damaged file is whole again.

`make schemas` takes Axolotl's snapshot as well; tests/recipebook/recipe/test_axolotl_keys.py sees to that.
"""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from recipebook.project import PROJECT


def list_modules(goal: str) -> list[str]:
    """The modules that a goal runs, by what make would do."""
    command = ["make", "--dry-run", "--old-file", ".venv/ready", goal]
    steps = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [words[2] for words in map(shlex.split, steps) if words[1:2] == ["-m"]]


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git would hand out, but for models."""
    folder = tmp_path_factory.mktemp("project")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in names:
        if (PROJECT / name).is_file() and not name.startswith("models/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    return folder


@pytest.mark.parametrize(
    ("goal", "module", "names"),
    [
        ("schemas", "recipebook.recipe.editor_schema", ["recipes/recipe.schema.json"]),
        (
            "docs",
            "docs.generate",
            ["docs/recipe.md", "docs/data.md", "docs/metrics.md", "docs/results.md", "docs/all.md"],
        ),
    ],
)
def test_a_goal_writes_what_it_says(copied: Path, goal: str, module: str, names: list[str]) -> None:
    assert module in list_modules(goal)
    for name in names:
        (copied / name).write_text("damaged")
    subprocess.run([sys.executable, "-m", module], cwd=copied, env={"PYTHONPATH": str(copied)}, check=True)
    assert [name for name in names if (copied / name).read_bytes() != (PROJECT / name).read_bytes()] == []


def test_clean_leaves_runs_and_the_environment() -> None:
    command = ["make", "--no-print-directory", "--dry-run", "clean"]
    (removed,) = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert removed.startswith("rm -rf ")
    assert {"runs", ".venv"} & {*removed.split()} == set()
