"""Several processes on the CPU: every row seen once an epoch, and the loss of one process with the same batch."""

import json
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from tests.end_to_end.project import Project

ROWS = 128
SEEN = ("axolotl.plugins=[seen_rows.SeenRows]",)
SETTINGS = (
    "data.source=few.json", "data.split.validation=0", "data.split.test=0", "training.epochs=1",
    "training.logging_steps=1", "training.learning_rate=3e-4", "training.group_by_length=false", *SEEN,
)  # fmt: skip


@pytest.fixture(scope="module")
def one_process(project: Project) -> tuple[Path, dict[str, Any]]:
    records = json.loads((project.folder / "samples" / "robot.json").read_bytes())
    few = random.Random(1).sample(records, ROWS)
    (project.folder / "few.json").write_text(json.dumps(few))
    shutil.copy(Path(__file__).with_name("seen_rows.py"), project.folder)
    status, said = project.train(*SETTINGS, "training.batch_size=16")
    assert status == 0, said
    return project.newest()


def read_seen(folder: Path) -> list[Counter[str]]:
    return [Counter(path.read_text().splitlines()) for path in sorted(folder.glob("seen-*.txt"))]


@pytest.mark.parametrize(
    "strategy",
    [
        "data-parallel",
        pytest.param("zero1", marks=pytest.mark.long),
        pytest.param("zero2", marks=pytest.mark.long),
        pytest.param("zero3", marks=pytest.mark.long),
    ],
)
def test_two_processes_train_as_one(project: Project, one_process: tuple[Path, dict[str, Any]], strategy: str) -> None:
    status, said = project.train(
        *SETTINGS, "training.batch_size=8", "launch.processes=2", f"launch.strategy={strategy}"
    )
    assert status == 0, said
    folder, manifest = project.newest()
    first, second = read_seen(folder)
    (alone,) = read_seen(one_process[0])
    assert first + second == alone
    assert (first.total(), second.total(), alone.total()) == (ROWS // 2, ROWS // 2, ROWS)
    assert manifest["final_loss"] == pytest.approx(one_process[1]["final_loss"], rel=0.02)
    adapter = load_file(folder / "model" / "adapter_model.safetensors")
    assert {name: weight.shape for name, weight in adapter.items()} == {
        name: weight.shape for name, weight in load_file(one_process[0] / "model" / "adapter_model.safetensors").items()
    }
