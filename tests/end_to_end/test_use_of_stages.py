"""A run with stages after its training: each command takes its last model, or that of the stage that is named."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.project import Project

pytestmark = pytest.mark.long

RECIPE = """\
description: d
model: {base: models/tiny-base, chat_template: chatml}
data: {source: few.json, converter: robot, split: {by: [input], validation: 0, test: 0.3}}
training: {precision: fp32, learning_rate: 3e-3, batch_size: 8, max_steps: 4}
lora: {r: 8, alpha: 16, target_modules: [q_proj, v_proj]}
eval: {metrics: {robot: {}}, main: exact, generation: {max_new_tokens: 8}}
stages:
  - {name: first}
  - {name: second, from: first}
"""


@pytest.fixture(scope="module")
def run(project: Project) -> Path:
    records = json.loads((project.folder / "samples" / "robot.json").read_bytes())[:40]
    (project.folder / "few.json").write_text(json.dumps(records))
    (project.folder / "recipes" / "two-stages.yaml").write_text(RECIPE)
    status, said = project.run("train", "two-stages")
    assert status == 0, said
    return project.newest()[0]


def read_json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_bytes()))


def test_the_last_model_is_merged_and_a_stages_by_its_name(project: Project, run: Path) -> None:
    for query, stage in (("two-stages", "second"), (f"{run.name}/first", "first")):
        status, said = project.run("merge", query, "--out", f"out/{stage}")
        assert status == 0, said
        merged = read_json(project.folder / "out" / stage / "merged.json")
        assert merged["run"] == f"{run.name}/{stage}"
        assert merged["digest"] == next(
            one["weights"]["digest"] for one in read_json(run / "manifest.json")["pipeline"] if one["name"] == stage
        )
    status, said = project.run("merge", "two-stages/third", "--out", "out/third")
    assert (status, said.strip()) == (
        2,
        f"runs/{run.name} has no stage 'third' with a trained model; "
        f"RUN takes one of: {run.name}/first, {run.name}/second",
    )


def test_another_model_is_evaluated_on_the_rows_of_the_run_and_compared_with_it(project: Project, run: Path) -> None:
    status, said = project.run("eval", "two-stages")
    assert status == 0 and f"make chat RUN={run.name}" in said, said
    status, said = project.run("eval", "two-stages", "--model", "models/tiny-base")
    assert status == 0, said
    (found,) = run.glob("eval/model-tiny_base-*/summary.json")
    name = f"{run.name}@{found.parent.name}"
    assert f'make compare RUNS="{run.name} {name}" MARGIN=0.02' in said
    summary, own = read_json(found), read_json(run / "eval" / "summary.json")
    assert (summary["rows"], summary["asked"]["model"]) == (own["rows"], "models/tiny-base")
    status, said = project.run("compare", run.name, name, "--margin", "0.05")
    assert status == 0, said


def test_the_last_model_is_published_with_a_recipe_that_trains_it_again(project: Project, run: Path) -> None:
    status, said = project.run("push", "two-stages", "--dry")
    assert status == 0, said
    names = {path.relative_to(run / "publish").as_posix() for path in (run / "publish").rglob("*") if path.is_file()}
    assert {"recipe.yaml", "adapter_model.safetensors", "README.md"} <= names
    published = (run / "publish" / "adapter_model.safetensors").read_bytes()
    assert published == (run / "stages" / "second" / "model" / "adapter_model.safetensors").read_bytes()
    status, said = project.run("verify", str(run / "publish"), "--again")
    assert status == 0 and "trained again: digest" in said, said
    status, said = project.run("push", "two-stages/first", "--dry")
    assert (status, said.strip().rpartition("RUN=")[2]) == (2, run.name)


def test_it_answers_in_a_chat_under_its_stages_name(project: Project, run: Path) -> None:
    words = ["chat", f"{run.name}/first", "--log", "chats.jsonl"]
    done = subprocess.run(
        [sys.executable, "-m", "recipebook", *words],
        cwd=project.folder, input="stop\n", capture_output=True, text=True, check=False,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    logged = read_json(project.folder / "chats.jsonl")
    assert (logged["run"], logged["messages"][-2]["content"]) == (f"{run.name}/first", "stop")
    assert done.stdout.strip() == logged["messages"][-1]["content"].strip()
