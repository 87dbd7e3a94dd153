"""Frames of runs and of losses: every state that a run's folder may be in, and the figures that its files hold."""

import math
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from recipebook import frames
from recipebook.errors import UserError
from recipebook.run import rundir
from recipebook.run.manifest import Attempt, StageEntry
from tests.recipebook.frames.making import answer, evaluate, write_lines, write_run

EARLIER = Path(__file__).parents[1] / "run" / "earlier"


def read_row(folder: Path, run: str) -> dict[str, Any]:
    """A run's row, without the columns in which it has no value."""
    frame = frames.runs(folder)
    (row,) = frame[frame["run"] == run].to_dict("records")
    return {name: value for name, value in row.items() if frame.loc[frame["run"] == run, name].notna().all()}


def list_dtypes(schema: Any) -> list[tuple[str, str]]:
    return [(column.name, column.dtype) for column in schema.columns]


def test_without_runs_the_frame_is_empty_and_has_its_dtypes(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        frame = frames.runs(folder)
        assert len(frame) == 0
        assert [(name, str(dtype)) for name, dtype in frame.dtypes.items()] == list_dtypes(frames.RUNS)


def test_a_trained_and_evaluated_run_has_what_its_files_say(tmp_path: Path) -> None:
    run = write_run(
        tmp_path,
        "robot-1",
        profile="tiny",
        created="2026-11-21T09:30:00+01:00",
        base="models/tiny-base",
        git={"commit": "c0ffee", "dirty": True},
        rows={"train": 80, "validation": 0, "test": 4},
        attempts=(Attempt(started="", seconds=10.5), Attempt(started="", seconds=2.0), Attempt(started="")),
        final_loss=0.25,
        diagnosis="good: training loss 0.25 at the end",
        memory_gib=1.5,
    )
    (run.folder / "progress.json").write_text('{"phase": "saving", "step": 60, "steps": 60}')
    # Three of four are right, and the base never is: McNemar's test has 3 against 0, and is exact.
    evaluate(run, [answer(number, said) for number, said in enumerate(["right", "right", "no", "Right"])])
    row = read_row(tmp_path, "robot-1")
    low, high = row.pop("tuned_low"), row.pop("tuned_high")
    # Clopper and Pearson's interval of 3 in 4: of binomials with these shares, 2.5 % have 3 or more, and 3 or fewer.
    assert (low, high) == (pytest.approx(0.1941, abs=1e-4), pytest.approx(0.9937, abs=1e-4))
    assert row.pop("p_adjusted") == pytest.approx(2 / 2**3)
    assert row == {
        "run": "robot-1", "recipe": "robot", "profile": "tiny", "status": "trained",
        "created": datetime(2026, 11, 21, 8, 30, tzinfo=UTC), "base": "models/tiny-base", "identity": "i",
        "commit": "c0ffee", "dirty": True, "train_rows": 80, "validation_rows": 0, "test_rows": 4, "attempts": 3,
        "seconds": 12.5, "step": 60, "steps": 60, "final_loss": 0.25, "verdict": "good",
        "diagnosis": "good: training loss 0.25 at the end", "memory_gib": 1.5, "figure": "exact", "rows": 4,
        "tuned": 0.75, "base_mean": 0.0, "difference": 0.75,
    }  # fmt: skip


def test_runs_that_are_not_trained_say_why(tmp_path: Path) -> None:
    write_run(tmp_path, "failed-1", status="failed", reason="no room", profile="gpu")
    write_run(tmp_path, "killed-1", status="training")
    held = write_run(tmp_path, "held-1", status="training")
    lock = held.lock()
    write_run(tmp_path, "broken-1").folder.joinpath("manifest.json").write_text("{}")
    half = write_run(tmp_path, "half-1")
    (half.folder / "eval").mkdir()
    (half.folder / "eval" / "summary.json").write_text("{")
    write_run(tmp_path, "timeless-1", created="yesterday")
    found = {row["run"]: row for row in frames.runs(tmp_path).to_dict("records")}
    assert {name: row["status"] for name, row in found.items()} == {
        "failed-1": "failed", "killed-1": "killed", "held-1": "training", "broken-1": "unreadable",
        "half-1": "trained", "timeless-1": "unreadable",
    }  # fmt: skip
    assert found["failed-1"]["reason"] == "no room"
    assert found["broken-1"]["reason"] == f"{tmp_path}/broken-1/manifest.json: identity: Field required"
    assert found["half-1"]["reason"].startswith(f"{tmp_path}/half-1/eval/summary.json: Invalid JSON")
    assert found["half-1"]["reason"].endswith("; make eval RUN=half-1")
    assert found["timeless-1"]["reason"] == f"{tmp_path}/timeless-1/manifest.json: created: 'yesterday' is no time"
    assert lock > 0


def test_members_and_the_vote_of_a_fleet_have_rows(tmp_path: Path) -> None:
    write_run(tmp_path, "joy-1", "traits", member="joy", recipe="traits")
    write_run(tmp_path, "vote", "traits", status="done", recipe="traits", voters=("traits/joy-1",))
    frame = frames.runs(tmp_path).set_index("run")
    assert frame.loc["traits/joy-1", ["fleet", "member", "status"]].tolist() == ["traits", "joy", "trained"]
    assert frame.loc["traits/vote", ["fleet", "status"]].tolist() == ["traits", "done"]


def test_an_older_manifest_is_read_as_todays(tmp_path: Path) -> None:
    name = "robot-lora-20261128-230031"
    shutil.copytree(EARLIER / name, tmp_path / name)
    row = read_row(tmp_path, name)
    diagnosis = row.pop("diagnosis")
    assert diagnosis.startswith("excellent: training loss 0.01 at the")
    assert row["identity"] == rundir.find(name, tmp_path).read().identity != "e5bebbc79ee919e5"
    assert {key: row[key] for key in ("created", "commit", "dirty", "train_rows", "attempts", "seconds")} == {
        "created": datetime(2026, 11, 28, 23, 0, 31, tzinfo=UTC),
        "commit": "c49d64197772aba64ea785a82f6b569dad1d2832",
        "dirty": False,
        "train_rows": 4839,
        "attempts": 1,
        "seconds": 1235.39,
    }
    assert (row["verdict"], row["final_loss"], "base" in row) == ("excellent", 0.002428600564599037, False)


def test_a_word_that_is_no_verdict_of_today_stays_in_the_diagnosis(tmp_path: Path) -> None:
    write_run(tmp_path, "old-1", diagnosis="splendid: nothing to say")
    row = read_row(tmp_path, "old-1")
    assert "verdict" not in row
    assert row["diagnosis"] == "splendid: nothing to say"


def test_losses_are_what_the_trainer_logged_a_row_for_each_step(tmp_path: Path) -> None:
    run = write_run(tmp_path, "robot-1", status="interrupted")
    (run.folder / "metrics.jsonl").write_text(
        '{"step": 0, "eval_loss": 3.5}\n'
        '{"step": 10, "epoch": 0.5, "loss": 2.5, "grad_norm": 1, "learning_rate": 0.001}\n'
        '{"step": 20, "epoch": 1.0, "loss": NaN, "rewards/margins": 0.25, "kind": "odd"}\n'
        '{"step": 20, "epoch": 1.0, "eval_loss": 1.5}\n'
        '{"step": 10, "epoch": 0.5, "loss": 2.25}\n'
        '{"step": 30, "lo'
    )
    frame = frames.losses("robot-1", tmp_path)
    assert [(name, str(dtype)) for name, dtype in frame.dtypes.items()] == [
        *list_dtypes(frames.LOSSES), ("kind", "string"), ("rewards/margins", "Float64"),
    ]  # fmt: skip
    assert (frame["run"].unique().tolist(), frame["step"].tolist()) == (["robot-1"], [0, 10, 20])
    # Step 10 was trained again after a resume; the loss at step 20 is not a number, and at step 0 there is none.
    assert frame["loss"].isna().tolist() == [True, False, False]
    assert frame["loss"][1] == 2.25 and math.isnan(frame["loss"][2])
    assert frame["grad_norm"].dropna().tolist() == [1.0]
    assert frame["eval_loss"].dropna().tolist() == [3.5, 1.5]
    assert (frame["rewards/margins"][2], frame["kind"][2]) == (0.25, "odd")


def test_losses_of_a_run_of_stages_name_the_stage(tmp_path: Path) -> None:
    entries = [
        StageEntry(name=name, kind="train", start="base", identity="i", inputs={}, status=status)
        for name, status in (("sft", "trained"), ("dpo", "training"), ("last", "waiting"))
    ]
    run = write_run(tmp_path, "dial-1", status="training", pipeline=tuple(entries))
    write_lines(run.folder / "stages" / "sft" / "metrics.jsonl", [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}])
    write_lines(run.folder / "stages" / "dpo" / "metrics.jsonl", [{"step": 1, "loss": 0.5}])
    (run.folder / "metrics.jsonl").symlink_to("stages/sft/metrics.jsonl")
    frame = frames.losses("dial-1", tmp_path)
    assert [*zip(frame["stage"], frame["step"], frame["loss"], strict=True)] == [
        ("sft", 1, 2.0), ("sft", 2, 1.0), ("dpo", 1, 0.5),
    ]  # fmt: skip


def test_losses_of_a_fleet_are_those_of_its_trained_members(tmp_path: Path) -> None:
    for member, status, loss in (("joy", "trained", 0.5), ("awe", "trained", 0.75), ("fear", "failed", 9.0)):
        run = write_run(tmp_path, f"{member}-1", "traits", member=member, status=status)
        write_lines(run.folder / "metrics.jsonl", [{"step": 1, "loss": loss}])
    frame = frames.losses("traits", tmp_path)
    assert [*zip(frame["run"], frame["member"], frame["loss"], strict=True)] == [
        ("traits/awe-1", "awe", 0.75), ("traits/joy-1", "joy", 0.5),
    ]  # fmt: skip


def test_losses_of_a_run_that_logged_nothing_are_an_empty_frame(tmp_path: Path) -> None:
    write_run(tmp_path, "robot-1", status="prepared")
    frame = frames.losses("robot-1", tmp_path)
    assert [(name, str(dtype)) for name, dtype in frame.dtypes.items()] == list_dtypes(frames.LOSSES)
    assert len(frame) == 0


def test_a_name_of_no_run_is_refused_with_the_names_that_there_are(tmp_path: Path) -> None:
    write_run(tmp_path, "robot-1")
    with pytest.raises(UserError, match="no run 'robto' in runs/; it has runs of: robot"):
        frames.losses("robto", tmp_path)
