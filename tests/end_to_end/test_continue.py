"""An adapter that one recipe trained is trained further by another: plan, training, evaluation."""

import json

import pytest
import yaml

from tests.end_to_end.project import Project

SETTINGS = ["training.max_steps=5", "training.save_steps=100", "eval.limit=4", "eval.generation.max_new_tokens=4"]
MORE = "extends: robot-lora\ndescription: more of the same\nmodel: {adapter: {run: robot-lora}}\n"


@pytest.mark.long
def test_an_adapter_is_trained_further_and_the_evaluation_has_it_beside_the_new_one(project: Project) -> None:
    assert project.train(*SETTINGS)[0] == 0
    first, _ = project.newest()
    (project.folder / "recipes" / "more.yaml").write_text(MORE)

    status, said = project.run("plan", "more", "--set", *SETTINGS)
    assert status == 0 and f"adapter   trains {first.relative_to(project.folder)}/model further" in said

    status, said = project.run("train", "more", "--set", *SETTINGS)
    assert status == 0, said
    second, manifest = project.newest()
    assert manifest["recipe"] == "more"
    assert [one["run"] for one in manifest["lineage"]] == [first.name]
    assert manifest["hashes"]["adapter"] == manifest["lineage"][0]["digest"]
    assert yaml.safe_load((second / "axolotl.yaml").read_text())["lora_model_dir"] == "begun"
    weights = "adapter_model.safetensors"
    assert (second / "begun" / weights).read_bytes() == (first / "model" / weights).read_bytes()
    assert (second / "model" / weights).read_bytes() != (first / "model" / weights).read_bytes()

    assert "found" in project.run("train", "more", "--set", *SETTINGS)[1]
    status, said = project.run("train", "more", "--set", *SETTINGS, "lora.r=8")
    assert (status, said) == (
        2,
        f"SET: lora.r: 8, but the adapter in {first.relative_to(project.folder)}/model has 32\n",
    )

    status, said = project.run("eval", "more")
    assert status == 0, said
    summary = json.loads((second / "eval" / "summary.json").read_bytes())
    assert [one["name"] for one in summary["baselines"]] == ["before"]
    assert "before is the model with the adapter that this training went on from" in said
