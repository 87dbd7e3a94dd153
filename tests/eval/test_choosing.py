"""A model is chosen on validation rows: a checkpoint, or a member of a sweep, which test rows then judge once."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.evaluate import evaluate_run
from eval.evaluate_fleet import evaluate_fleet
from eval.opening import prefer_validation
from recipebook.fleet.table import read_figure
from recipebook.run.rundir import Run
from tests.eval.adapter_runs import make_run, write_recipe
from tests.recipebook.recipe.making import keep_apart


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Data, runs, caches and a base of the tests' own."""
    folder = tmp_path_factory.mktemp("choosing")
    with pytest.MonkeyPatch.context() as patch:
        keep_apart(patch, folder)
        write_recipe(folder)
        yield folder


@pytest.fixture(scope="module")
def members(folder: Path) -> list[Run]:
    """Two members that differ in a setting besides the seed."""
    runs = [make_run(folder, name, seed) for seed, name in enumerate(("one", "two"), 1)]
    for seed, run in enumerate(runs):
        text = (run.folder / "resolved.yaml").read_text()
        (run.folder / "resolved.yaml").write_text(text.replace("epochs: 3", f"epochs: {seed + 1}"))
    return runs


def count_looks(folder: Path) -> list[str]:
    ledger = folder / "runs" / "evaluations.jsonl"
    return [json.loads(line)["run"] for line in ledger.read_text().splitlines()] if ledger.is_file() else []


def test_of_a_sweep_only_the_member_that_is_chosen_is_evaluated_on_test_rows(
    folder: Path, members: list[Run], capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate_fleet("fleet", [(run, run.read()) for run in members], ()) == 0
    tested = [run for run in members if (run.folder / "eval" / "summary.json").is_file()]
    assert all((run.folder / "eval" / "validation" / "summary.json").is_file() for run in members)
    assert len(tested) == 1 and count_looks(folder) == [tested[0].read().run]
    said = capsys.readouterr().out
    assert 'note      a choice is made on validation rows; SET="eval.part=test" evaluates test rows' in said
    assert f"chosen    {tested[0].name}, the best of 2 on validation rows" in said
    (other,) = [run for run in members if run is not tested[0]]
    assert read_figure(other.folder).endswith(" on validation")
    assert read_figure(tested[0].folder).startswith("exact: ") and "validation" not in read_figure(tested[0].folder)


def test_whoever_names_the_part_has_it_for_all_members(members: list[Run]) -> None:
    evaluate_fleet("fleet", [(run, run.read()) for run in members], ["eval.part=test"])
    assert all((run.folder / "eval" / "summary.json").is_file() for run in members)


def test_a_checkpoint_is_evaluated_on_validation_rows(members: list[Run]) -> None:
    model, lines = members[0].folder / "model", list[str]()
    shutil.copytree(model, members[0].folder / "kept")
    (members[0].folder / "kept").rename(model / "checkpoint-5")
    (model / "checkpoint-5" / "trainer_state.json").write_text("{}")
    (model / "checkpoint-5" / "optimizer.pt").symlink_to(make_zip(model))
    where, summary = evaluate_run(members[0], (), checkpoint=5, tell=lines.append)
    assert where == members[0].folder / "eval" / "validation" / "checkpoint-5"
    assert summary.asked and summary.asked.part == "validation" and summary.looks is None
    assert any(line.startswith("note      a choice is made on validation rows") for line in lines)


def make_zip(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder.parent / "optimizer"), "zip", folder, "adapter_config.json"))


def test_without_validation_rows_test_rows_are_evaluated_and_it_is_said(members: list[Run]) -> None:
    run = members[1]
    run.write(run.read().model_copy(update={"rows": {"train": 30, "test": 7, "validation": 0}}))
    assert prefer_validation(run, ["eval.limit=3"]) == (
        ["eval.limit=3"],
        "no validation rows: whichever is chosen by these test rows looks better than it is",
    )
