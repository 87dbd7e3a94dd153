"""A stage as a run: its entry in the run's manifest, and finished stages taken over from other runs."""

from datetime import datetime
from pathlib import Path

import pytest

from recipebook.hardware import Hardware
from recipebook.run import rundir
from recipebook.run.manifest import Attempt, Manifest, StageEntry, Status
from recipebook.run.rundir import Run
from recipebook.run.stage_run import StageRun, link_final, list_trained, settle

NAMES = ("sft", "dpo")


def make_run(folder: Path, second: int = 5) -> Run:
    run = rundir.create("x", datetime(2026, 11, 20, 12, 0, second), folder)
    entries = [StageEntry(name=name, kind="train", start="base", identity=f"{name}-1", inputs={}) for name in NAMES]
    run.write(
        Manifest(
            run=run.name, recipe="x", status="prepared", identity="i", created="c", profile=None, overrides=(),
            git={}, versions={}, hashes={}, account={}, rows={}, command=(), environment={}, pipeline=tuple(entries),
            hardware=Hardware(gpus=(), cpu="c", cores=2, memory_gib=8),
        )
    )  # fmt: skip
    return run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path)


def end(stage: StageRun, status: Status, reason: str | None = None) -> None:
    found = {"status": status, "reason": reason, "attempts": (Attempt(started="s", seconds=2.0),), "final_loss": 0.5}
    stage.write(stage.read().model_copy(update=found))


def test_a_stage_reads_and_writes_its_entry_as_a_manifest(run: Run) -> None:
    end(StageRun(run, "sft"), "trained")
    first, second = run.read().pipeline
    assert (first.status, first.final_loss, first.identity) == ("trained", 0.5, "sft-1")
    assert (second.status, second.final_loss) == ("waiting", None)
    assert StageRun(run, "sft").read().run == f"{run.name}/sft"
    assert StageRun(run, "dpo").read().attempts == ()


def test_the_run_tells_what_its_stages_come_to(run: Run) -> None:
    end(StageRun(run, "sft"), "trained")
    end(StageRun(run, "dpo"), "failed", "the loss is not finite")
    told = run.read()
    assert (told.status, told.reason) == ("failed", "dpo: the loss is not finite")
    assert [attempt.seconds for attempt in told.attempts] == [2.0, 2.0]
    assert settle(run, "dpo: not run yet").status == "interrupted"
    end(StageRun(run, "dpo"), "trained")
    assert (settle(run, None).status, run.read().final_loss) == ("trained", 0.5)


def test_a_stage_is_taken_over_by_hard_links(run: Run, tmp_path: Path) -> None:
    stage = StageRun(run, "sft")
    (stage.folder / "model").mkdir(parents=True)
    (stage.folder / "model" / "adapter.bin").write_bytes(b"weights")
    (stage.folder / "start").symlink_to(Path("..", "base", "model"))
    end(stage, "trained")
    other = make_run(tmp_path, 6)
    taken = StageRun(other, "sft")
    taken.folder.mkdir(parents=True)
    (taken.folder / "left-by-a-kill").touch()
    taken.take_over(stage)
    assert sorted(path.name for path in taken.folder.iterdir()) == ["model", "start"]
    assert (taken.folder / "model" / "adapter.bin").samefile(stage.folder / "model" / "adapter.bin")
    assert (taken.folder / "start").readlink() == Path("..", "base", "model")
    entry = other.read().get_stage("sft")
    assert (entry.status, entry.taken_from, entry.attempts) == ("trained", run.name, ())


def test_the_runs_folder_shows_the_last_model(run: Run) -> None:
    for name in NAMES:
        (run.folder / "stages" / name / "model").mkdir(parents=True)
        end(StageRun(run, name), "trained")
        link_final(run, StageRun(run, name))
    assert (run.folder / "model").readlink() == Path("stages", "dpo", "model")
    assert [stage.name for stage in list_trained(run, run.read())] == ["sft", "dpo"]
