"""A launch of several GPUs, rehearsed on two CPU ranks: strategies that share one reference, stages, episodes."""

import pytest

from benchmarks.orphans import find_in
from tests.end_to_end.project import Project
from tests.recipebook.shell.boxes import needs_boxes


@pytest.mark.long
def test_strategies_train_as_one_process_does(project: Project) -> None:
    # ZeRO's stages train and resume in test_ranks.py; each would take as long here again.
    strategies = ("data-parallel", "fsdp2")
    status, said = project.run("rehearse", "robot-lora", "--gpus", "2", "--strategies", *strategies)
    assert status == 0, said
    assert [line.split()[1] for line in said.splitlines() if line.startswith("strategy")] == list(strategies)
    assert said.count("49 rows on 2 ranks: none missing, 7 twice, 7 predicted") == 2
    assert said.count("from step 3 on 2 ranks: the learning rates, losses and weights") == 2
    assert said.count("from step 3 on 1 rank: the learning rates") == 2
    assert said.count("every step's loss is that of data-parallel within ") == 1
    assert "WRONG" not in said
    assert not list((project.folder / ".cache").glob(".rehearsal.*"))
    assert not find_in(project.folder)


@pytest.mark.long
@needs_boxes
def test_a_stage_of_episodes_is_played_by_all_ranks_and_resumes(project: Project) -> None:
    status, said = project.run("rehearse", "os-interaction-rl", "--gpus", "2", "--stage", "rl")
    assert status == 0, said
    assert "os-interaction-rl rl on 2 ranks, 8 records a step; 2 run here" in said
    assert "8 and 8 in 2 collections, 8 in each of 2 wanted" in said
    assert "from step 2 on 2 ranks: the learning rates, losses and weights of the uninterrupted training" in said
    assert "WRONG" not in said
    assert not find_in(project.folder)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["traits"], "traits: make rehearse takes trainings on this machine, without a matrix"),
        (["robot-lora", "--stage", "sft"], "robot-lora has no stages"),
        (["os-interaction-rl", "--stage", "sf"], "STAGE: no stage 'sf'; did you mean 'sft'? it has: sft, rl"),
        (["robot-lora", "--profile", "tiny", "--machines", "9999"],
         "robot-lora: 19998 ranks, and there are 4827 train rows to share; GPUS=4827 at most"),
    ],
)  # fmt: skip
def test_what_cannot_be_rehearsed_is_refused_in_a_line(project: Project, words: list[str], fault: str) -> None:
    assert project.run("rehearse", *words, "--gpus", "2") == (2, f"{fault}\n")
