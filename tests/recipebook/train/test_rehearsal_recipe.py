"""What a rehearsal keeps of a recipe, and what it has in place of the rest."""

from recipebook.project import PROJECT
from recipebook.recipe.batches import Batch, divide_batch
from recipebook.recipe.layers import read_layers
from recipebook.recipe.resolve import resolve
from recipebook.recipe.stages import read_stages
from recipebook.train.rehearsal_recipe import find_saved_step, shrink


def test_the_records_of_a_step_are_those_of_the_launch() -> None:
    asked = resolve("robot-lora", "multi-gpu", ["lora.quantize=4bit", "training.global_batch=32"]).recipe
    small = shrink(asked, "fsdp2", 2)
    assert asked.launch.ranks == 8
    assert divide_batch(small.training, 2) == Batch(4, 4, 2)
    assert (small.launch.strategy, small.launch.processes) == ("fsdp2", 2)
    assert small.lora and asked.lora
    assert (small.lora.quantize, small.lora.r, small.model.base) == (None, asked.lora.r, "models/tiny-base")
    assert find_saved_step(small) == 3


def test_whole_weights_stay_whole() -> None:
    assert shrink(resolve("robot-lora", "multi-gpu", ["lora=null"]).recipe, "zero2", 2).lora is None


def test_one_process_and_two_ranks_play_the_same_number_of_episodes() -> None:
    _, stage = read_stages(read_layers("os-interaction-rl", "multi-gpu", [], PROJECT))
    small = [shrink(stage.recipe, "data-parallel", ranks, most=2) for ranks in (1, 2)]
    assert [one.rl.episodes for one in small] == [8, 8]
    assert [find_saved_step(one) for one in small] == [2, 2]
    assert small[0].rl.control == "random"
