"""A recipe to a trained and evaluated run, by real training, in one process."""

import html
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.project import Project

SETTINGS = ("training.max_steps=150",)
ASKED = ("eval.limit=300", "eval.generation.max_new_tokens=48")
CATEGORIES = {
    "movement", "manipulation", "sensors", "navigation", "complex", "conversational", "error_handling",
    "chained_complex", "contextual", "parametric", "safety", "efficiency",
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(project: Project) -> tuple[Path, dict[str, Any], str]:
    status, said = project.train(*SETTINGS)
    assert status == 0, said
    folder, manifest = project.newest()
    return folder, manifest, said


@pytest.fixture(scope="module")
def evaluated(project: Project, trained: tuple[Path, dict[str, Any], str]) -> tuple[Path, str]:
    status, said = project.run("eval", "robot-lora", "--set", *ASKED)
    assert status == 0, said
    return trained[0] / "eval", said


def test_output_says_first_that_a_tiny_model_stands_in(trained: tuple[Path, dict[str, Any], str]) -> None:
    assert trained[2].startswith("Profile tiny: the embedded model of a million parameters")


def test_no_line_is_wider_than_a_terminal(trained: tuple[Path, dict[str, Any], str]) -> None:
    assert [line for line in trained[2].splitlines() if len(line) > 92] == []


def test_manifest_tells_a_trained_run(trained: tuple[Path, dict[str, Any], str]) -> None:
    _, manifest, _ = trained
    assert manifest["status"] == "trained"
    assert manifest["reason"] is None
    assert manifest["profile"] == "tiny"
    assert manifest["overrides"] == list(SETTINGS)
    assert manifest["rows"] == {"train": 4827, "validation": 555, "test": 618}
    assert manifest["account"]["records"] == 6000
    assert manifest["account"]["overlap_test"] == 0
    assert [attempt["outcome"] for attempt in manifest["attempts"]] == ["trained"]
    assert manifest["weights"]["finite"] and manifest["weights"]["changed"]
    assert 0 < manifest["final_loss"] < 3


def test_run_folder_holds_what_explains_it(trained: tuple[Path, dict[str, Any], str]) -> None:
    folder = trained[0]
    expected = {"recipe.yaml", "resolved.yaml", "manifest.json", "axolotl.yaml", "train.log", "metrics.jsonl"}
    assert expected <= {path.name for path in folder.iterdir()}
    assert (folder / "model" / "adapter_model.safetensors").is_file()
    assert list((folder / "tensorboard").rglob("events.out.tfevents.*"))
    assert len((folder / "data" / "test.jsonl").read_text().splitlines()) == 618


def test_no_test_input_is_in_train(trained: tuple[Path, dict[str, Any], str]) -> None:
    inputs = {
        part: {json.loads(line)["messages"][0]["content"].casefold() for line in (trained[0] / path).open()}
        for part, path in (("train", "data/train.jsonl"), ("test", "data/test.jsonl"))
    }
    assert inputs["train"] & inputs["test"] == set()


def test_same_work_is_found_and_not_done_twice(project: Project, trained: tuple[Path, dict[str, Any], str]) -> None:
    status, said = project.train(*SETTINGS)
    assert status == 0
    assert f"found     runs/{trained[1]['run']}: same recipe, data and versions" in said
    assert len([one for one in project.manifests() if one["overrides"] == list(SETTINGS)]) == 1


def test_tuned_model_beats_the_base(evaluated: tuple[Path, str]) -> None:
    summary = json.loads((evaluated[0] / "summary.json").read_bytes())
    headline = summary["results"][0]
    assert headline["figure"] == "exact"
    assert headline["base"]["mean"] <= 0.05
    assert headline["difference"]["low"] > 0
    assert {part["value"] for part in summary["slices"] if part["field"] == "category"} == CATEGORIES
    assert {part["value"] for part in summary["slices"] if part["field"] == "copies"} <= {"near", "far"}


def test_table_shows_every_category(evaluated: tuple[Path, str]) -> None:
    assert {category for category in CATEGORIES if f"\n{category} " in evaluated[1]} == CATEGORIES


def test_report_is_one_file_without_a_network(evaluated: tuple[Path, str]) -> None:
    report = (evaluated[0] / "report.html").read_text()
    assert "tiny" in report
    assert "<script src" not in report and "<link" not in report and "@import" not in report


def test_program_in_the_report_gives_the_answer_that_was_evaluated(
    project: Project, evaluated: tuple[Path, str]
) -> None:
    program = evaluated[0] / "use.py"
    assert f"use       .venv/bin/python runs/{evaluated[0].parent.name}/eval/use.py" in evaluated[1]
    first = json.loads((evaluated[0] / "predictions.jsonl").read_text().partition("\n")[0])
    command = [sys.executable, str(program)]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == first["prediction"]
    assert html.escape(json.dumps(first["prompt"])[1:-1], quote=False) in (evaluated[0] / "report.html").read_text()


def test_second_evaluation_gives_the_same_answers(project: Project, evaluated: tuple[Path, str]) -> None:
    before = (evaluated[0] / "predictions.jsonl").read_bytes()
    assert project.run("eval", "robot-lora", "--set", *ASKED)[0] == 0
    assert (evaluated[0] / "predictions.jsonl").read_bytes() == before


def test_a_changed_template_is_refused(project: Project, evaluated: tuple[Path, str]) -> None:
    template = evaluated[0].parent / "model" / "chat_template.jinja"
    text = template.read_text()
    template.write_text(text + "!")
    try:
        status, said = project.run("eval", "robot-lora")
    finally:
        template.write_text(text)
    assert status == 2
    assert "its chat template has the hash" in said
