"""Recipes of every family as they are, but for a few steps and a few rows: trained, then evaluated."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.project import Project

pytestmark = pytest.mark.long

STEPS = ("training.max_steps=4", "training.logging_steps=1")
FEW = ("eval.limit=6",)
SHORT = (*FEW, "eval.generation.max_new_tokens=8")


def train(project: Project, recipe: str, *words: str) -> Path:
    """Train a recipe for a few steps; the run's folder."""
    before = set(project.folder.glob("runs/*"))
    status, said = project.run("train", recipe, *words, "--set", *STEPS)
    assert status == 0, said
    (folder,) = [path for path in project.folder.glob("runs/*") if path.is_dir() and path not in before]
    return folder


def evaluate(project: Project, run: str, settings: tuple[str, ...] = SHORT) -> None:
    status, said = project.run("eval", run, "--set", *settings)
    assert status == 0, said


def read_json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_bytes()))


@pytest.mark.parametrize(
    ("recipe", "figure", "settings"),
    [
        ("persona-unified", "param_f1", SHORT),
        ("preference-dpo", "reward_accuracy", FEW),
        ("preference-kto", "reward_accuracy", FEW),
        ("toolformer-weighted", "tool_f1", SHORT),
        ("trait", "nll", FEW),
    ],
)
def test_a_recipe_ends_in_a_report_with_its_own_figure(
    project: Project, recipe: str, figure: str, settings: tuple[str, ...]
) -> None:
    folder = train(project, recipe)
    assert read_json(folder / "manifest.json")["status"] == "trained"
    evaluate(project, folder.name, settings)
    headline = read_json(folder / "eval" / "summary.json")["results"][0]
    assert (headline["figure"], headline["tuned"]["n"] > 0) == (figure, True)
    assert figure in (folder / "eval" / "report.html").read_text()


def test_stages_end_in_a_table_of_every_model_under_every_section(project: Project) -> None:
    folder = train(project, "dial-dpo")
    stages = read_json(folder / "manifest.json")["pipeline"]
    assert [stage["name"] for stage in stages] == ["sft", "dpo"]
    evaluate(project, folder.name)
    sections = read_json(folder / "eval" / "stages.json")["sections"]
    assert [section["models"] for section in sections] == [["base", "sft", "dpo"]] * 2


def test_members_that_vote_end_in_one_report(project: Project) -> None:
    folder = train(project, "robot-ensemble")
    statuses = [read_json(path)["status"] for path in folder.glob("*/manifest.json")]
    assert statuses == ["trained"] * 3
    evaluate(project, "robot-ensemble")
    assert (folder / "members.html").is_file()


def test_a_part_of_a_fleet_is_trained_and_told(project: Project) -> None:
    folder = train(project, "traits", "--limit", "2")
    assert [read_json(path)["status"] for path in folder.glob("*/manifest.json")] == ["trained"] * 2
