"""Rewards and success of recorded sessions."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.records import Record
from recipebook.shell.recorded import SessionFigures, sum_sessions

ROOT = Path(__file__).parents[3]


def session(outcome: str, status: str = "completed") -> dict[str, object]:
    return {"sample_status": status, "chat_history": {"value": []}, "evaluation_record": {"outcome": outcome}}


def test_reward_follows_the_outcome_and_not_the_status() -> None:
    values = [session("correct", "task_limit_reached"), session("incorrect"), session("unknown"), session("incorrect")]
    records = [("x.jsonl", Record(number, number, value)) for number, value in enumerate(values, 1)]
    assert sum_sessions(records) == SessionFigures(
        sessions=4, reward=0.0, success=0.25, outcomes={"correct": 1, "incorrect": 2, "unknown": 1},
        statuses={"task_limit_reached": 1, "completed": 3},
    )  # fmt: skip


def test_four_failures_and_a_success_have_a_mean_reward_of_minus_a_fifth() -> None:
    values = 4 * [session("incorrect", "task_limit_reached")] + [session("correct")]
    figures = sum_sessions(("runs.json", Record(number, 1, value)) for number, value in enumerate(values, 1))
    assert (figures.reward, figures.success) == (-0.2, 0.2)


def test_a_record_that_is_no_session_is_refused_with_its_place() -> None:
    with pytest.raises(UserError, match=r"x\.json:7: record 2: not a recorded session: sample_status: Field required"):
        sum_sessions([("x.json", Record(2, 7, {"input": "stop"}))])


def test_the_command_adds_up_all_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(session("correct")) + "\n")
    (tmp_path / "b.jsonl").write_text(f"{json.dumps(session('incorrect'))}\n" * 2)
    done = subprocess.run(
        [sys.executable, "-m", "recipebook", "score-sessions", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "sessions": 3, "reward": 0.0, "success": 1 / 3, "outcomes": {"correct": 1, "incorrect": 2},
        "statuses": {"completed": 3},
    }  # fmt: skip
