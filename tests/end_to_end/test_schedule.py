"""A fleet's schedule when things go wrong; a stand-in trains (quick_engine.py), all else is as ever."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from resource import RLIMIT_FSIZE, setrlimit
from typing import Any

import pytest

from tests.end_to_end.project import Project, give_quick_engine

RECIPE = """\
description: five trainings
extends: trait
data: {split: {validation: 0}}
matrix:
  values: {training.seed: [1, 2, 3, 4, 5]}
  name: "seed{seed}"
"""
PEOPLE = """\
description: an adapter a person
extends: robot-lora
data: {source: samples/people.jsonl, split: {validation: 0, test: 0}}
matrix:
  values: {data.where.who: {column: who}}
"""
MEMBERS = ["seed1", "seed2", "seed3", "seed4", "seed5"]


@pytest.fixture(scope="module")
def project(copy_project: Callable[[], Project]) -> Project:
    """A copy of the project that has its own engine."""
    copied = copy_project()
    give_quick_engine(copied)
    return copied


@pytest.fixture
def fleet(project: Project) -> str:
    """A fleet of the test's own, with settings that no other has."""
    rank = len(list((project.folder / "recipes").glob("*.yaml")))
    (project.folder / "recipes" / f"fleet-{rank}.yaml").write_text(f"{RECIPE}lora: {{r: {rank}}}\n")
    return f"fleet-{rank}"


def read_runs(project: Project, fleet: str) -> dict[str, tuple[Path, dict[str, Any]]]:
    """The only run of each member."""
    paths = project.folder.glob(f"runs/{fleet}/*/manifest.json")
    found = [(path.parent, json.loads(path.read_bytes())) for path in paths]
    assert len({manifest["member"] for _, manifest in found}) == len(found)
    return {manifest["member"]: (folder, manifest) for folder, manifest in found}


def read_table(said: str) -> dict[str, str]:
    """The status of each member."""
    lines = said.split("\nmember")[1].splitlines()[1:]
    return {line.split()[0]: line.split()[1] for line in lines if line.startswith("seed")}


def count_starts(project: Project, fleet: str) -> list[int]:
    return [
        len((folder / "starts").read_text().splitlines())
        for _, (folder, _) in sorted(read_runs(project, fleet).items())
    ]


def test_a_killed_resident_costs_its_member_one_try_and_the_others_nothing(
    project: Project, fleet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANGS", "seed2")
    command = project.start("train", fleet)
    while not (found := list(project.folder.glob(f"runs/{fleet}/seed2-*/model/checkpoint-5/trainer_state.json"))):
        assert command.poll() is None
        time.sleep(0.01)
    (start,) = (found[0].parents[2] / "starts").read_text().splitlines()
    child, resident = map(int, start.split())
    os.kill(resident, signal.SIGKILL)
    said, _ = command.communicate(timeout=120)
    assert command.returncode == 0
    assert read_table(said) == dict.fromkeys(MEMBERS, "trained")
    assert "failed    seed2: the trainer was killed by signal 9; it is tried again" in said
    assert count_starts(project, fleet) == [1, 2, 1, 1, 1]
    attempts = read_runs(project, fleet)["seed2"][1]["attempts"]
    assert [(one["outcome"], one["exit_code"], one["from_step"]) for one in attempts] == [
        ("failed", -9, 0),
        ("trained", 0, 5),
    ]
    # An orphan's entry may linger until it is reaped; it must not run.
    stat = Path(f"/proc/{child}/stat")
    assert not stat.exists() or stat.read_text().split()[2] == "Z"


def test_two_commands_at_once_share_the_members(project: Project, fleet: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOGETHER", "1")
    commands = [project.start("train", fleet) for _ in range(2)]
    said = [command.communicate(timeout=120)[0] for command in commands]
    assert [command.returncode for command in commands] == [0, 0]
    assert [read_table(text) for text in said] == [dict.fromkeys(MEMBERS, "trained")] * 2
    assert count_starts(project, fleet) == [1, 1, 1, 1, 1]
    trained = [text.count("\ntrained   seed") for text in said]
    assert sum(trained) == 5
    told = [text.split("without a trained model; ")[1].split(" trained in ")[0] for text in said]
    assert told == [str(count) for count in trained]
    # Both took part.
    assert min(trained) > 0


@pytest.mark.parametrize("room", [400, 50_000])
def test_what_found_no_room_is_told_and_trained_when_there_is_some(project: Project, fleet: str, room: int) -> None:
    # A file cannot grow beyond the limit, as on a full disk: of 400 bytes no manifest can be written, of 50,000 the
    # adapter cannot.
    status, said = project.run("members", fleet)
    assert status == 0, said
    limited = project.start("train", fleet, limit=lambda: setrlimit(RLIMIT_FSIZE, (room, room)))
    said, _ = limited.communicate(timeout=120)
    assert limited.returncode == 1, said
    assert read_table(said) == dict.fromkeys(MEMBERS, "failed")
    assert said.count("File too large") >= 5
    assert "Traceback" not in said
    assert [manifest["status"] for _, manifest in read_runs(project, fleet).values()] == ["failed"] * (5 * (room > 400))
    status, said = project.run("train", fleet)
    assert status == 0, said
    assert read_table(said) == dict.fromkeys(MEMBERS, "trained")
    folders = {folder for folder, _ in read_runs(project, fleet).values()}
    assert {path for path in project.folder.glob(f"runs/{fleet}/*") if path.is_dir()} == folders


def test_a_changed_row_trains_its_member_alone_other_line_endings_none_and_another_rate_all(project: Project) -> None:
    source = project.folder / "samples" / "people.jsonl"
    rows = [{"who": who, "input": f"turn {n}", "output": "robot.stop()"} for who in ("ann", "bob") for n in range(30)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (project.folder / "recipes" / "people.yaml").write_text(PEOPLE)

    def list_wanted(*words: str) -> list[str]:
        status, said = project.run("members", "people", *words)
        assert status == 0, said
        return [line.split()[0] for line in said.splitlines() if "  changed  " in line or "  new  " in line]

    assert list_wanted() == ["ann", "bob"]
    assert project.run("train", "people")[0] == 0
    assert list_wanted() == []
    source.write_bytes(source.read_bytes().replace(b"\n", b"\r\n"))
    assert list_wanted() == []
    assert list_wanted("--set", "training.learning_rate=1e-3") == ["ann", "bob"]
    ours = '{"who": "bob", "input": "turn 7"'
    source.write_text(source.read_text().replace(ours, ours.replace("turn 7", "turn 77")))
    assert list_wanted() == ["bob"]
    status, said = project.run("train", "people")
    assert status == 0, said
    assert said.count("\ntrained   ") == 1 and "trained   bob in" in said
    assert len(list(project.folder.glob("runs/people/ann-*"))) == 1
    assert len(list(project.folder.glob("runs/people/bob-*"))) == 2


def test_placebos_follow_when_all_seeds_are_trained_and_are_found_again(project: Project) -> None:
    words = ("train", "robot-lora", "--profile", "tiny", "--seeds", "2", "--set", "eval.placebo=shuffled")
    status, said = project.run(*words)
    assert status == 0, said
    members, placebos = read_runs(project, "robot-lora-seeds"), read_runs(project, "robot-lora-placebo-seeds")
    assert [*sorted(members)] == [*sorted(placebos)] == ["seed42", "seed43"]
    for name, (_, placebo) in placebos.items():
        assert placebo["placebo_of"] == members[name][1]["identity"]
        assert placebo["recipe"] == "robot-lora-placebo"
        assert placebo["hashes"]["parts"] == members[name][1]["hashes"]["parts"]
    rows = {one["hashes"]["rows"] for _, one in (*members.values(), *placebos.values())}
    assert len(rows) == 3
    status, said = project.run(*words)
    assert status == 0
    assert said.count("2 members: 2 trained") == 2
    # A single run whose seed is a member's is that member, and so is its placebo.
    status, said = project.run("train", "robot-lora", "--profile", "tiny", "--set", "eval.placebo=shuffled")
    assert status == 0
    assert said.count("same recipe, data and versions") == 2
