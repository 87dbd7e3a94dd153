"""What a training of all weights keeps is what the estimate counts: Axolotl decides how wide each number is."""

import json

import pytest

from recipebook.train.memory import Setup, list_terms
from recipebook.train.shapes import find_shape
from tests.end_to_end.project import Project

pytestmark = pytest.mark.long

SETTINGS = (
    "lora=null", "training.max_steps=2", "training.batch_size=1", "data.split.validation=0", "data.split.test=0",
    "axolotl.plugins=[tests.end_to_end.weighed_training.Weighed]",
)  # fmt: skip


@pytest.mark.parametrize(
    ("precision", "launch", "setup"),
    [
        ("bf16", (), Setup("full", tokens=0)),
        ("fp32", (), Setup("full", tokens=0, width=4)),
        (
            "bf16",
            ("launch.processes=2", "launch.strategy=fsdp2"),
            Setup("full", tokens=0, processes=2, stage=3, deepspeed=False),
        ),
    ],
)
def test_weights_gradients_and_moments_take_the_bytes_that_are_counted(
    project: Project, precision: str, launch: tuple[str, ...], setup: Setup
) -> None:
    status, said = project.train(*SETTINGS, f"training.precision={precision}", *launch, "--force")
    assert status == 0, said
    shape = find_shape(str(project.folder / "models" / "tiny-base"))
    assert shape
    counted = list_terms(shape, setup).counted
    # What is there only while a layer computes: its whole weights, or a copy of the output layer.
    one = 2 * shape.vocabulary * shape.hidden
    passing = 2 * (2 * shape.linear / shape.layers) + one if setup.stage else one if setup.width == 2 else 0
    kept = [json.loads(path.read_bytes())["kept"] for path in sorted(project.newest()[0].glob("kept-*.json"))]
    assert kept == pytest.approx([counted - passing] * setup.processes, rel=0.005)
