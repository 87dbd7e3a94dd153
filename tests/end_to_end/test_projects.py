"""Two projects beside one installation: each trains its own recipe, and nothing is written into the installation."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.project import Project

RECIPE = """\
description: Sums, in {name}.
model: {{base: Qwen/Qwen2.5-0.5B-Instruct}}
data: {{source: data/first.jsonl, converter: auto}}
training: {{max_steps: 2, learning_rate: {rate}}}
lora: {{r: 4, alpha: 8}}
eval: {{metrics: {{text: {{}}}}, limit: 2, generation: {{max_new_tokens: 8}}}}
"""


def run(folder: Path, installation: Path, *words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(installation)}
    command = [sys.executable, "-m", "recipebook", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def list_written(folder: Path) -> dict[str, int]:
    """Every file with the time of its last change; Python's own bytecode aside."""
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in files}


@pytest.mark.long
def test_projects_do_not_mix_and_outlive_a_change_of_the_installation(
    copy_project: Callable[[], Project], tmp_path: Path
) -> None:
    installation = copy_project().folder
    before = list_written(installation)
    for name, rate in (("one", "1e-3"), ("two", "2e-3")):
        run(tmp_path, installation, "init", name)
        (tmp_path / name / "recipes" / "first.yaml").write_text(RECIPE.format(name=name, rate=rate))
        run(tmp_path / name / "recipes", installation, "train", "first", "--out", "try")
    assert list_written(installation) == before
    for name, learning_rate in (("one", 1e-3), ("two", 2e-3)):
        manifest = json.loads((tmp_path / name / "runs" / "try" / "manifest.json").read_bytes())
        assert (manifest["status"], manifest["run"], manifest["source"]) == ("trained", "try", "recipes/first.yaml")
        assert f"learning_rate: {learning_rate}" in (tmp_path / name / "runs" / "try" / "resolved.yaml").read_text()
        assert [path.name for path in (tmp_path / name / "runs").glob("*/manifest.json")] == ["manifest.json"]
    changed = installation / "recipebook" / "recipe" / "layers.py"
    changed.write_text(changed.read_text() + "\n# A later version.\n")
    assert "same recipe, data and versions" in run(tmp_path / "one", installation, "train", "first", "--out", "try")
    assert "report.html" in run(tmp_path / "two", installation, "eval", "runs/try")
