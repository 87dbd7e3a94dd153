"""What a trainer's process does not import, and still finds where a run uses it."""

import subprocess
import sys
from pathlib import Path

import pytest

from recipebook.project import PROJECT

PROGRAM = """
import sys
from importlib.util import find_spec
from pathlib import Path
from trainer.__main__ import hide_unused

hide_unused(Path(sys.argv[1]))
import wandb

print(*[name for name in ("sklearn", "scipy", "deepspeed") if find_spec(name)], hasattr(wandb, "init"))
"""


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ("base_model: a", "False"),
        ("{base_model: a, deepspeed: zero2.json}", "scipy deepspeed False"),
        ("{base_model: a, wandb_project: robots}", "True"),
        ("{base_model: a, use_wandb: true}", "True"),
    ],
)
def test_libraries_are_hidden_from_a_run_that_does_not_use_them(config: str, found: str, tmp_path: Path) -> None:
    path = tmp_path / "axolotl.yaml"
    path.write_text(config)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == found, done.stderr
