"""The frame of the leaderboard: ranks, differences and runs without a place."""

from pathlib import Path

import pandas as pd
import pytest

from recipebook import frames
from recipebook.errors import UserError
from tests.recipebook.frames.making import CONDITIONS, answer, evaluate, write_run


def add(folder: Path, name: str, right: int, test_set: str = "t1") -> None:
    """A run of which so many of 20 answers are right."""
    lines = [answer(number, "right" if number < right else "no") for number in range(20)]
    evaluate(write_run(folder, name), lines, conditions={**CONDITIONS, "test set": test_set})


def test_without_runs_the_frame_is_empty_and_has_its_dtypes(tmp_path: Path) -> None:
    frame = frames.leaderboard(folder=tmp_path)
    stated = [(column.name, column.dtype) for column in frames.LEADERBOARD.columns]
    assert [(name, str(dtype)) for name, dtype in frame.dtypes.items()] == stated
    assert len(frame) == 0


def test_ranked_runs_come_first_then_those_alone_then_those_without_a_place(tmp_path: Path) -> None:
    add(tmp_path, "second", 15)
    add(tmp_path, "best", 16)
    add(tmp_path, "alone", 20, test_set="t2")
    write_run(tmp_path, "bare", status="failed")
    frame = frames.leaderboard("robot", tmp_path)
    stated = [(column.name, column.dtype) for column in frames.LEADERBOARD.columns]
    assert [(name, str(dtype)) for name, dtype in frame.dtypes.items()] == stated
    assert frame["run"].tolist() == ["best", "second", "alone", "bare"]
    assert frame["group"].tolist() == [1, 1, 2, pd.NA]
    assert frame["rank"].tolist() == [1, 2, pd.NA, pd.NA]
    assert frame["mean"].tolist() == [0.8, 0.75, 1.0, pd.NA]
    assert frame["rows"].tolist() == frame["defined"].tolist() == [20, 20, 20, pd.NA]
    assert frame["tied"].tolist() == [False, True, False, pd.NA]
    assert frame["figure"].tolist() == ["exact", "exact", "exact", pd.NA]
    assert frame["part"].tolist() == ["test rows"] * 3 + [pd.NA]
    assert frame["difference"].isna().tolist() == [True, False, True, True]
    assert frame["difference"][1] == pytest.approx(-0.05)
    # One row of 20 is worse and none is better: chi-squared 1 on one degree of freedom.
    assert frame["p"][1] == frame["p_adjusted"][1] == 1.0
    assert frame["optimism"].isna().tolist() == [False, True, True, True]
    assert (frame["low"][0], frame["high"][0]) == (pytest.approx(0.563, abs=5e-4), pytest.approx(0.943, abs=5e-4))
    assert frame["reason"].tolist() == [pd.NA] * 3 + ["bare is failed and not evaluated"]


def test_checkpoints_are_named_by_their_evaluation(tmp_path: Path) -> None:
    run = write_run(tmp_path, "robot-1")
    evaluate(run, [answer(1, "right")])
    evaluate(run, [answer(1, "no")], "checkpoint-500")
    frame = frames.leaderboard(folder=tmp_path)
    assert frame[["run", "evaluation"]].to_numpy().tolist() == [["robot-1", ""], ["robot-1", "checkpoint-500"]]


def test_an_unknown_recipe_is_refused_with_those_there_are(tmp_path: Path) -> None:
    add(tmp_path, "robot-1", 1)
    with pytest.raises(UserError, match="no run of recipe 'robto' in runs/; it has runs of: robot"):
        frames.leaderboard("robto", tmp_path)
