"""A checkout that tests run commands in: words of a command in, its status and output out."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGES = [f"{name}/__init__" for name in ("axolotl", "axolotl/cli", "axolotl/core", "axolotl/utils", "transformers")]
MODULES = ["axolotl/train", "axolotl/core/builders", "axolotl/utils/data", "axolotl/utils/trainer"]


@dataclass(frozen=True)
class Project:
    """A checkout in a folder of its own, and its commands."""

    folder: Path

    def start(self, *words: str, limit: Callable[[], None] | None = None) -> "subprocess.Popen[str]":
        """Start a command as a shell would, in a process group of its own; `limit` is called in it before it begins."""
        return subprocess.Popen(
            [sys.executable, "-m", "recipebook", *words],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
            start_new_session=True,
            preexec_fn=limit,
        )

    def run(self, *words: str) -> tuple[int, str]:
        """Run a command to its end; its status and what it said."""
        process = self.start(*words)
        said, _ = process.communicate(timeout=600)
        return process.returncode, said

    def start_until(self, step: int, *words: str) -> tuple["subprocess.Popen[str]", Path]:
        """Start a training and wait until its trainer is at this step; its process and the new run's folder."""
        before = set(self.folder.glob("runs/*"))
        process = self.start(*words)
        while process.poll() is None:
            for path in self.folder.glob("runs/*/progress.json"):
                if path.parent not in before and json.loads(path.read_bytes())["step"] >= step:
                    return process, path.parent
            time.sleep(0.02)
        raise AssertionError(process.communicate()[0])

    def train(self, *settings: str) -> tuple[int, str]:
        """Train robot-lora under the settings."""
        return self.run("train", "robot-lora", "--set", *settings)

    def manifests(self) -> list[dict[str, Any]]:
        """Every run's manifest, oldest first."""
        found = [json.loads(path.read_bytes()) for path in self.folder.glob("runs/*/manifest.json")]
        return sorted(found, key=lambda manifest: (manifest["created"], manifest["run"]))

    def newest(self) -> tuple[Path, dict[str, Any]]:
        """The newest run's folder and manifest."""
        manifest = self.manifests()[-1]
        return self.folder / "runs" / manifest["run"], manifest


def read_logged(folder: Path) -> dict[int, tuple[float, float]]:
    """Learning rate and loss of every step of a run; of a step that was trained twice, what was logged last."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return {line["step"]: (line["learning_rate"], line["loss"]) for line in lines if "loss" in line}


def copy_checkout(folder: Path) -> Project:
    """Copy what git would hand out of this checkout, uncommitted changes included."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return Project(folder)


def give_ranks_engine(project: Project) -> None:
    """Put ranks_engine.py in Axolotl's place."""
    give_quick_engine(project)
    engines = project.folder / "axolotl" / "cli"
    (engines / "train.py").rename(engines / "quick.py")
    (engines / "train.py").write_bytes((Path(__file__).parent / "ranks_engine.py").read_bytes())


def give_quick_engine(project: Project) -> None:
    """Put quick_engine.py in Axolotl's place; no look at rows works with it, so that none is found unfit."""
    for module in (*PACKAGES, *MODULES):
        path = project.folder / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    tables = "def get_checkpoint_conversion_mapping(kind): ...\n"
    (project.folder / "transformers" / "conversion_mapping.py").write_text(tables)
    engine = (Path(__file__).parent / "quick_engine.py").read_bytes()
    (project.folder / "axolotl" / "cli" / "train.py").write_bytes(engine)
