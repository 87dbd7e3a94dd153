"""Which run or stage a name stands for, and how a name of many models, or of none, is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.run.manifest import StageEntry, Status
from recipebook.run.model_run import find_evaluated_run, find_model_run, list_candidates
from recipebook.run.rundir import Run

StartRun = Callable[..., Run]


@pytest.fixture
def make_staged(start_run: StartRun) -> Callable[..., Run]:
    """Runs of three stages, of which the second trains nothing."""

    def make(last: Status = "trained", status: Status = "trained") -> Run:
        run = start_run(recipe="dial", status=status)
        stages: list[tuple[str, Status]] = [("sft", "trained"), ("pairs", "done"), ("dpo", last)]
        entries = tuple(
            StageEntry(name=name, kind="train", start="base", inputs={}, identity=name, status=each)
            for name, each in stages
        )
        run.write(run.read().model_copy(update={"pipeline": entries}))
        return run

    return make


def test_a_run_with_stages_stands_for_its_last_model(make_staged: Callable[..., Run], tmp_path: Path) -> None:
    run = make_staged()
    for query in (run.name, "dial"):
        assert find_model_run(query, tmp_path).read().run == f"{run.name}/dpo"
        assert find_evaluated_run(query, tmp_path).read().run == run.name


@pytest.mark.parametrize("above", ["dial", "dial-20261120-120005", "dial-20261120-120005/stages"])
def test_a_stage_is_named_behind_its_run_or_recipe(make_staged: Callable[..., Run], tmp_path: Path, above: str) -> None:
    run = make_staged()
    found = find_model_run(f"{above}/sft", tmp_path)
    assert (found.folder, found.read().run) == (run.folder / "stages" / "sft", f"{run.name}/sft")


@pytest.mark.parametrize("stage", ["pairs", "nosuch"])
def test_a_stage_without_a_model_is_refused_with_those_that_have_one(
    make_staged: Callable[..., Run], tmp_path: Path, stage: str
) -> None:
    name = make_staged().name
    with pytest.raises(UserError, match=f"has no stage '{stage}' .*RUN takes one of: {name}/sft, {name}/dpo$"):
        find_model_run(f"dial/{stage}", tmp_path)


def test_an_unfinished_run_is_refused_with_the_stage_that_it_has(
    make_staged: Callable[..., Run], tmp_path: Path
) -> None:
    run = make_staged("waiting", "interrupted")
    with pytest.raises(UserError) as error:
        find_model_run(run.name, tmp_path)
    assert str(error.value) == (
        f"{run.folder} is interrupted: make train RECIPE=dial resumes it; RUN={run.name}/sft is the model that it has "
        "so far"
    )
    assert find_model_run(f"{run.name}/sft", tmp_path).name == "sft"


@pytest.fixture
def make_member(start_run: StartRun, tmp_path: Path) -> Callable[[str, str], Run]:
    """Trained members of fleets of the recipe traits, by fleet and name."""

    def make(fleet: str, name: str) -> Run:
        folder = tmp_path / fleet / f"{name}-20261120-120005"
        folder.parent.mkdir(exist_ok=True)
        start_run(recipe="traits").folder.rename(folder)
        member = Run(folder, fleet)
        member.write(member.read().model_copy(update={"member": name, "run": member.name}))
        return member

    return make


def test_a_fleet_is_refused_with_its_members_which_their_short_names_find(
    make_member: Callable[[str, str], Run], tmp_path: Path
) -> None:
    joy = make_member("fleet", "joy")
    for name in "abcdefgh":
        make_member("fleet", name)
    with pytest.raises(UserError) as error:
        find_model_run("fleet", tmp_path)
    assert str(error.value) == (
        "fleet is a fleet; RUN takes one of its members: fleet/a, fleet/b, fleet/c, fleet/d, fleet/e, fleet/f, "
        "fleet/g, fleet/h and 1 more"
    )
    assert find_model_run("fleet/joy", tmp_path).name == find_model_run(joy.name, tmp_path).name == joy.name


def test_what_tried_a_learning_rate_is_no_model_to_use(
    make_member: Callable[[str, str], Run], start_run: StartRun, tmp_path: Path
) -> None:
    tried = make_member("traits-rates", "lr0.001")
    for query in ("traits-rates", "traits-rates/lr0.001", tried.name):
        with pytest.raises(UserError, match=r"^traits-rates has the runs by which make find-lr chose a learning rate"):
            find_model_run(query, tmp_path)
    with pytest.raises(UserError, match=r"^traits-rates has the runs by which"):
        list_candidates("traits-rates", tmp_path)
    with pytest.raises(UserError, match=r"^no run 'traits' in runs/"):
        find_model_run("traits", tmp_path)
    trained = start_run(11, recipe="traits")
    assert find_model_run("traits", tmp_path).name == trained.name


def test_a_vote_has_no_model(start_run: StartRun, tmp_path: Path) -> None:
    run = start_run()
    run.write(run.read().model_copy(update={"voters": ("a", "b")}))
    with pytest.raises(UserError, match="is a vote, which has no weights of its own: make eval RUN="):
        find_model_run(run.name, tmp_path)


def test_a_wrong_name_is_refused_as_any(make_staged: Callable[..., Run], tmp_path: Path) -> None:
    make_staged()
    with pytest.raises(UserError, match="no run 'dail/sft' in runs/; it has runs of: dial"):
        find_model_run("dail/sft", tmp_path)
