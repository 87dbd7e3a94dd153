"""A checkpoint is whole when every file of it is; what torch and safetensors write is taken for real."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from recipebook.run.checkpoints import find_fault


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A checkpoint as the trainer leaves it."""
    folder = tmp_path / "model" / "checkpoint-5"
    folder.mkdir(parents=True)
    save_file({"a": torch.ones(20, 3), "b": torch.zeros(4)}, folder / "adapter_model.safetensors", {"format": "pt"})
    (folder / "adapter_config.json").write_text('{"r": 8}')
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth", "training_args.bin"):
        torch.save({"state": torch.ones(100)}, folder / name)
    (folder / "trainer_state.json").write_text('{"global_step": 5}')
    return folder


def cut(name: str) -> Callable[[Path], object]:
    """Leave the first half of a file."""
    return lambda folder: (folder / name).write_bytes(
        (folder / name).read_bytes()[: (folder / name).stat().st_size // 2]
    )


def drop(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def empty(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(b"")


def test_a_whole_one_has_no_fault(checkpoint: Path) -> None:
    assert find_fault(checkpoint) is None


@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        (drop("trainer_state.json"), "it has no trainer_state.json"),
        (cut("trainer_state.json"), "trainer_state.json is no JSON"),
        (empty("adapter_config.json"), "adapter_config.json is no JSON"),
        (drop("adapter_model.safetensors"), "it has no weights"),
        (cut("adapter_model.safetensors"), "adapter_model.safetensors is cut short"),
        (empty("adapter_model.safetensors"), "adapter_model.safetensors is cut short"),
        (drop("optimizer.pt"), "it has no optimizer.pt"),
        (cut("optimizer.pt"), "optimizer.pt is cut short"),
        (empty("scheduler.pt"), "scheduler.pt is cut short"),
        (cut("rng_state.pth"), "rng_state.pth is cut short"),
    ],
)
def test_a_half_one_names_its_file(checkpoint: Path, harm: Callable[[Path], object], fault: str) -> None:
    harm(checkpoint)
    assert find_fault(checkpoint) == fault


def test_every_shard_of_a_large_model_must_be_there(checkpoint: Path) -> None:
    (checkpoint / "model.safetensors.index.json").write_text(
        '{"weight_map": {"a": "model-00001-of-00002.safetensors"}}'
    )
    assert find_fault(checkpoint) == "it has no model-00001-of-00002.safetensors"


def test_an_optimizer_may_be_left_out_by_the_configuration(checkpoint: Path) -> None:
    (checkpoint / "optimizer.pt").unlink()
    (checkpoint.parents[1] / "axolotl.yaml").write_text("save_only_model: true\n")
    assert find_fault(checkpoint) is None
