"""A recipe with stages under `SET=` and `SEEDS=`: what a key does not reach is not trained again; a stand-in trains."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recipebook.fleet.seeds import find_seeds
from recipebook.run import rundir
from tests.end_to_end.project import Project, give_quick_engine

pytestmark = pytest.mark.long

RECIPE = """\
description: an adapter trained on texts, and then on pairs
extends: dial-dpo
data: {split: {validation: 0}}
stages:
  - {name: sft, training: {epochs: 1}}
  - name: dpo
    data: {source: samples/preference.jsonl, converter: preference, split: {by: [input], validation: 0}}
    training: {method: dpo, epochs: 1}
    eval: {metrics: {preference: {}}}
"""


@pytest.fixture(scope="module")
def project(copy_project: Callable[[], Project]) -> Project:
    """A copy of the project that has its own engine, and the recipe."""
    copied = copy_project()
    give_quick_engine(copied)
    (copied.folder / "recipes" / "two.yaml").write_text(RECIPE)
    return copied


def read_stages(folder: Path) -> dict[str, dict[str, Any]]:
    """The entries of a run's stages."""
    return {entry["name"]: entry for entry in json.loads((folder / "manifest.json").read_bytes())["pipeline"]}


def test_a_key_that_acts_in_the_last_stage_reuses_the_stages_before_it(project: Project) -> None:
    status, said = project.run("train", "two")
    assert status == 0, said
    first, _ = project.newest()
    status, said = project.run("train", "two", "--set", "preference.beta=0.3")
    assert status == 0, said
    assert "note      preference.beta has no effect in stage sft\n" in said
    second, _ = project.newest()
    before, after = read_stages(first), read_stages(second)
    assert (after["sft"]["taken_from"], after["dpo"]["taken_from"]) == (first.name, None)
    assert (after["dpo"]["inputs"]["preference.beta"], "preference.beta" in before["dpo"]["inputs"]) == ("0.3", False)

    status, said = project.run("train", "two", "--set", "preference.gamma=0.3")
    assert (status, said.splitlines()[-1]) == (
        2, "SET: gamma under preference has no effect with training.method: sft; it has with: simpo",
    )  # fmt: skip


def test_seeds_are_members_with_all_stages_and_a_seed_that_is_there_is_not_trained_again(project: Project) -> None:
    status, said = project.run("train", "two", "--set", "training.seed=43")
    assert status == 0, said
    apart, _ = project.newest()
    status, said = project.run("train", "two", "--seeds", "2")
    assert status == 0, said
    members = rundir.list_fleet("two-seeds", project.folder / "runs")
    assert [manifest.member for _, manifest in members] == ["seed42", "seed43"]
    assert find_seeds(members) == [42, 43]
    assert members[1][0].folder == apart
    assert said.endswith("next      make eval RUN=two-seeds\n")
    other = project.run("train", "two", "--set", "training.seed=44", "preference.beta=0.3")
    assert other[0] == 0, other[1]
    third = rundir.find(project.newest()[0].name, project.folder / "runs")
    assert find_seeds([members[0], (third, third.read())]) is None
