"""Two stages in one run, the second on the first one's adapter: killed, gone on with, done again, evaluated."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

RECIPE = """\
description: a few steps on texts with calls, a few on pairs, from the adapter on
extends: dial-dpo
training: {max_steps: 4, save_steps: 2, logging_steps: 1, batch_size: 4}
data: {split: {validation: 0}}
stages:
  - {name: sft, training: {method: sft, learning_rate: 1e-3}}
  - name: dpo
    data:
      source: samples/preference.jsonl
      converter: preference
      options: {strength: difference, threshold: 0.6}
      split: {by: [input], validation: 0, test: 0.1}
    training: {method: dpo, learning_rate: 1e-3, max_steps: 8}
    eval: {metrics: {preference: {}}}
"""
FEW = ("eval.limit=6", "eval.generation.max_new_tokens=8")


def find_trainer(folder: Path) -> int:
    """The process that trains in the folder."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                return int(entry.name)
        except OSError:
            continue
    raise AssertionError(f"nothing trains in {folder}")


@pytest.fixture(scope="module")
def killed(project: Any) -> Path:
    """A run whose runner and trainer were killed in the second stage, between two checkpoints."""
    (project.folder / "recipes" / "two-stages.yaml").write_text(RECIPE)
    process = project.start("train", "two-stages")
    while process.poll() is None:
        for path in project.folder.glob("runs/two-stages-*/stages/dpo/progress.json"):
            if json.loads(path.read_bytes())["step"] >= 5:
                trainer = find_trainer(path.parent)
                process.kill()
                os.kill(trainer, signal.SIGKILL)
                process.communicate(timeout=60)
                return path.parents[2]
        time.sleep(0.02)
    raise AssertionError(process.communicate()[0])


@pytest.fixture(scope="module")
def finished(project: Any, killed: Path) -> tuple[Path, str]:
    status, said = project.run("train", "two-stages")
    assert status == 0, said
    return killed, said


def read_stages(run: Path) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in json.loads((run / "manifest.json").read_bytes())["pipeline"]}


def test_a_killed_run_goes_on_inside_its_stage(finished: tuple[Path, str]) -> None:
    run, said = finished
    stages = read_stages(run)
    assert "stage     sft (1 of 2): trains, from base: done already" in said
    assert [attempt["outcome"] for attempt in stages["sft"]["attempts"]] == ["trained"]
    assert [attempt["outcome"] for attempt in stages["dpo"]["attempts"]] == ["killed", "trained"]
    assert stages["dpo"]["attempts"][1]["from_step"] == 4
    assert json.loads((run / "manifest.json").read_bytes())["status"] == "trained"


def test_the_reference_is_the_model_as_the_first_stage_left_it(finished: tuple[Path, str]) -> None:
    first = json.loads((finished[0] / "stages" / "dpo" / "metrics.jsonl").read_text().splitlines()[0])
    # Both models are one before the first step, so the loss of every pair is ln 2.
    assert first["loss"] == pytest.approx(0.693147, abs=1e-5)
    sft, dpo = ((finished[0] / "stages" / name / "model").resolve() for name in ("sft", "dpo"))
    assert not (dpo / "ref").exists()
    assert (sft / "adapter_model.safetensors").read_bytes() != (dpo / "adapter_model.safetensors").read_bytes()


def test_a_stage_done_again_without_a_kill_gives_the_same_adapter(project: Any, finished: tuple[Path, str]) -> None:
    run, _ = finished
    status, said = project.run("train", "two-stages", "--stage", "dpo", "--force")
    assert status == 0, said
    again = read_stages(project.newest()[0])
    assert again["sft"]["taken_from"] == run.name
    assert again["dpo"]["weights"]["digest"] == read_stages(run)["dpo"]["weights"]["digest"]


def test_nothing_is_left_to_do_and_a_changed_stage_is_planned(project: Any, finished: tuple[Path, str]) -> None:
    assert "found     runs/two-stages-" in project.run("train", "two-stages")[1]
    said = project.run("train", "two-stages", "--stage", "dpo", "--set", "stages.sft.training.max_steps=3")
    assert said[0] == 2
    assert "stage 'dpo' needs 'sft', which has not run as the recipe has it now" in said[1]


def test_every_model_is_measured_under_every_section(project: Any, finished: tuple[Path, str]) -> None:
    run, _ = finished
    status, said = project.run("eval", run.name, "--set", *FEW)
    assert status == 0, said
    told = json.loads((run / "eval" / "stages.json").read_bytes())["sections"]
    assert [(section["name"], section["models"]) for section in told] == [
        ("sft", ["base", "sft", "dpo"]),
        ("dpo", ["base", "sft", "dpo"]),
    ]
    assert "sft to dpo" in said
    assert "Stage by stage: base → sft → dpo" in (run / "eval" / "report.html").read_text()
