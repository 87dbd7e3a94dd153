"""Run folders: names, recognition, locks, checkpoints."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.run import rundir
from recipebook.run.rundir import Run
from tests.end_to_end.quick_engine import write_checkpoint

NOON = datetime(2026, 11, 20, 12, 0, 5)
StartRun = Callable[..., Run]


def test_a_run_is_named_by_recipe_and_time(tmp_path: Path) -> None:
    assert rundir.create("family/robot", NOON, tmp_path).name == "family-robot-20261120-120005"


def test_a_link_to_a_disk_that_is_not_there_is_no_empty_folder_of_runs(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    assert list(rundir.list_runs(runs)) == []
    runs.symlink_to(tmp_path / "disk")
    line = f"{runs} is a link to {tmp_path}/disk, which is not there; is its disk mounted?"
    for use in (lambda: list(rundir.list_runs(runs)), lambda: rundir.create("robot", NOON, runs)):
        with pytest.raises(UserError) as caught:
            use()
        assert str(caught.value) == line
    (tmp_path / "disk").write_text("")
    with pytest.raises(NotADirectoryError):
        list(rundir.list_runs(runs))


def test_two_runs_of_a_second_have_two_folders(tmp_path: Path) -> None:
    names = [rundir.create("robot", NOON, tmp_path).name for _ in range(2)]
    assert names == ["robot-20261120-120005", "robot-20261120-120005-2"]


def test_a_recipe_finds_its_newest_trained_run(tmp_path: Path, start_run: StartRun) -> None:
    start_run(12)
    newer = start_run(13)
    start_run(14, "failed")
    assert rundir.find("robot", tmp_path).name == newer.name


def test_an_unfinished_run_says_how_to_go_on(tmp_path: Path, start_run: StartRun) -> None:
    start_run(12, "interrupted")
    with pytest.raises(UserError, match="is interrupted: make train RECIPE=robot resumes it"):
        rundir.find("robot", tmp_path)


def test_a_failed_run_says_why_it_failed(tmp_path: Path, start_run: StartRun) -> None:
    run = start_run(12, "failed")
    run.write(run.read().model_copy(update={"reason": "the disk is full"}))
    wanted = r"is failed \(the disk is full\): once that is mended, make train RECIPE=robot resumes it"
    with pytest.raises(UserError, match=wanted):
        rundir.find("robot", tmp_path)


def test_an_unknown_run_names_the_known_recipes(tmp_path: Path, start_run: StartRun) -> None:
    start_run(12, "trained")
    with pytest.raises(UserError, match="no run 'robto' in runs/; it has runs of: robot"):
        rundir.find("robto", tmp_path)


def test_a_held_run_names_its_holder(start_run: StartRun) -> None:
    run = start_run(12, "training")
    assert not run.is_held()
    held = run.lock()
    assert run.is_held()
    with pytest.raises(UserError, match=f"is being trained by process {os.getpid()}"):
        run.lock()
    os.close(held)
    assert not run.is_held()


def test_only_whole_checkpoints_count_in_the_order_of_their_steps(start_run: StartRun) -> None:
    run = start_run(12, "failed")
    (run.folder / "model" / "checkpoint-120").mkdir(parents=True)
    for step in (100, 20):
        write_checkpoint(run.folder / "model" / f"checkpoint-{step}", step)
    assert run.drop_broken_checkpoints() == ["checkpoint-120: it has no trainer_state.json"]
    assert [path.name for path in run.checkpoints()] == ["checkpoint-20", "checkpoint-100"]


def test_a_broken_manifest_is_one_line(start_run: StartRun) -> None:
    run = start_run(12, "trained")
    (run.folder / "manifest.json").write_text('{"run": ')
    with pytest.raises(UserError) as caught:
        run.read()
    assert "manifest.json: Invalid JSON" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_broken_run_hides_no_other_of_its_recipe(tmp_path: Path, start_run: StartRun) -> None:
    whole = start_run(12)
    broken, bare = start_run(13), tmp_path / "bare"
    (broken.folder / "manifest.json").write_text("{")
    bare.mkdir()
    (bare / "manifest.json").mkdir()
    assert rundir.find("robot", tmp_path).name == whole.name
    with pytest.raises(UserError, match=r"bare/manifest\.json: cannot be read: Is a directory"):
        Run(bare).read()


@pytest.fixture
def add_member(tmp_path: Path, start_run: StartRun) -> Callable[[str, int], str]:
    """Adds a trained run of a member of the fleet `all`; its name."""

    def add(member: str, minute: int) -> str:
        run = start_run(minute=minute, recipe="all")
        run.write(run.read().model_copy(update={"member": member, "created": f"2026-11-20T12:0{minute}:05"}))
        (tmp_path / "all").mkdir(exist_ok=True)
        return Run(run.folder.rename(tmp_path / "all" / f"{member}-{minute}"), "all").name

    return add


def list_names(runs: Path) -> list[tuple[str | None, str]]:
    return [(manifest.member, run.name) for run, manifest in rundir.list_fleet("all", runs)]


def test_a_fleet_has_the_newest_run_of_each_member_or_the_one_that_was_noted(
    tmp_path: Path, add_member: Callable[[str, int], str]
) -> None:
    first, again, other = add_member("a", 1), add_member("a", 2), add_member("b", 3)
    assert list_names(tmp_path) == [("a", again), ("b", other)]
    rundir.name_members("all", ["a", "b"], whole=True, runs=tmp_path)
    assert list_names(tmp_path) == [("a", again), ("b", other)]
    rundir.note_members("all", {"a": first}, tmp_path)
    assert list_names(tmp_path) == [("a", first), ("b", other)]


def test_who_left_a_fleet_is_no_member_until_named_again(tmp_path: Path, add_member: Callable[[str, int], str]) -> None:
    runs = {member: add_member(member, minute) for minute, member in enumerate("abc", 1)}
    rundir.name_members("all", "abc", whole=True, runs=tmp_path)
    rundir.note_members("all", runs, tmp_path)
    rundir.name_members("all", "b", whole=True, runs=tmp_path)
    assert list_names(tmp_path) == [("b", runs["b"])]
    # A part of the fleet was asked for, which says nothing of the others.
    rundir.name_members("all", "a", whole=False, runs=tmp_path)
    assert list_names(tmp_path) == [("a", runs["a"]), ("b", runs["b"])]


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": 1}', "\\xff"])
def test_a_broken_list_of_members_is_refused_in_a_line(
    tmp_path: Path, add_member: Callable[[str, int], str], text: str
) -> None:
    add_member("a", 1)
    (tmp_path / "all" / "members.json").write_text(text)
    with pytest.raises(UserError, match=r"all/members\.json: .*; make train writes it anew if it is removed$"):
        list_names(tmp_path)


def test_a_run_may_be_given_its_folders_name_once(tmp_path: Path) -> None:
    assert rundir.create("robot", NOON, tmp_path, name="lower-rate").name == "lower-rate"
    with pytest.raises(UserError, match="lower-rate exists already; choose another name"):
        rundir.create("robot", NOON, tmp_path, name="lower-rate")


def test_a_named_run_is_the_same_or_refused(
    tmp_path: Path, start_run: StartRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rundir, "RUNS", tmp_path)
    run = start_run(12)
    found = rundir.find_same("i", run.name)
    assert found and found.folder == run.folder
    assert rundir.find_same("i", "new") is None
    with pytest.raises(UserError, match="is a run of another recipe, data or versions"):
        rundir.find_same("other", run.name)
