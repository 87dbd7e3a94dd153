"""A launch of several GPUs, rehearsed on two CPU ranks: strategies that share one reference."""

import pytest

from benchmarks.orphans import find_in
from tests.end_to_end.project import Project


@pytest.mark.long
def test_strategies_train_as_one_process_does(project: Project) -> None:
    # zero1 and zero3 train in test_ranks.py; each would take as long here again.
    strategies = ("data-parallel", "zero2")
    status, said = project.run("rehearse", "robot-lora", "--gpus", "2", "--strategies", *strategies)
    assert status == 0, said
    assert [line.split()[1] for line in said.splitlines() if line.startswith("strategy")] == list(strategies)
    assert said.count("49 rows on 2 ranks: none missing, 7 twice, 7 predicted") == 2
    assert said.count("from step 3 on 2 ranks: the learning rates, losses and weights") == 2
    assert said.count("from step 3 on 1 rank: the learning rates") == 1
    assert "WRONG" not in said
    assert not list((project.folder / ".cache").glob(".rehearsal.*"))
    assert not find_in(project.folder)


@pytest.mark.parametrize("recipe", ["traits", "robot-curriculum"])
def test_a_recipe_of_several_trainings_is_refused(project: Project, recipe: str) -> None:
    status, said = project.run("rehearse", recipe, "--gpus", "2")
    assert (status, said) == (
        2,
        f"{recipe}: make rehearse takes a recipe of one training on rows, without stages or a matrix\n",
    )
