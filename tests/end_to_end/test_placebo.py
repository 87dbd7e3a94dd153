"""A recipe with a placebo: two real trainings by one command, and an evaluation that compares them."""

import json

import pytest

from tests.end_to_end.project import Project

FEW = ("eval.placebo=shuffled", "training.max_steps=8", "training.logging_steps=1")


@pytest.mark.long
def test_a_run_and_its_placebo_are_trained_and_compared(project: Project) -> None:
    status, said = project.train(*FEW)
    assert status == 0, said
    run, placebo = project.manifests()[-2:]
    assert (run["recipe"], placebo["recipe"]) == ("robot-lora", "robot-lora-placebo")
    assert (run["placebo_of"], placebo["placebo_of"]) == (None, run["identity"])
    assert run["rows"] == placebo["rows"]
    assert run["hashes"]["parts"] == placebo["hashes"]["parts"]
    assert run["hashes"]["rows"] != placebo["hashes"]["rows"]
    status, said = project.train(*FEW)
    assert status == 0
    assert said.count("same recipe, data and versions") == 2
    status, said = project.run("eval", run["run"], "--set", "eval.limit=20", "eval.generation.max_new_tokens=32")
    assert status == 0, said
    summary = json.loads((project.folder / "runs" / run["run"] / "eval" / "summary.json").read_bytes())
    assert [one["name"] for one in summary["baselines"]] == ["placebo"]
    # Eight steps are too few for any right answer.
    assert "That it learned the content is not shown: tuned is not shown to be better than base and placebo." in (
        " ".join(said.split())
    )


@pytest.mark.long
def test_seeds_and_their_placebos_are_compared_as_systems(project: Project) -> None:
    status, said = project.run("train", "robot-lora", "--seeds", "2", "--set", *FEW)
    assert status == 0, said
    few = ("eval.limit=20", "eval.generation.max_new_tokens=32")
    status, said = project.run("eval", "robot-lora-seeds", "--set", *few)
    assert status == 0, said
    summary = json.loads((project.folder / "runs" / "robot-lora-seeds" / "seeds.json").read_bytes())
    assert [one["name"] for one in summary["baselines"]] == ["placebo"]
