"""The ledger of evaluations counts test sets over all runs, also those that are gone."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from eval.report.notes import format_looks, list_notes
from eval.scoring.figures import Figure
from eval.scoring.looks import LEDGER, Looks, find_ledger, note_look
from eval.scoring.summary import summarise
from recipebook.run.rundir import Run
from recipebook.run.stage_run import StageRun
from tests.eval.scoring.test_summary import PREDICTIONS, TUNED

NOW = "2026-11-29T19:04:46+00:00"


def test_evaluations_of_a_test_set_and_its_models_are_counted(tmp_path: Path) -> None:
    ledger = tmp_path / LEDGER
    assert note_look(ledger, "a", "run 1", None, NOW) == Looks(evaluations=1, models=1)
    assert note_look(ledger, "a", "run 1", None, NOW) == Looks(evaluations=2, models=1)
    assert note_look(ledger, "a", "run 1", 500, NOW) == Looks(evaluations=3, models=2)
    assert note_look(ledger, "b", "run 1", None, NOW) == Looks(evaluations=1, models=1)
    assert note_look(ledger, "a", "run 2", None, NOW) == Looks(evaluations=4, models=3)
    assert json.loads(ledger.read_text().splitlines()[2]) == {
        "records": "a",
        "run": "run 1",
        "checkpoint": 500,
        "time": NOW,
    }


def test_a_model_in_place_of_the_tuned_one_is_a_model_of_its_own(tmp_path: Path) -> None:
    ledger = tmp_path / LEDGER
    note_look(ledger, "a", "run 1", None, NOW)
    assert note_look(ledger, "a", "run 1", None, NOW, "robot-int8") == Looks(evaluations=2, models=2)
    assert note_look(ledger, "a", "run 1", None, NOW, "robot-fp8") == Looks(evaluations=3, models=3)
    assert note_look(ledger, "a", "run 1", None, NOW, "robot-int8") == Looks(evaluations=4, models=3)


def test_lines_that_were_cut_off_or_edited_harm_no_other(tmp_path: Path) -> None:
    ledger = tmp_path / LEDGER
    note_look(ledger, "a", "run 1", None, NOW)
    ledger.write_text(ledger.read_text() + '[]\n"a"\n{"records": "a", "run": ["x"]}\n{"records": "a", "ru')
    assert note_look(ledger, "a", "run 2", None, NOW) == Looks(evaluations=3, models=3)
    assert note_look(ledger, "a", "run 3", None, NOW) == Looks(evaluations=4, models=4)


def test_evaluations_that_end_together_are_all_counted(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda at: note_look(tmp_path / LEDGER, "a", f"run {at}", None, NOW), range(40)))
    assert sorted(one.models for one in found) == [*range(1, 41)]


def test_members_and_stages_are_counted_where_all_runs_are(tmp_path: Path, start_run: Callable[..., Run]) -> None:
    run = start_run()
    member = Run(tmp_path / "fleet" / "one-20261129-120000", "fleet")
    assert {find_ledger(one) for one in (run, member, StageRun(run, "sft"))} == {tmp_path / LEDGER}


def test_the_note_says_what_many_models_do_to_a_p_value() -> None:
    assert format_looks(Looks(evaluations=1, models=1)) == "this test set was evaluated once, with this model alone"
    assert format_looks(Looks(evaluations=3, models=1)) == "this test set was evaluated 3 times, with this model alone"
    assert format_looks(Looks(evaluations=12, models=7)) == (
        "this test set was evaluated 12 times, with 7 models: if this one was chosen by that, p must be below 0.0071 "
        "in place of 0.05, and its figure looks too good"
    )


def test_a_report_has_the_note_where_test_rows_were_counted() -> None:
    figures = {"exact": Figure(explanation="all right", binary=True)}
    summary = summarise(PREDICTIONS, TUNED, None, figures, [], 42, None)
    looks = Looks(evaluations=12, models=7)
    (note,) = set(list_notes(summary.model_copy(update={"looks": looks}))) - set(list_notes(summary))
    assert note == format_looks(looks)
