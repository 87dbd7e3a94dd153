"""Which strategies go with which trainings, said before anything starts."""

import pytest

from recipebook.errors import UserError
from recipebook.project import PROJECT
from recipebook.recipe.layers import read_layers
from recipebook.recipe.reinforcement_keys import Reinforcement
from recipebook.recipe.resolve import resolve
from recipebook.recipe.sharing import describe_sharing, find_episodes_fault
from recipebook.recipe.stages import read_stages

FSDP = ["launch.strategy=fsdp2", "launch.processes=8"]


@pytest.mark.parametrize(
    ("recipe", "settings", "fault"),
    [
        (
            "robot-lora",
            ["training.optimizer=adamw_bnb_8bit"],
            "fsdp2 does not go with training.optimizer: adamw_bnb_8bit; adamw_torch_8bit does",
        ),
        (
            "preference-dpo",
            ["lora.quantize=4bit"],
            "fsdp2 does not go with lora.quantize under dpo; zero2 or zero3 do, or lora.quantize: null",
        ),
    ],
)
def test_what_the_engine_would_refuse_is_refused_in_a_line(recipe: str, settings: list[str], fault: str) -> None:
    with pytest.raises(UserError) as refused:
        resolve(recipe, "multi-gpu", [*FSDP, *settings])
    assert str(refused.value).endswith(f"launch.strategy: {fault}")


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ("launch.offload=weights launch.strategy=zero2", "weights needs launch.strategy: zero3, and not zero2"),
        ("launch.offload=optimizer launch.strategy=auto",
         "optimizer needs launch.strategy: zero1, zero2, zero3, and not auto"),
        ("launch.offload=weights launch.strategy=zero3 training.optimizer=adamw_bnb_8bit",
         "weights does not go with training.optimizer: adamw_bnb_8bit; adamw_torch and adamw_torch_fused do"),
        ("launch.offload=optimizer launch.strategy=fsdp2",
         "optimizer is DeepSpeed's, and fsdp2 keeps its shares on the GPUs; launch.strategy: zero3 shares as much"),
    ],
)  # fmt: skip
def test_what_main_memory_cannot_take_is_refused_in_a_line(settings: str, fault: str) -> None:
    with pytest.raises(UserError) as refused:
        resolve("robot-lora", "multi-gpu", ["launch.processes=8", *settings.split()])
    assert str(refused.value).endswith(f"launch.offload: {fault}")


def test_one_process_shares_nothing_and_so_nothing_is_refused() -> None:
    settings = [*FSDP, "launch.processes=1", "training.optimizer=adamw_bnb_8bit"]
    assert resolve("robot-lora", "multi-gpu", settings).recipe.launch.ranks == 1


@pytest.mark.parametrize("strategy", ["zero3", "fsdp2"])
def test_episodes_are_played_with_whole_weights(strategy: str) -> None:
    with pytest.raises(UserError, match=f"launch.strategy: {strategy} divides the weights among processes"):
        read_stages(
            read_layers("os-interaction-rl", "gpu", ["launch.processes=2", f"launch.strategy={strategy}"], PROJECT)
        )


@pytest.mark.parametrize(
    ("episodes", "records", "ranks", "fault"),
    [
        (48, 4, 1, None),
        (64, 8, 8, None),
        (
            48,
            8,
            8,
            "48 are not whole groups of 8 on each of 8 processes, in steps of 8 records; the nearest that are: 64",
        ),
        (72, 5, 1, "72 are not whole groups of 8, in steps of 5 records; the nearest that are: 40, 80"),
    ],
)
def test_each_rank_plays_whole_groups(episodes: int, records: int, ranks: int, fault: str | None) -> None:
    found = find_episodes_fault(Reinforcement(episodes=episodes, group=8), records, ranks)
    assert found == (f"rl.episodes: {fault}" if fault else None)


def test_the_shipped_recipe_plays_whole_groups_on_eight_gpus() -> None:
    stages = read_stages(read_layers("os-interaction-rl", "multi-gpu", [], PROJECT))
    launched = [(stage.recipe.launch.strategy, stage.recipe.training.global_batch) for stage in stages]
    assert launched == [("zero3", 8), ("data-parallel", 8)]
    assert stages[1].recipe.rl.episodes == 64


def test_a_plan_says_what_is_shared() -> None:
    assert describe_sharing("zero1", 2) == "zero1: by DeepSpeed, each process holds a part of the optimizer's state"
    assert describe_sharing("fsdp2", 1).endswith("trains as data-parallel does")
