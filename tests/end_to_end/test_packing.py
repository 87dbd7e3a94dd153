"""Packs of records train as padded batches do: step by step the same loss, in one process and in two."""

import json
import random
from pathlib import Path

import pytest

from tests.end_to_end.project import Project

pytestmark = pytest.mark.long

# Not divisible by what two processes take at a time, nor by what one takes.
ROWS = 45
SETTINGS = (
    "data.source=few.json", "data.split.validation=0", "data.split.test=0", "training.epochs=2",
    "training.logging_steps=1", "training.learning_rate=3e-4", "training.group_by_length=false",
    "training.batch_size=4", "training.gradient_accumulation=2",
)  # fmt: skip


def train(project: Project, *settings: str) -> Path:
    status, said = project.run("train", "robot-lora", "--force", "--set", *SETTINGS, *settings)
    assert status == 0, said
    return project.newest()[0]


def read_losses(folder: Path) -> list[tuple[int, float, float]]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [(line["step"], line["loss"], line["grad_norm"]) for line in lines if "grad_norm" in line]


@pytest.fixture(scope="module")
def padded(project: Project) -> dict[str, list[tuple[int, float, float]]]:
    """A step of eight records, as two batches and as one: the engine averages the means of batches."""
    records = json.loads((project.folder / "samples" / "robot.json").read_bytes())
    (project.folder / "few.json").write_text(json.dumps(random.Random(1).sample(records, ROWS)))
    whole = ("training.batch_size=8", "training.gradient_accumulation=1")
    return {"4 x 2": read_losses(train(project)), "8 x 1": read_losses(train(project, *whole))}


@pytest.mark.parametrize(
    ("batches", "settings"),
    [
        ("4 x 2", ("training.pack_length=512",)),
        ("8 x 1", ("training.pack_length=2048",)),
        ("4 x 2", ("launch.processes=2", "training.gradient_accumulation=1")),
    ],
)
def test_a_step_learns_the_same_from_packs(
    project: Project, padded: dict[str, list[tuple[int, float, float]]], batches: str, settings: tuple[str, ...]
) -> None:
    packed = train(project, "training.packing=records", *settings)
    assert "trainer.packing.PackingPlugin" in (packed / "axolotl.yaml").read_text()
    wanted, found = padded[batches], read_losses(packed)
    # 45 records in steps of eight, twice.
    assert [step for step, *_ in wanted] == [step for step, *_ in found] == list(range(1, 13))
    # Two processes fill the last step of an epoch up, so that from there on weights differ.
    steps = 5 if "launch.processes=2" in settings else 12
    for one, other in zip(found[:steps], wanted[:steps], strict=True):
        assert one == pytest.approx(other, rel=1e-3)
