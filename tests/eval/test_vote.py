"""What the members of a fleet elect, and where it is found."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.scoring.predictions import Prediction
from eval.vote import choose_reader, elect, evaluate_vote
from recipebook import project
from recipebook.errors import UserError
from recipebook.recipe.resolve import resolve
from recipebook.run import rundir
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import Run

MakeRun = Callable[..., Run]
ROBOT = resolve("robot-ensemble", "tiny").recipe
TEXT = ROBOT.model_copy(update={"eval": ROBOT.eval.model_copy(update={"metrics": {"text": {}}, "slices": ()})})


def answer(text: str) -> Prediction:
    return Prediction(id="1", reference="robot.stop()", prediction=text, meta={"category": "safety"})


def elect_text(*texts: str) -> tuple[str, object]:
    one = elect([answer(text) for text in texts], choose_reader(ROBOT))
    return one.prediction, one.meta["votes"]


def test_calls_that_mean_the_same_are_votes_for_the_same() -> None:
    said = ("robot.stop()", "robot.turn(direction='left', angle=90)", 'robot.turn("left", 90.0)')
    assert elect_text(*said) == ("robot.turn(direction='left', angle=90)", "2 of 3")


def test_between_as_many_votes_the_first_member_decides() -> None:
    assert elect_text("robot.stop()", "robot.turn('left', 90)", "robot.turn('left', 45)") == ("robot.stop()", "1 of 3")


def test_what_is_no_call_has_no_vote_unless_nothing_is_one() -> None:
    assert elect_text("Sure!", "Sure!", "robot.stop()") == ("robot.stop()", "1 of 3")
    assert elect_text("Sure!", "Of course!", "Sure!") == ("Sure!", "0 of 3")


def test_the_order_of_calls_counts() -> None:
    one, other = "robot.stop(); robot.turn('left', 90)", "robot.turn('left', 90); robot.stop()"
    assert elect_text(one, other, other) == (other, "2 of 3")


def test_without_a_metric_that_reads_calls_the_text_is_what_is_voted_on() -> None:
    one = elect([answer("a"), answer(" b"), answer("b ")], choose_reader(TEXT))
    assert (one.prediction, one.meta) == (" b", {"category": "safety", "votes": "2 of 3"})


@given(st.lists(st.sampled_from(["robot.stop()", "robot.stop( )", "robot.scan()", "?"]), min_size=1, max_size=9))
def test_what_is_elected_was_said_and_no_readable_answer_has_more_votes(said: list[str]) -> None:
    text, votes = elect_text(*said)
    stops, scans = said.count("robot.stop()") + said.count("robot.stop( )"), said.count("robot.scan()")
    assert text in said
    assert votes == f"{max(stops, scans)} of {len(said)}"


@pytest.fixture
def members(make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Run, Manifest]]:
    """Three members of the fleet `three`, of which two are right in each row."""
    monkeypatch.setattr(project, "RUNS", tmp_path)
    said = (["right", "right", "no"], ["right", "no", "right"], ["no", "right", "right"])
    (tmp_path / "three").mkdir()
    runs = [make_run(answers) for answers in said]
    return [(run, run.read()) for run in runs]


def test_a_vote_is_evaluated_like_a_run_and_names_its_voters(
    members: list[tuple[Run, Manifest]], tmp_path: Path
) -> None:
    summary = evaluate_vote("three", members, TEXT)
    assert (summary.headline.tuned.mean, summary.rows) == (1.0, 3)
    assert [(part.field, part.value) for part in summary.slices] == [("votes", "2 of 3")]
    run = rundir.find("three/vote", tmp_path)
    assert run.read().voters == tuple(run.name for run, _ in members)
    assert run.read().status == "done"
    page = (run.folder / "eval" / "report.html").read_text()
    assert (
        "2 of 3" in page
        and f"The answers that most of these members gave: {', '.join(run.name for run, _ in members)}." in page
    )
    assert json.loads((run.folder / "eval" / "predictions.jsonl").read_text().splitlines()[2])["prediction"] == "right"


def test_members_that_were_asked_other_rows_cannot_vote_together(
    members: list[tuple[Run, Manifest]], make_run: MakeRun
) -> None:
    other = make_run(["right"] * 3, conditions={"test set": "t2"})
    with pytest.raises(UserError, match="cannot vote together: they differ in test set"):
        evaluate_vote("three", [*members, (other, other.read())], TEXT)


def test_one_member_alone_cannot_vote(members: list[tuple[Run, Manifest]]) -> None:
    with pytest.raises(UserError, match="nobody to vote with"):
        evaluate_vote("three", members[:1], TEXT)
