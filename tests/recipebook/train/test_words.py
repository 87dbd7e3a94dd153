"""What is said of a GPU that a training does not use."""

import pytest

from recipebook.hardware import Hardware
from recipebook.recipe.keys import Recipe
from recipebook.train.words import format_unused_gpus

MINIMAL = {"description": "d", "model": {"base": "some/model"}, "data": {"source": "a.json", "converter": "robot"}}
OTHERS = "the processor; Recipebook trains on NVIDIA and Apple GPUs, and not on this machine's"


@pytest.mark.parametrize(
    ("gpus", "others", "device", "note"),
    [
        ((), (), "auto", ""),
        ((), ("AMD GPU", "AMD GPU"), "auto", f"{OTHERS} AMD GPU"),
        ((), ("AMD GPU", "Intel GPU"), "auto", f"{OTHERS} AMD GPU and Intel GPU"),
        ((), ("Apple GPU",), "auto", "the processor; PROFILE=mps trains on this machine's Apple GPU"),
        ((), ("Apple GPU",), "mps", ""),
        (("NVIDIA L4",), ("Intel GPU",), "auto", ""),
    ],
)
def test_a_gpu_that_stays_idle_is_named(gpus: tuple[str, ...], others: tuple[str, ...], device: str, note: str) -> None:
    machine = Hardware(gpus=gpus, cpu="c", cores=2, memory_gib=8, other_gpus=others)
    recipe = Recipe.model_validate({**MINIMAL, "launch": {"device": device}})
    assert format_unused_gpus(recipe, machine) == note
