"""Stored results: one outcome a recipe, the newest, in a file that is whole or absent."""

from pathlib import Path

import pytest

from eval.results.records import Failure, ProfileRecords, list_measured, read_results, store
from recipebook.errors import UserError
from recipebook.recipe.resolve import resolve


def fail(recipe: str, reason: str = "r") -> Failure:
    return Failure(recipe=recipe, date="2026-11-29", reason=reason)


def test_an_outcome_takes_the_place_of_the_earlier_one_and_leaves_the_others(tmp_path: Path) -> None:
    for outcome in (fail("traits"), fail("robot-lora", "earlier"), fail("robot-lora", "now")):
        store("tiny", outcome, tmp_path)
    assert read_results("tiny", tmp_path) == ProfileRecords(
        profile="tiny", failures=(fail("robot-lora", "now"), fail("traits"))
    )
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.json"]


def test_nothing_is_found_of_a_recipe_that_was_not_run(tmp_path: Path) -> None:
    assert read_results("small", tmp_path).find("robot-lora") is None


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "tiny.json").write_text('{"profile": "tiny", "records": [{}]}')
    with pytest.raises(UserError, match=r"tiny\.json: .*records\.0\.recipe"):
        read_results("tiny", tmp_path)


def test_only_the_tiny_model_itself_has_no_figure() -> None:
    assert "tiny-base" not in list_measured()
    assert {"robot-lora", "robot-ensemble", "robot-curriculum", "trait"} <= {*list_measured()}


def test_a_recipe_whose_last_stage_alone_has_metrics_has_a_figure() -> None:
    assert not resolve("os-interaction-rl").recipe.eval.metrics
    assert "os-interaction-rl" in list_measured()
