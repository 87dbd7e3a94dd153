"""The whole way of an agent: a warm start, reinforcement in boxes, evaluation in several ways, and a collapse."""

import json
from pathlib import Path
from typing import Any

import pytest

from recipebook.files import write_text
from samples.make_shell import draw_tasks, make_records, make_sessions
from tests.end_to_end.project import Project
from tests.recipebook.shell.boxes import needs_boxes

pytestmark = [pytest.mark.long, needs_boxes]

# Two kinds of tasks, so that some forty steps are a warm start.
KINDS = ("delete_file", "make_file")
RECIPE = """\
description: tasks of two kinds, first from recorded sessions, then from own episodes
extends: os-interaction-rl
data: {source: sessions.jsonl, split: {validation: 0.1, test: 0.1}}
stages:
  - name: sft
    training: {epochs: 6, batch_size: 16, learning_rate: 4e-3, max_length: 512, group_by_length: true}
  - name: rl
    from: sft
    data:
      source: tasks.json
      converter: shell_tasks
      split: {by: [instruction], validation: 0.15, test: 0.25}
    training:
      {method: grpo, batch_size: 8, learning_rate: 1.5e-4, scheduler: constant, warmup_ratio: 0, max_length: 512,
       logging_steps: 1, keep_checkpoints: 4}
    rl: {collections: 3, episodes: 16, group: 4, epochs: 2, beta: 0.02, temperature: 0.6, seconds: 5, answer_tokens: 40}
    eval: {metrics: {shell: {}}, main: success, slices: [kind], generation: {max_new_tokens: 40}}
"""
COMMAND = ("train", "agent", "--profile", "tiny")
STEPS = 4


def read_collections(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "training_stats.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def trained(project: Project) -> Path:
    """The run's folder."""
    drawn = [task for task in draw_tasks(480, 5, levels=1) if task.kind in KINDS]
    sessions = "".join(json.dumps(one) + "\n" for one in make_sessions(drawn[:140]))
    write_text(project.folder / "sessions.jsonl", sessions)
    write_text(project.folder / "tasks.json", json.dumps([*make_records(drawn[140:])]))
    write_text(project.folder / "recipes" / "agent.yaml", RECIPE)
    for part in (("--stage", "sft"), ()):
        status, said = project.run(*COMMAND, *part)
        assert status == 0, said
    return project.newest()[0]


def test_the_warm_start_lets_the_agent_learn_and_each_collection_leaves_a_model(trained: Path) -> None:
    stage = trained / "stages" / "rl"
    collections = read_collections(stage)
    assert [one["step"] for one in collections] == [0, STEPS, 2 * STEPS]
    assert all(one["success"] > 0 for one in collections)
    assert any(one["learned_from"] for one in collections)
    checkpoints = sorted(path.name for path in (stage / "model").glob("checkpoint-*"))
    assert checkpoints == ["checkpoint-12", "checkpoint-4", "checkpoint-8"]


def test_the_last_stage_is_evaluated_beside_the_warm_start_and_its_transcripts_are_in_the_report(
    project: Project, trained: Path
) -> None:
    status, said = project.run("eval", trained.name)
    assert status == 0, said
    (section, *_) = json.loads((trained / "eval" / "stages.json").read_bytes())["sections"]
    assert (section["name"], section["models"]) == ("rl", ["base", "sft", "rl"])
    base, start, tuned = (one["mean"] for one in section["figures"][0]["estimates"])
    assert base == 0
    assert start > 0
    assert tuned > 0
    prediction = json.loads((trained / "eval" / "predictions.jsonl").read_text().splitlines()[0])
    assert "Act: " in prediction["prediction"]
    assert '<span class="output">' in (trained / "eval" / "report.html").read_text()


def test_an_adapter_apart_plays_the_same_episodes(project: Project, trained: Path) -> None:
    status, said = project.run("eval", trained.name, "--mode", "adapter")
    assert status == 0, said
    lines = (trained / "eval" / "predictions.jsonl").read_text().splitlines()
    (same,) = [line for line in said.splitlines() if line.startswith("same      rl: ") and line.endswith("/eval")]
    assert same.startswith(f"same      rl: {len(lines)} of {len(lines)} answers are those of ")


def test_the_models_of_all_collections_are_in_one_table_and_the_best_plays_the_test_tasks(
    project: Project, trained: Path
) -> None:
    status, said = project.run("eval", trained.name, "--checkpoint", "all")
    assert status == 0, said
    assert all(f"checkpoint {step} " in said for step in (STEPS, 2 * STEPS, 3 * STEPS))
    (chosen,) = [line.split()[2].rstrip(",") for line in said.splitlines() if line.startswith("chosen")]
    assert (trained / "eval" / f"checkpoint-{chosen}" / "report.html").is_file()


def test_a_policy_that_collapses_is_stopped_with_the_reason_and_the_models_before_it_are_kept(
    project: Project, trained: Path
) -> None:
    settings = (
        "rl.temperature=1.0",
        "rl.collections=10",
        "rl.beta=0",
        "rl.epochs=4",
        "stages.rl.training.learning_rate=5e-3",
    )
    status, said = project.run(*COMMAND, "--set", *settings)
    assert status == 1, said
    folder, manifest = project.newest()
    sft, rl = manifest["pipeline"]
    assert sft["taken_from"] == trained.name
    assert rl["status"] == "failed"
    assert rl["reason"].endswith("for the second time in a row: the best adapter is in best/")
    collections = read_collections(folder / "stages" / "rl")
    assert [one["success"] < 0.05 for one in collections[-2:]] == [True, True]
    kept = {path.name for path in (folder / "stages" / "rl" / "model").glob("checkpoint-*")}
    assert f"checkpoint-{collections[-3]['step']}" in kept or collections[-3]["step"] == 0
    assert (folder / "stages" / "rl" / "best" / "adapter_model.safetensors").is_file()
