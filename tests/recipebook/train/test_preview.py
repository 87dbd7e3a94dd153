"""The plan's preview: what is printed of it, and what a look at the rows needs of the engine."""

from pathlib import Path
from typing import Any

import pytest

from recipebook.recipe.keys import Recipe
from recipebook.train.preview import Previewed, Unseen, needs_whole_engine, print_preview, run_previews
from tests.recipebook.train.making import find, see, write_recipe


def test_rows_without_loss_are_counted_after_they_are_cut(capsys: pytest.CaptureFixture[str]) -> None:
    found = see({"rows": 3, "lengths": (10, 40, 50), "trained": (5, 0, 0), "first_long": "x.jsonl#2"})
    print_preview(found, write_recipe(max_length=20, too_long="truncate"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:3] == [
        "          2 rows are longer: they would be cut (training.too_long)",
        "loss on   10% of the tokens; 2 rows without any, dropped",
    ]


def test_of_a_large_file_the_first_rows_are_measured_and_others_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    print_preview(see({"rows": 9, "others": (30, 40)}), write_recipe(max_length=20, too_long="drop"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("tokens    of the first 2 of 9 train rows: 50 %: 11,")
    assert lines[1] == "          2 rows are longer: they would be dropped (training.too_long)"
    assert lines[-1].startswith("text      2 of 4 rows pass:")


def test_findings_are_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    print_preview(see({"passed": 1, "findings": (find("end", 1), find("opening", 2, "opens"))}), write_recipe())
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "text      1 of 2 rows pass: evaluation asks as training writes, answers are whole and end",
        "          1 of 2 rows: is wrong (first: x.jsonl#2)",
        "          2 of 2 rows: opens (first: x.jsonl#2)",
    ]


@pytest.mark.parametrize(
    ("changes", "whole"),
    [
        ({}, False),
        ({"lora": {"r": 8}}, False),
        ({"lora": {"quantize": "4bit"}}, True),
        ({"axolotl": {"neftune_noise_alpha": 5}}, True),
        ({"training": {"optimizer": "muon"}}, True),
        ({"training": {"method": "mine"}}, True),
        ({"launch": {"strategy": "zero3"}}, False),
    ],
)
def test_what_axolotl_itself_must_check_needs_the_whole_engine(changes: dict[str, Any], whole: bool) -> None:
    recipe = Recipe.model_validate({**write_recipe().model_dump(exclude_unset=True), **changes})
    assert needs_whole_engine(recipe) == whole


def test_no_folder_starts_no_process() -> None:
    assert run_previews([]) == []


def test_a_folder_in_which_nothing_can_be_seen_has_the_reason(tmp_path: Path) -> None:
    (found,) = run_previews([Previewed(tmp_path, write_recipe())])
    assert isinstance(found, Unseen)
    assert found.certain
    assert found.text.startswith("FileNotFoundError: ")
    assert "axolotl.yaml" in found.text


def test_a_process_that_breaks_is_explained_by_its_log(tmp_path: Path) -> None:
    (tmp_path / "axolotl.yaml").write_text("a: b")
    (tmp_path / "preview.txt").mkdir()
    (found,) = run_previews([Previewed(tmp_path, write_recipe())])
    assert isinstance(found, Unseen)
    assert not found.certain
    assert found.text.startswith("IsADirectoryError: ")
