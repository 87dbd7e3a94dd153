"""Members that train at the same time sit on different GPUs."""

import sys
import time
from pathlib import Path

import pytest

from recipebook.fleet import train as fleet
from recipebook.fleet.expand import Member
from recipebook.hardware import Hardware
from recipebook.launch import placement
from recipebook.launch.launchers import LaunchJob
from recipebook.launch.placement import Slots, count_slots
from recipebook.launch.plain import PlainLauncher
from recipebook.recipe.resolve import resolve

EIGHT = tuple("01234567")
# Notes the GPUs that it sees, and trains until there is a file `go` beside its folder.
TRAIN = """
import os, time
from pathlib import Path
Path("seen").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", "all"))
while not Path("../go").exists():
    time.sleep(0.01)
"""


def make_job(folder: Path, name: str, processes: int = 1) -> LaunchJob:
    (folder / name).mkdir()
    return LaunchJob(folder / name, (sys.executable, "-c", TRAIN), {"CUDA_VISIBLE_DEVICES": "0"}, 0, processes)


def read_seen(folder: Path, name: str) -> str:
    seen = folder / name / "seen"
    while not seen.exists() or not seen.read_text():
        time.sleep(0.01)
    return seen.read_text()


def test_eight_members_train_on_eight_gpus_and_the_ninth_on_the_first_that_is_free(tmp_path: Path) -> None:
    launcher = PlainLauncher(Slots(8, 1, EIGHT))
    trainings = [launcher.start(make_job(tmp_path, str(at))) for at in range(8)]
    assert [read_seen(tmp_path, str(at)) for at in range(8)] == ["0", "1", "2", "3", "4", "5", "6", "7"]
    trainings[5].stop()
    launcher.start(make_job(tmp_path, "ninth"))
    assert read_seen(tmp_path, "ninth") == "5"
    launcher.close()


def test_members_of_four_processes_have_four_gpus_each_two_members_at_a_time(tmp_path: Path) -> None:
    launcher = PlainLauncher(Slots(count_slots(8, 4), 4, EIGHT))
    assert launcher.slots == 2
    for name in ("first", "second"):
        launcher.start(make_job(tmp_path, name, processes=4))
    assert [read_seen(tmp_path, name) for name in ("first", "second")] == ["0,1,2,3", "4,5,6,7"]
    launcher.close()


@pytest.mark.parametrize(("gpus", "processes", "slots"), [(8, 1, 8), (8, 4, 2), (8, 3, 2), (2, 4, 1), (0, 2, 1)])
def test_a_slot_is_a_set_of_gpus(gpus: int, processes: int, slots: int) -> None:
    assert count_slots(gpus, processes) == slots


@pytest.mark.parametrize(
    ("gpus", "processes", "seen"), [(("3", "5"), 1, ["3", "5", "3"]), ((), 1, ["0"] * 3), (("2", "3"), 2, ["2,3"] * 3)]
)
def test_more_members_than_gpus_share_them(
    tmp_path: Path, gpus: tuple[str, ...], processes: int, seen: list[str]
) -> None:
    slots, job = Slots(3, processes, gpus), make_job(tmp_path, "one", processes)
    assert [slots.place(job, slot).environment["CUDA_VISIBLE_DEVICES"] for slot in range(3)] == seen


@pytest.mark.parametrize(
    ("gpus", "launcher", "slots"), [(8, "PlainLauncher", 8), (1, "PlainLauncher", 1), (0, "ResidentLauncher", 1)]
)
def test_a_machine_with_gpus_shares_no_process_among_members(
    gpus: int, launcher: str, slots: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Hardware(gpus=("NVIDIA H100",) * gpus, cpu="c", cores=2, memory_gib=8)
    monkeypatch.setattr(fleet, "detect", lambda: machine)
    monkeypatch.setattr(placement, "name_gpus", lambda: list(EIGHT[:gpus]))
    opened = fleet._open_launcher(fleet.FleetChoice(), resolve("robot-sweep", "tiny"), [Member("a", {})])
    assert (type(opened).__name__, opened.slots) == (launcher, slots)


def test_the_member_with_the_most_processes_decides_how_many_train_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Hardware(gpus=("NVIDIA H100",) * 8, cpu="c", cores=2, memory_gib=8)
    monkeypatch.setattr(fleet, "detect", lambda: machine)
    members = [Member("a", {"launch.processes": 2}), Member("b", {"launch.processes": 4})]
    opened = fleet._open_launcher(fleet.FleetChoice(), resolve("robot-sweep", "tiny"), members)
    assert opened.slots == 2
