"""docs/results.md: a row for every recipe under both profiles, and records that are what this machine's runs say."""

import json
from pathlib import Path
from typing import Any

import pytest

from docs.results_page import render_results
from eval.results.records import PROFILES, RESULTS, Failure, RecipeRecord, list_measured, read_results, store
from recipebook import project
from recipebook.hardware import Hardware

PAGE = (project.PROJECT / "docs" / "results.md").read_text(encoding="utf-8")
RECORDS = [(path.stem, record) for path in sorted(RESULTS.glob("*.json")) for record in read_results(path.stem).records]
RECORD: dict[str, Any] = {
    "recipe": "robot-lora", "run": "robot-lora-20261129-024408", "identity": "9dee18d1690bdb96",
    "commit": "632103697b761b4f73a88695d46940092eaf2592", "changed": False, "date": "2026-11-29",
    "machine": {"gpus": [], "cpu": "AMD EPYC", "cores": 2, "memory_gib": 23.5},
    "base": "models/tiny-base", "base_origin": None, "rows": 200,
    "drawn": {"rows": 200, "of": 577},
    "result": {
        "figure": "exact", "explanation": "all is right", "binary": True,
        "tuned": {"n": 200, "undefined": 0, "mean": 0.8, "low": 0.739, "high": 0.85},
        "base": {"n": 200, "undefined": 0, "mean": 0.0, "low": 0.0, "high": 0.019},
        "difference": {"n": 200, "groups": 200, "mean": 0.8, "low": 0.745, "high": 0.855, "test": "McNemar's test",
                       "p": 1e-36, "detectable": 0.04},
        "p_adjusted": 1e-35,
    },
    "training_seconds": 430.2, "evaluation_seconds": None, "memory_gib": 1.42,
    "commands": ["make train RECIPE=robot-lora PROFILE=tiny", "make eval RUN=robot-lora"],
}  # fmt: skip


def list_rows(page: str, profile: str) -> dict[str, str]:
    """The first row of each recipe in a profile's section."""
    section = page.partition(f"## Profile {profile}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    first: dict[str, str] = {}
    for row in rows:
        first.setdefault(row.split("`")[1], row)
    return first


@pytest.mark.parametrize("profile", PROFILES)
def test_every_recipe_has_a_row_with_its_figure_or_the_reason_why_not(profile: str) -> None:
    results, rows = read_results(profile), list_rows(PAGE, profile)
    assert list(rows) == list_measured()
    for name, row in rows.items():
        known = results.find(name)
        word = "not run yet" if known is None else known.reason if isinstance(known, Failure) else known.result.figure
        assert f"| `{name}` | " in row
        assert word in row


def test_no_record_is_of_a_recipe_that_is_gone() -> None:
    assert {record.recipe for _, record in RECORDS} <= {*list_measured()}


@pytest.mark.parametrize(("profile", "record"), RECORDS, ids=[f"{profile}-{one.recipe}" for profile, one in RECORDS])
def test_a_record_is_what_the_runs_of_this_machine_say(profile: str, record: RecipeRecord) -> None:
    names = record.members or (record.run,)
    folders = [project.RUNS / name for name in names]
    if not all((folder / "manifest.json").is_file() for folder in folders):
        pytest.skip("its runs are not on this machine")
    manifests = [json.loads((folder / "manifest.json").read_bytes()) for folder in folders]
    assert {manifest["profile"] for manifest in manifests} == {profile}
    assert {manifest["status"] for manifest in manifests} == {"trained"}
    assert record.commit == manifests[0]["git"]["commit"]
    # Runs of earlier versions have their base in resolved.yaml alone.
    assert record.base == manifests[0].get("base", record.base)
    assert record.base_origin == manifests[0].get("base_origin")
    assert record.machine == Hardware.model_validate(manifests[0]["hardware"])
    parts = [one for manifest in manifests for one in (manifest["pipeline"] or [manifest])]
    assert record.training_seconds == pytest.approx(sum(one["seconds"].get("train", 0) for one in parts), abs=0.1)
    if not record.members:
        assert record.identity == manifests[0]["identity"]
        summary = json.loads((folders[0] / "eval" / "summary.json").read_bytes())
        if not record.start:
            assert record.result.model_dump(mode="json") == summary["results"][0]
        assert record.result.tuned.model_dump(mode="json") == summary["results"][0]["tuned"]
        assert (record.rows, record.result.figure) == (summary["rows"], summary["main"])


def test_a_record_becomes_a_row_a_verdict_and_the_commands_that_repeat_it(tmp_path: Path) -> None:
    store("tiny", RecipeRecord.model_validate(RECORD), tmp_path)
    page = render_results(tmp_path)
    assert list_rows(page, "tiny")["robot-lora"] == (
        "| `robot-lora` | exact | 200, of 577 rows | 0.000 | 0.800 [0.739, 0.850] | +0.800 [0.745, 0.855] | <0.001 "
        "| 7:10 | - | 1.4 GiB |"
    )
    assert "- Base: `models/tiny-base`." in page
    assert "- Machine: AMD EPYC, 2 cores, 23.5 GiB of memory, no GPU." in page
    assert "- Better than the base: 1 of 1.\n" in page
    # Of 200 rows all have the figure, and the difference has a p-value below 0.001.
    verdict = "the difference of +80.0 points [74.5, 85.5] is unlikely if the two were alike (p < 0.001)."
    said = f"exact (all is right): tuned 80.0 % [73.9, 85.0], base 0.0 % [0.0, 1.9]; {verdict}"
    assert f"- `robot-lora`: {said}" in page
    assert (
        "| `robot-lora` | robot-lora-20261129-024408, identity 9dee18d1690bdb96, commit 632103697b | 2026-11-29 "
        "| `make train RECIPE=robot-lora PROFILE=tiny`, `make eval RUN=robot-lora` |"
    ) in page
    assert list_rows(page, "small")["robot-lora"].startswith("| `robot-lora` | not run yet | |")


def test_a_figure_of_the_last_stage_alone_is_beside_that_of_the_stage_before(tmp_path: Path) -> None:
    store("tiny", RecipeRecord.model_validate({**RECORD, "start": "sft"}), tmp_path)
    page = render_results(tmp_path)
    assert "| 0.000 (sft) | 0.800 [0.739, 0.850] |" in list_rows(page, "tiny")["robot-lora"]
    assert "tuned 80.0 % [73.9, 85.0], stage sft 0.0 % [0.0, 1.9]; the difference" in page


def test_a_record_of_an_earlier_version_has_the_words_of_today(tmp_path: Path) -> None:
    earlier = {**RECORD, "verdict": "in the words of then"}
    store("tiny", RecipeRecord.model_validate(earlier), tmp_path)
    assert "the words of then" not in render_results(tmp_path)


@pytest.mark.parametrize(("low", "high", "less"), [(-0.1, 0.2, False), (-0.3, -0.1, False), (0.1, 0.3, True)])
def test_what_does_not_win_is_named(tmp_path: Path, low: float, high: float, less: bool) -> None:
    difference = {**RECORD["result"]["difference"], "low": low, "high": high}
    result = {**RECORD["result"], "difference": difference, "less_is_better": less}
    store("tiny", RecipeRecord.model_validate({**RECORD, "result": result}), tmp_path)
    page = render_results(tmp_path)
    assert "- Better than the base: 0 of 1; not shown to be better: `robot-lora`.\n" in page


def test_a_failure_has_its_row_with_the_reason(tmp_path: Path) -> None:
    store("small", Failure(recipe="traits", date="2026-11-29", reason="no room | left"), tmp_path)
    assert list_rows(render_results(tmp_path), "small")["traits"] == (
        "| `traits` | failed on 2026-11-29: no room \\| left | | | | | | | | |"
    )
