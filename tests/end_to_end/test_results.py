"""`make results` in a copy: a run and its record, work that is not done twice, and failures that stop nothing."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.end_to_end.project import Project

pytestmark = pytest.mark.long
QUICK = """\
description: a few steps
extends: robot-lora
profiles: {tiny: {training: {max_steps: 6, logging_steps: 1}, eval: {limit: 8, generation: {max_new_tokens: 4}}}}
"""
# Both members are the run of `quick`: the size of a batch decides no identity and no answer.
FLEET = "description: twice\nextends: quick\nmatrix: {values: {eval.generation.batch_size: [4, 8]}}\n"
STAGES = """\
description: a few steps of two stages, each with rows and figures of its own
extends: dial-dpo
profiles: {tiny: {training: {max_steps: 3}, eval: {limit: 4, generation: {max_new_tokens: 4}}}}
"""
LOST = "description: without data\nextends: quick\ndata: {source: samples/lost.json}\n"


def read_stored(project: Project) -> dict[str, Any]:
    return dict(json.loads((project.folder / "docs" / "results" / "tiny.json").read_bytes()))


def find_record(project: Project, recipe: str) -> dict[str, Any]:
    return next(record for record in read_stored(project)["records"] if record["recipe"] == recipe)


@pytest.fixture(scope="module")
def measured(copy_project: Callable[[], Project]) -> tuple[Project, str]:
    """A project with these three recipes alone, after the command."""
    project = copy_project()
    for path in (project.folder / "recipes").glob("*.yaml"):
        if path.stem not in ("robot-lora", "dial-dpo"):
            path.unlink()
    texts = {"lost": LOST, "quick": QUICK, "quick-fleet": FLEET, "quick-stages": STAGES}
    for name, text in texts.items():
        (project.folder / "recipes" / f"{name}.yaml").write_text(text)
    said = "".join(project.run("results", name, "--profile", "tiny")[1] for name in texts)
    return project, said


def test_each_recipe_has_its_line(measured: tuple[Project, str]) -> None:
    lines = [line for line in measured[1].splitlines() if not line.startswith("page ")]
    assert [line.split()[0] for line in lines] == ["lost", "quick", "quick-fleet", "quick-stages"]
    assert lines[0].startswith("lost  tiny: failed: recipes/lost.yaml:3:16: no file 'samples/lost.json'; did you ")
    assert lines[1].startswith("quick  tiny: exact 0.")
    assert lines[2].startswith("quick-fleet  tiny: exact 0.")
    assert lines[3].startswith("quick-stages  tiny: tool_accuracy 0.")


def test_the_record_is_what_manifest_and_summary_say(measured: tuple[Project, str]) -> None:
    project, _ = measured
    record = find_record(project, "quick")
    (manifest,) = [one for one in project.manifests() if one["recipe"] == "quick"]
    summary = json.loads((project.folder / "runs" / manifest["run"] / "eval" / "summary.json").read_bytes())
    assert (record["run"], record["identity"]) == (manifest["run"], manifest["identity"])
    assert (record["rows"], record["drawn"]["of"], record["result"]) == (8, 618, summary["results"][0])
    assert record["training_seconds"] == pytest.approx(manifest["seconds"]["train"], abs=0.1)
    assert record["evaluation_seconds"] > 0
    assert record["memory_gib"] == manifest["memory_gib"] > 0.2


def test_members_are_recognised_and_pooled(measured: tuple[Project, str]) -> None:
    project, _ = measured
    record = find_record(project, "quick-fleet")
    assert record["members"] == [find_record(project, "quick")["run"]] * 2
    assert (record["rows"], record["result"]["tuned"]["n"]) == (16, 16)
    again = 'make eval RUN=quick-fleet SET="eval.part=test"'
    assert record["commands"] == ["make train RECIPE=quick-fleet PROFILE=tiny LIMIT=3", again]


def test_stages_have_the_figure_of_the_last_model_on_the_rows_of_the_recipe(measured: tuple[Project, str]) -> None:
    project, _ = measured
    record = find_record(project, "quick-stages")
    manifest = json.loads((project.folder / "runs" / record["run"] / "manifest.json").read_bytes())
    assert (record["result"]["figure"], record["rows"]) == ("tool_accuracy", 4)
    seconds = [entry["seconds"]["train"] for entry in manifest["pipeline"]]
    assert len(seconds) == 2
    assert record["training_seconds"] == pytest.approx(sum(seconds), abs=0.1)


def test_what_failed_is_stored_with_the_reason(measured: tuple[Project, str]) -> None:
    (failure,) = read_stored(measured[0])["failures"]
    assert failure["recipe"] == "lost"
    assert "samples/lost.json" in failure["reason"]
    page = (measured[0].folder / "docs" / "results.md").read_text()
    assert "| `lost` | failed on " in page
    assert "| `quick` | exact | 8, of 618 rows | 0.000 | " in page


def test_nothing_is_done_twice(measured: tuple[Project, str]) -> None:
    project, _ = measured
    record = find_record(project, "quick")
    written = project.folder / "runs" / record["run"] / "eval" / "predictions.jsonl"
    before = written.stat().st_mtime_ns
    status, _ = project.run("results", "quick", "--profile", "tiny")
    assert (status, len(project.manifests()), written.stat().st_mtime_ns) == (0, 2, before)
    assert find_record(project, "quick") == record


def test_a_changed_evaluation_is_made_again_without_training(measured: tuple[Project, str]) -> None:
    project, _ = measured
    recipe = project.folder / "recipes" / "quick.yaml"
    recipe.write_text(QUICK.replace("limit: 8", "limit: 5"))
    assert project.run("results", "quick", "--profile", "tiny")[0] == 0
    assert (find_record(project, "quick")["rows"], len(project.manifests())) == (5, 2)


def test_an_interrupted_command_leaves_what_is_finished(measured: tuple[Project, str]) -> None:
    project, _ = measured
    before = read_stored(project)
    (project.folder / "recipes" / "quick.yaml").write_text(QUICK.replace("max_steps: 6", "max_steps: 600"))
    process = project.start("results", "quick", "--profile", "tiny")
    while not list(project.folder.glob("runs/quick-2*/progress.json"))[1:]:
        assert process.poll() is None
        time.sleep(0.2)
    process.terminate()
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, read_stored(project)) == (130, before)
    assert "stopped   by SIGTERM: run the same command to resume" in said
    assert project.newest()[1]["status"] == "interrupted"
