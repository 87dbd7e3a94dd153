"""The small model, a real one, trained and evaluated; `make test-long` puts it into .cache/models before."""

import json
from pathlib import Path

import pytest

from tests.end_to_end.project import ROOT, Project

BASE = Path(".cache/models/smollm2-135m-instruct")
FEW = ("training.max_steps=6", "training.logging_steps=1", "data.split.validation=0.002")


@pytest.mark.long
def test_a_real_model_is_trained_and_evaluated_and_its_origin_is_named(project: Project) -> None:
    (project.folder / BASE).parent.mkdir(parents=True, exist_ok=True)
    (project.folder / BASE).symlink_to(ROOT / BASE)
    status, said = project.run("train", "robot-lora", "--profile", "small", "--set", *FEW)
    assert status == 0, said
    assert said.startswith("Profile small: SmolLM2-135M-Instruct replaces the recipe's base.")
    folder, manifest = project.newest()
    origin = json.loads((ROOT / BASE / "origin.json").read_bytes())["source"]
    assert (manifest["status"], manifest["profile"], manifest["base_origin"]) == ("trained", "small", origin)
    losses = [line["loss"] for line in map(json.loads, (folder / "metrics.jsonl").open()) if "loss" in line]
    assert losses[-1] < losses[0] < 6
    status, said = project.run("eval", folder.name, "--set", "eval.limit=6", "eval.generation.max_new_tokens=32")
    assert status == 0, said
    assert "6 of 618 test rows were evaluated (eval.limit):" in said.splitlines()
    headline = json.loads((folder / "eval" / "summary.json").read_bytes())["results"][0]
    assert (headline["figure"], headline["base"]["n"], headline["tuned"]["n"]) == ("exact", 6, 6)
    assert f"Its weights: {origin}." in (folder / "eval" / "report.html").read_text()
