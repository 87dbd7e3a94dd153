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


def make_run(runs: Path, name: str, status: str, placebo_of: str | None = None, fleet: str | None = None) -> Run:
    run = rundir.create(name, datetime(2026, 11, 29), runs, fleet)
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


def test_a_members_placebo_is_in_a_fleet_of_placebos_or_alone(tmp_path: Path) -> None:
    first = make_run(tmp_path, "seed42", "trained", fleet="robot-lora-seeds")
    second = make_run(tmp_path, "seed43", "trained", fleet="robot-lora-seeds")
    in_fleet = make_run(tmp_path, "seed42-p", "trained", "identity of seed42", fleet="robot-lora-placebo-seeds")
    alone = make_run(tmp_path, "robot-lora-placebo", "trained", "identity of seed43")
    assert find_placebo(first).folder == in_fleet.folder
    assert find_placebo(second).folder == alone.folder


def test_a_member_of_a_recipe_with_a_matrix_is_named_without_its_seed(tmp_path: Path) -> None:
    member = make_run(tmp_path, "seed42", "trained", fleet="robot-seeds")
    own = {"recipe": "robot-seeds", "overrides": ("training.epochs=1", "training.seed=42")}
    member.write(member.read().model_copy(update=own))
    command = 'make train RECIPE=robot-seeds PROFILE=tiny SET="training.epochs=1 eval.placebo=shuffled" trains it'
    with pytest.raises(UserError, match=f"has no trained placebo: {command}$"):
        find_placebo(member)
