"""Stages side by side: each model against the one before, over the same rows."""

import json
from pathlib import Path

import pytest

from eval.report.stage_summary import SectionSummary, StageSummary, format_section, read_stages, summarise_section
from eval.scoring.score import evaluate_predictions

RIGHT = "robot.stop()"
WRONG = "robot.release()"
# How many of twenty rows each model has right.
BASE, SFT, DPO = 0, 12, 20


def write_predictions(folder: Path, right: int) -> None:
    folder.mkdir()
    lines = [
        {"id": str(row), "reference": RIGHT, "prediction": RIGHT if row < right else WRONG, "baseline": WRONG}
        for row in range(20)
    ]
    (folder / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def section(tmp_path: Path) -> SectionSummary:
    folders = {"sft": tmp_path / "sft", "dpo": tmp_path / "dpo"}
    summaries = {}
    for (name, folder), right in zip(folders.items(), (SFT, DPO), strict=True):
        write_predictions(folder, right)
        summaries[name] = evaluate_predictions(folder / "predictions.jsonl", {"robot": {}}, (), "exact", 42, folder)
    return summarise_section("sft", folders, summaries)


def test_every_model_has_its_mean_and_each_step_its_difference(section: SectionSummary) -> None:
    row = section.figures[0]
    assert (section.models, row.figure, section.rows) == (("base", "sft", "dpo"), "exact", 20)
    assert [estimate.mean for estimate in row.estimates] == [0.0, 0.6, 1.0]
    assert [step.difference.mean for step in row.steps] == pytest.approx([0.6, 0.4])
    low = row.steps[0].difference.low
    assert low is not None and low > 0
    for step in row.steps:
        assert step.p_adjusted is not None and step.difference.p is not None
        assert step.p_adjusted >= step.difference.p


def test_the_terminal_tells_means_steps_and_findings(section: SectionSummary) -> None:
    told = format_section(section)
    assert told.startswith("20 rows (stage sft)\n\nmean ")
    assert "base to sft: exact is better by +0.600 [" in told
    assert "\nsft to dpo " in told


def test_a_summary_is_read_back_and_absent_without_stages(section: SectionSummary, tmp_path: Path) -> None:
    summary = StageSummary(sections=(section,))
    assert read_stages(tmp_path) is None
    (tmp_path / "stages.json").write_text(summary.model_dump_json())
    assert read_stages(tmp_path) == summary
