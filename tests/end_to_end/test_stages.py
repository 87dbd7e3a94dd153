"""Four stages in one run, a merge and made pairs among them: killed in each, gone on with, done anew, evaluated."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.project import Project

pytestmark = pytest.mark.long

RECIPE = """\
description: a few steps on texts with calls, pairs of what the merged model says, a few steps on those
extends: dial-dpo
training: {max_steps: 4, save_steps: 2, logging_steps: 1, batch_size: 4}
data: {source: few.jsonl, split: {validation: 0}}
stages:
  - {name: sft, training: {method: sft, learning_rate: 1e-3}}
  - {name: whole, merge: {}}
  - name: pairs
    generate_pairs: {metric: toolformer, answers: 2, max_new_tokens: 16, batch_size: 4, limit: 60}
  - name: dpo
    from: sft
    data: {source: "stage:pairs", converter: preference, split: {by: [input], validation: 0, test: 0.2}}
    training: {method: dpo, learning_rate: 1e-3, max_steps: 8}
    eval: {metrics: {preference: {}}}
"""
FEW = ("eval.limit=6", "eval.generation.max_new_tokens=8")


def find_worker(folder: Path) -> int | None:
    """The process that trains or makes something in the folder."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                return int(entry.name)
        except OSError:
            continue
    return None


def is_at(step: int) -> Callable[[Path], bool]:
    """Whether the trainer in a folder has come so far."""

    def look(folder: Path) -> bool:
        path = folder / "progress.json"
        return path.is_file() and bool(json.loads(path.read_bytes())["step"] >= step)

    return look


def has_sampled(folder: Path) -> bool:
    path = folder / "pieces.jsonl"
    return path.is_file() and path.read_bytes().count(b"\n") >= 3


MOMENTS: dict[str, Callable[[Path], bool]] = {
    "sft": is_at(3),
    "whole": lambda _: True,
    "pairs": has_sampled,
    "dpo": is_at(5),
}


def kill_in(project: Project, stage: str) -> Path:
    """Start the command, kill the runner and what it runs in that stage; the stage's folder."""
    process = project.start("train", "four-stages")
    while process.poll() is None:
        for folder in project.folder.glob(f"runs/four-stages-*/stages/{stage}"):
            worker = find_worker(folder)
            if worker and MOMENTS[stage](folder):
                process.kill()
                os.kill(worker, signal.SIGKILL)
                process.communicate(timeout=60)
                return Path(folder)
        time.sleep(0.02)
    raise AssertionError(process.communicate()[0])


@pytest.fixture(scope="module")
def killed(project: Project) -> Path:
    """A run whose runner and worker were killed in every stage in turn, by the same command each time."""
    texts = (project.folder / "samples" / "toolformer.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (project.folder / "few.jsonl").write_text("".join(texts[:240]), encoding="utf-8")
    (project.folder / "recipes" / "four-stages.yaml").write_text(RECIPE)
    runs = set()
    for stage in MOMENTS:
        folder = kill_in(project, stage)
        runs.add(folder.parents[1])
        if stage == "whole":
            # As a kill leaves it while the model is written, which takes too short a time to be caught at.
            (folder / ".model").mkdir(exist_ok=True)
            (folder / ".model" / "model.safetensors").write_bytes(b"half")
    (run,) = runs
    return run


@pytest.fixture(scope="module")
def finished(project: Project, killed: Path) -> tuple[Path, str]:
    status, said = project.run("train", "four-stages")
    assert status == 0, said
    return killed, said


def read_stages(run: Path) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in json.loads((run / "manifest.json").read_bytes())["pipeline"]}


def test_a_killed_run_goes_on_inside_its_stage_and_does_none_twice(finished: tuple[Path, str]) -> None:
    run, said = finished
    stages = read_stages(run)
    for at, name in enumerate(("sft", "whole", "pairs"), 1):
        assert f"stage     {name} ({at} of 4): " in said
    assert said.count(": done already") == 3
    assert {name: [attempt["outcome"] for attempt in stage["attempts"]] for name, stage in stages.items()} == {
        "sft": ["killed", "trained"],
        "whole": ["killed", "done"],
        "pairs": ["killed", "done"],
        "dpo": ["killed", "trained"],
    }
    assert (stages["sft"]["attempts"][1]["from_step"], stages["dpo"]["attempts"][1]["from_step"]) == (2, 4)
    assert json.loads((run / "manifest.json").read_bytes())["status"] == "trained"


def test_the_reference_is_the_model_as_the_first_stage_left_it(finished: tuple[Path, str]) -> None:
    first = json.loads((finished[0] / "stages" / "dpo" / "metrics.jsonl").read_text().splitlines()[0])
    # Both models are one before the first step, so the loss of every pair is ln 2.
    assert first["loss"] == pytest.approx(0.693147, abs=1e-5)
    sft, dpo = ((finished[0] / "stages" / name / "model").resolve() for name in ("sft", "dpo"))
    assert not (dpo / "ref").exists()
    assert (sft / "adapter_model.safetensors").read_bytes() != (dpo / "adapter_model.safetensors").read_bytes()


def test_a_run_without_a_kill_comes_to_the_same(project: Project, finished: tuple[Path, str]) -> None:
    run, _ = finished
    status, said = project.run("train", "four-stages", "--force")
    assert status == 0, said
    folder, manifest = project.newest()
    before, again = read_stages(run), read_stages(folder)
    assert [stage["taken_from"] for stage in again.values()] == [None] * 4
    for name in ("sft", "dpo"):
        assert again[name]["weights"]["digest"] == before[name]["weights"]["digest"]
    for made in ("whole/model/model.safetensors", "pairs/rows.jsonl"):
        assert (folder / "stages" / made).read_bytes() == (run / "stages" / made).read_bytes()
    assert manifest["status"] == "trained"


def test_a_changed_stage_runs_again_and_those_before_do_not(project: Project, finished: tuple[Path, str]) -> None:
    status, said = project.run("train", "four-stages", "--set", "stages.dpo.training.max_steps=2")
    assert status == 0, said
    again = read_stages(project.newest()[0])
    assert {name: stage["taken_from"] is None for name, stage in again.items()} == {
        "sft": False,
        "whole": False,
        "pairs": False,
        "dpo": True,
    }


def test_nothing_is_left_to_do_and_a_changed_stage_is_planned(project: Project, finished: tuple[Path, str]) -> None:
    assert "found     runs/four-stages-" in project.run("train", "four-stages")[1]
    said = project.run("train", "four-stages", "--stage", "dpo", "--set", "stages.sft.training.max_steps=3")
    assert said[0] == 2
    assert "stage 'dpo' needs 'sft', which has not run as the recipe has it now" in said[1]


def test_every_model_is_measured_under_every_section(project: Project, finished: tuple[Path, str]) -> None:
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


def test_a_stage_that_does_nothing_is_refused_before_the_others_are_evaluated(
    project: Project, finished: tuple[Path, str]
) -> None:
    run, _ = finished
    weights = run / "stages" / "dpo" / "model" / "adapter_model.safetensors"
    kept, before = weights.read_bytes(), (run / "eval" / "stages.json").stat().st_mtime_ns
    # After the header, of which the first eight bytes are the length.
    start = 8 + int.from_bytes(kept[:8], "little")
    weights.write_bytes(kept[:start] + bytes(len(kept) - start))
    try:
        status, said = project.run("eval", run.name, "--set", *FEW)
    finally:
        weights.write_bytes(kept)
    assert status == 2 and "stages/dpo/model: the adapter acts at no module: lora_B is zero at all" in said
    assert "prompts" not in said and (run / "eval" / "stages.json").stat().st_mtime_ns == before
