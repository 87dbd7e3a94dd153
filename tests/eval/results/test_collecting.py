"""A recipe's record: of one run, of a run with stages, of a fleet with and without a vote."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.report.stage_summary import StageSummary, summarise_section
from eval.results.collecting import collect
from eval.results.trained import TrainedModel, TrainedRecipe
from eval.scoring.summary import Summary
from recipebook import project
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.resolve import resolve
from recipebook.run.manifest import StageEntry
from recipebook.run.rundir import Run
from recipebook.train.opening import dump_recipe
from tests.eval.conftest import CONDITIONS, add_evaluation

MakeRun = Callable[..., Run]
HALF = ["right"] * 5 + ["no"] * 5
ALL = ["right"] * 10


def change(run: Run, **fields: Any) -> Run:
    run.write(run.read().model_copy(update={"base": "models/tiny-base", "seconds": {"train": 7.0}, **fields}))
    return run


def take(*runs: Run, fleet: str | None = None, vote: bool = False) -> TrainedRecipe:
    models = [TrainedModel(run, Evaluation(), f"m{at}") for at, run in enumerate(runs)]
    return TrainedRecipe("robot", "tiny", tuple(models), fleet, vote)


def test_a_run_has_the_main_figure_of_its_summary_and_the_commands_that_repeat_it(make_run: MakeRun) -> None:
    run = change(make_run(HALF), memory_gib=1.4, git={"commit": "c0ffee", "dirty": True}, base_origin="hub, x")
    record = collect(take(run), 12.5)
    assert (record.run, record.members, record.identity) == (run.name, (), "i")
    assert (record.commit, record.changed, record.date) == ("c0ffee", True, "2026-11-20")
    assert (record.base, record.base_origin) == ("models/tiny-base", "hub, x")
    assert (record.rows, record.drawn, record.result.figure, record.result.tuned.mean) == (10, None, "exact", 0.5)
    assert (record.training_seconds, record.evaluation_seconds, record.memory_gib) == (7.0, 12.5, 1.4)
    assert record.commands == ("make train RECIPE=robot PROFILE=tiny", "make eval RUN=robot")


def test_a_run_of_an_earlier_version_has_its_base_in_the_resolved_recipe(make_run: MakeRun) -> None:
    run = change(make_run(HALF), base=None)
    (run.folder / "resolved.yaml").write_text(dump_recipe(resolve("robot-lora", "tiny").recipe))
    record = collect(take(run), None)
    assert (record.base, record.base_origin, record.memory_gib) == ("models/tiny-base", None, None)


def test_stages_have_the_sum_of_their_times_and_the_most_of_their_memory(make_run: MakeRun) -> None:
    entries = tuple(
        StageEntry(
            name=name,
            kind="train",
            start="base",
            identity="s",
            inputs={},
            seconds={"train": seconds},
            memory_gib=memory,
        )
        for name, seconds, memory in (("sft", 30.0, 2.5), ("dpo", 12.0, 1.5))
    )
    record = collect(take(change(make_run(HALF), pipeline=entries, memory_gib=1.5)), None)
    assert (record.training_seconds, record.memory_gib) == (42.0, 2.5)


def test_a_last_stage_with_metrics_of_its_own_is_compared_with_the_stage_before(make_run: MakeRun) -> None:
    run = change(make_run(ALL))
    start = run.folder / "eval" / "rl" / "sft"
    add_evaluation(start, HALF, CONDITIONS)
    folders = {"sft": start, "rl": run.folder / "eval"}
    summaries = {
        name: Summary.model_validate_json((one / "summary.json").read_bytes()) for name, one in folders.items()
    }
    stages = StageSummary(sections=(summarise_section("rl", folders, summaries),))
    (run.folder / "eval" / "stages.json").write_text(stages.model_dump_json())
    whole = take(run)
    last = replace(whole, models=(replace(whole.models[0], stage="rl"),))
    with_stage, without = collect(last, None), collect(whole, None)
    assert (with_stage.start, without.start) == ("sft", None)
    means = [(one.result.base and one.result.base.mean, one.result.tuned.mean) for one in (with_stage, without)]
    assert means == [(0.5, 1.0), (0.0, 1.0)]
    assert with_stage.result.difference is not None
    assert with_stage.result.difference.mean == 0.5


def test_a_fleet_has_the_figure_of_all_its_members(make_run: MakeRun) -> None:
    runs = [change(make_run(HALF), identity="a"), change(make_run(ALL), identity="b")]
    record = collect(take(*runs, fleet="robot"), None)
    assert (record.run, record.members) == ("robot", (runs[0].name, runs[1].name))
    assert (record.rows, record.result.tuned.mean, record.training_seconds) == (20, 0.75, 14.0)
    again = 'make eval RUN=robot SET="eval.part=test"'
    assert record.commands == ("make train RECIPE=robot PROFILE=tiny LIMIT=3", again)


def test_a_fleet_that_votes_has_the_figure_of_its_vote(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project, "RUNS", tmp_path)
    runs, vote = [change(make_run(HALF)), change(make_run(HALF))], make_run(ALL)
    (tmp_path / "robot").mkdir()
    vote.folder.rename(tmp_path / "robot" / "vote")
    record = collect(take(*runs, fleet="robot", vote=True), None)
    assert (record.run, record.rows, record.result.tuned.mean) == ("robot/vote", 10, 1.0)
