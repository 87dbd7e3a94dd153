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
        said.replace("\n", " ")
    )


@pytest.mark.long
def test_each_seed_and_its_placebo_are_trained_and_compared_as_one_system(project: Project) -> None:
    seeds = ("train", "robot-lora", "--seeds", "2", "--set", *FEW)
    status, said = project.run(*seeds)
    assert status == 0, said
    runs = project.folder / "runs"
    found = [json.loads(path.read_bytes()) for path in sorted(runs.glob("robot-lora-*seeds/*/manifest.json"))]
    placebos, members = found[:2], found[2:]
    assert [one["recipe"] for one in found] == ["robot-lora-placebo"] * 2 + ["robot-lora"] * 2
    assert [one["member"] for one in found] == ["seed42", "seed43"] * 2
    assert [one["placebo_of"] for one in placebos] == [one["identity"] for one in members]
    assert placebos[0]["hashes"]["rows"] != placebos[1]["hashes"]["rows"]
    status, said = project.run(*seeds)
    assert status == 0
    assert said.count("2 members: 2 trained") == 2
    few = ("eval.limit=20", "eval.generation.max_new_tokens=32")
    status, said = project.run("eval", "robot-lora-seeds", "--set", *few)
    assert status == 0, said
    summary = json.loads((runs / "robot-lora-seeds" / "seeds.json").read_bytes())
    assert [one["name"] for one in summary["baselines"]] == ["placebo"]
