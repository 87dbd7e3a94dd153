"""Which strategy `launch.strategy: auto` is on which GPUs, and what is said of it."""

import pytest

from recipebook.recipe.keys import Recipe
from recipebook.recipe.resolve import Resolved, resolve
from recipebook.train.cards import require_card
from recipebook.train.settle import NO_GPU, find_device
from recipebook.train.strategy import choose_strategy, settle_strategy
from recipebook.train.words import print_recipe

BASE_32B = "model.base=Qwen/Qwen2.5-32B-Instruct"


def build(*settings: str) -> Resolved:
    return resolve("robot-lora", "multi-gpu", ["launch.strategy=auto", *settings])


@pytest.mark.parametrize(
    ("card", "settings", "chosen", "why"),
    [
        ("H100", (), "zero2", "zero2 takes about 15.6 GiB a GPU, which has 79.6"),
        # 64 GiB of weights.
        ("A100-40", (BASE_32B,), "zero3", "zero2 takes about 66.1 GiB a GPU, which has 39.6"),
        ("A100", (BASE_32B,), "zero2", "zero2 takes about 66.1 GiB a GPU, which has 79.3"),
        # A large adapter beside them has no room.
        ("A100", (BASE_32B, "lora.r=256", "lora.target_modules=all-linear"), "zero3", "zero2 takes about"),
        ("H100", ("lora=null",), "zero2", "zero2 takes about"),
        ("T4", ("model.base=some/model",), "zero2", "the base's shape is not known here"),
        ("T4", ("launch.processes=1",), "data-parallel", "one process has nobody to share with"),
    ],
)
def test_deepspeed_shares_weights_only_where_they_do_not_fit(
    card: str, settings: tuple[str, ...], chosen: str, why: str
) -> None:
    found, reason = choose_strategy(build(*settings).recipe, find_device(require_card(card)))
    assert (found, reason[: len(why)]) == (chosen, why)


def test_without_a_gpu_and_for_episodes_weights_stay_whole() -> None:
    assert choose_strategy(build().recipe, NO_GPU) == ("zero2", "no GPU is here whose memory counts")
    recipe = build().recipe
    plays = recipe.model_copy(update={"training": recipe.training.model_copy(update={"method": "grpo"})})
    assert choose_strategy(plays, find_device(require_card("T4")))[0] == "zero2"


def test_a_strategy_is_named_and_told_once_it_meets_a_machine(capsys: pytest.CaptureFixture[str]) -> None:
    named = resolve("robot-lora", "multi-gpu")
    assert settle_strategy(named) is named
    settled = settle_strategy(build(BASE_32B), require_card("A100-40"))
    assert settled.recipe.launch.strategy == "zero3"
    assert Recipe.model_validate(settled.recipe.model_dump()) == settled.recipe
    print_recipe(settled)
    assert "strategy  auto: zero3, since zero2 takes about 66.1 GiB a GPU, which has 39.6\n" in capsys.readouterr().out
