"""A run's placebo is found by the run's identity; a missing one is named with the command that trains it."""

from datetime import datetime
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.hardware import detect
from recipebook.run import rundir
from recipebook.run.manifest import Manifest
from recipebook.run.placebo import find_placebo
from recipebook.run.rundir import Run


def make_run(runs: Path, name: str, status: str, placebo_of: str | None = None) -> Run:
    run = rundir.create(name, datetime(2026, 11, 29), runs)
    manifest = Manifest(
        run=run.name, recipe=name, identity=f"identity of {name}", status="trained", profile="tiny", base=None,
        overrides=("training.epochs=1",), git={}, versions={}, hardware=detect(), placebo_of=placebo_of,
    )  # fmt: skip
    run.write(Manifest.model_validate({**manifest.model_dump(), "status": status}))
    return run


def test_the_trained_placebo_of_the_same_identity_is_found(tmp_path: Path) -> None:
    run = make_run(tmp_path, "robot-lora", "trained")
    make_run(tmp_path, "other-placebo", "trained", "identity of other")
    placebo = make_run(tmp_path, "robot-lora-placebo", "trained", "identity of robot-lora")
    assert find_placebo(run).name == placebo.name


def test_without_a_trained_one_the_command_is_named(tmp_path: Path) -> None:
    run = make_run(tmp_path, "robot-lora", "trained")
    make_run(tmp_path, "robot-lora-placebo", "failed", "identity of robot-lora")
    command = 'make train RECIPE=robot-lora PROFILE=tiny SET="training.epochs=1 eval.placebo=shuffled" trains it'
    with pytest.raises(UserError, match=f"has no trained placebo: {command}$"):
        find_placebo(run)
