"""Which settings of a training are its meaning, and which only its speed."""

import pytest

from recipebook.recipe.resolve import resolve
from recipebook.run import identities, provenance
from recipebook.run.speed import leave_speed_out


def identify(*settings: str) -> str:
    recipe = resolve("robot-lora", "tiny", settings).recipe
    return identities.identify(recipe, "rows")


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        ({}, {"training.global_batch": "4"}),
        ({"training.batch_size": "8", "launch.processes": "2"}, {"training.global_batch": "16"}),
        (
            {"training.gradient_accumulation": "3", "launch.machines": "2", "launch.strategy": '"zero3"'},
            {"training.global_batch": "24"},
        ),
        ({"training.global_batch": "32", "training.batch_size": "2"}, {"training.global_batch": "32"}),
        ({"lora.r": "8"}, {"lora.r": "8", "training.global_batch": "4"}),
        (
            {"training.packing": "true", "launch.processes": "2"},
            {"training.packing": "true", "training.batch_size": "4", "training.global_batch": "8"},
        ),
        (
            {"training.span_weights.call": "2.0", "training.global_batch": "8", "launch.processes": "4"},
            {"training.span_weights.call": "2.0", "training.batch_size": "2", "training.global_batch": "8"},
        ),
        (
            {"training.method": '"kto"', "training.global_batch": "16", "launch.processes": "2"},
            {"training.method": '"kto"', "training.batch_size": "8", "training.global_batch": "16"},
        ),
        (
            {"remote.service": '"together"', "training.batch_size": "8"},
            {"remote.service": '"together"', "training.batch_size": "8"},
        ),
    ],
)
def test_the_records_of_a_step_stand_for_how_they_are_divided(settings: dict[str, str], left: dict[str, str]) -> None:
    defaults, _ = provenance.list_defaults()
    assert leave_speed_out(settings, defaults) == left


def test_another_number_of_gpus_with_the_same_records_a_step_is_the_same_run() -> None:
    one = identify("training.global_batch=8")
    assert one == identify("training.batch_size=4", "training.gradient_accumulation=2")
    for processes in (2, 4, 8):
        for strategy in ("data-parallel", "zero2", "zero3", "fsdp2"):
            many = ("training.global_batch=8", f"launch.processes={processes}", f"launch.strategy={strategy}")
            assert identify(*many) == one
    assert identify("training.global_batch=8", "launch.processes=2", "launch.machines=2") == one


def test_more_records_a_step_are_another_run() -> None:
    assert identify("launch.processes=2") != identify()
    assert identify("training.global_batch=16") != identify("training.global_batch=8")
