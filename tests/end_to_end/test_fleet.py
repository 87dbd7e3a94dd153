"""A fleet on the resident trainer: killed with its scheduler, killed in one member, failing and refused in others."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.orphans import find_in
from tests.end_to_end.project import Project

RECIPE = """\
description: four short trainings, of which one has an option that its scheduler refuses, one rows that are too long
extends: trait
data: {split: {validation: 0}}
matrix:
  values:
    data.options.pole: [joy_plus, joy_minus]
    axolotl.lr_scheduler_kwargs: [{}]
    training.max_length: [256]
  include:
    - {data.options.pole: wisdom_plus, axolotl.lr_scheduler_kwargs: {no_such_option: 1}, training.max_length: 256}
    - {data.options.pole: wisdom_minus, axolotl.lr_scheduler_kwargs: {}, training.max_length: 8}
  name: "{pole}"
profiles: {tiny: {training: {max_steps: 12, logging_steps: 1, save_steps: 2, batch_size: 4}}}
"""

PAIR = """\
description: two trainings that save nothing of themselves before their end
extends: trait
data: {split: {validation: 0}}
matrix:
  values: {data.options.pole: [joy_plus, joy_minus]}
  name: "{pole}"
profiles: {tiny: {training: {max_steps: 30, logging_steps: 1, save_steps: null, batch_size: 4}}}
"""


def start_and_wait(project: Project, member: str, step: int) -> tuple["subprocess.Popen[str]", Path]:
    """Start the fleet and wait until a member is at a step; the command, and the member's folder."""
    process = project.start("train", "three")
    while process.poll() is None:
        for path in project.folder.glob(f"runs/three/{member}-*/progress.json"):
            if json.loads(path.read_bytes())["step"] >= step:
                return process, path.parent
        time.sleep(0.01)
    raise AssertionError(process.communicate()[0])


def read_manifest(project: Project, member: str) -> dict[str, Any]:
    (path,) = project.folder.glob(f"runs/three/{member}-*/manifest.json")
    return dict(json.loads(path.read_bytes()))


@pytest.fixture(scope="module")
def fleet(project: Project) -> tuple[Project, int, str]:
    """The fleet after its scheduler was killed in the first member, and the same command's child in the second."""
    (project.folder / "recipes" / "three.yaml").write_text(RECIPE)
    scheduler, _ = start_and_wait(project, "joy_plus", 3)
    scheduler.kill()
    scheduler.communicate()
    again, folder = start_and_wait(project, "joy_minus", 1)
    for child in find_in(folder):
        os.kill(child, signal.SIGKILL)
    said, _ = again.communicate(timeout=600)
    return project, again.returncode, said


def test_the_status_is_that_some_failed_and_every_member_has_its_line(fleet: tuple[Project, int, str]) -> None:
    project, status, said = fleet
    assert status == 1
    table = {line.split()[0]: line.split()[1] for line in said.split("\nmember")[1].splitlines()[1:5]}
    assert table == {"joy_plus": "trained", "joy_minus": "trained", "wisdom_plus": "failed", "wisdom_minus": "failed"}
    assert "4 members, 2 without a trained model" in said
    page = (project.folder / "runs" / "three" / "members.html").read_text()
    assert page.count(" class=failed>") == 2


def test_what_was_killed_went_on_from_its_checkpoint(fleet: tuple[Project, int, str]) -> None:
    outcomes = [one["outcome"] for one in read_manifest(fleet[0], "joy_plus")["attempts"]]
    assert outcomes == ["killed", "trained"]
    assert read_manifest(fleet[0], "joy_plus")["attempts"][1]["from_step"] >= 2
    attempts = read_manifest(fleet[0], "joy_minus")["attempts"]
    assert [(one["outcome"], one["exit_code"]) for one in attempts] == [("failed", -9), ("trained", 0)]


def test_a_member_that_fails_is_tried_twice_and_says_why(fleet: tuple[Project, int, str]) -> None:
    manifest = read_manifest(fleet[0], "wisdom_plus")
    assert manifest["status"] == "failed"
    assert len(manifest["attempts"]) == 2
    assert manifest["reason"]


def test_a_member_whose_rows_are_too_long_is_refused_before_it_has_a_run(fleet: tuple[Project, int, str]) -> None:
    project, _, said = fleet
    (line,) = [line for line in said.splitlines() if line.startswith("refused")]
    assert line.startswith("refused   wisdom_minus: samples/traits.jsonl#")
    assert line.endswith(" takes them all)")
    assert list(project.folder.glob("runs/three/wisdom_minus-*")) == []
    status, planned = project.run("plan", "three")
    assert status == 2
    assert planned.splitlines()[-1].startswith("three: member wisdom_minus: samples/traits.jsonl#")


def test_no_process_is_left(fleet: tuple[Project, int, str]) -> None:
    assert find_in(fleet[0].folder / "runs") == []


def test_members_tells_what_would_run_and_why(fleet: tuple[Project, int, str]) -> None:
    status, said = fleet[0].run("members", "three", "--set", "lora.r=2")
    assert status == 0
    assert "lora.r: 2, was 4" in said
    assert said.count("  changed  ") == 3
    assert said.count("  new  ") == 1


def test_a_member_alone_gives_the_same_adapter_to_the_bit(fleet: tuple[Project, int, str]) -> None:
    project = fleet[0]
    digest = read_manifest(project, "joy_minus")["weights"]["digest"]
    before = set(project.folder.glob("runs/*"))
    settings = ["training.max_steps=12", "training.logging_steps=1", "training.save_steps=2", "training.batch_size=4",
                "data.split.validation=0", "data.options.pole=joy_minus"]  # fmt: skip
    status, said = project.run("train", "trait", "--force", "--set", *settings)
    assert status == 0, said
    (alone,) = set(project.folder.glob("runs/*")) - before
    assert json.loads((alone / "manifest.json").read_bytes())["weights"]["digest"] == digest


@pytest.mark.long
@pytest.mark.parametrize(("launcher", "signum"), [("resident", signal.SIGTERM), ("plain", signal.SIGINT)])
def test_a_fleet_that_is_stopped_saves_its_members_and_goes_on_from_there(
    project: Project, launcher: str, signum: signal.Signals
) -> None:
    name = f"pair-{launcher}"
    # A seed of its own, or the members would be found trained.
    (project.folder / "recipes" / f"{name}.yaml").write_text(f"{PAIR}training: {{seed: {int(signum)}}}\n")
    words = ("train", name, "--launcher", launcher, "--workers", "2")
    process = project.start(*words)
    at_work: list[Path] = []
    while len(at_work) < 2 and process.poll() is None:
        reports = project.folder.glob(f"runs/{name}/*/progress.json")
        at_work = [path.parent for path in reports if json.loads(path.read_bytes())["step"] >= 2]
        time.sleep(0.01)
    process.send_signal(signum)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert f"stopped   by {signum.name}: run the same command to resume" in said
    steps = {}
    for folder in at_work:
        assert json.loads((folder / "manifest.json").read_bytes())["status"] == "interrupted"
        (checkpoint,) = (folder / "model").glob("checkpoint-*")
        steps[folder] = int(checkpoint.name.partition("-")[2])
    assert min(steps.values()) >= 2
    assert find_in(project.folder / "runs") == []
    status, said = project.run(*words)
    assert status == 0, said
    resumed = [json.loads((folder / "manifest.json").read_bytes()) for folder in at_work]
    assert [[(one["outcome"], one["from_step"]) for one in each["attempts"]] for each in resumed] == [
        [("interrupted", 0), ("trained", steps[folder])] for folder in at_work
    ]
    status, said = project.run(*words, "--force", "--only", "*")
    assert status == 0, said
    digests: dict[str, set[str]] = {}
    for path in project.folder.glob(f"runs/{name}/*/manifest.json"):
        manifest = json.loads(path.read_bytes())
        digests.setdefault(manifest["member"], set()).add(manifest["weights"]["digest"])
    assert [len(each) for each in digests.values()] == [1, 1]
