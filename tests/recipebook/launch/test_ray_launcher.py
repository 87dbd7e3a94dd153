"""Members as Ray tasks, on a cluster of two nodes on this machine: processes of its own, one killed on the way."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from recipebook.errors import UserError
from recipebook.launch.launchers import LaunchJob
from recipebook.launch.ray_launcher import RayLauncher, RayTraining
from recipebook.launch.ray_machines import run_on_nodes

# The cluster, and its two nodes that train.
Nodes = tuple[Cluster, list[object]]
# Like a trainer: it notes that it began, waits for the test to say go, works a while, and notes that it ended.
TRAIN = (
    "import os, pathlib, sys, time\n"
    "open('began', 'a').write(os.environ['NODE'] + '\\n')\n"
    "pathlib.Path('model/checkpoint-5').mkdir(parents=True)\n"
    "print(os.environ['MEMBER'], 'threads', os.environ.get('OMP_NUM_THREADS'), flush=True)\n"
    "while not pathlib.Path('../go').exists(): time.sleep(0.05)\n"
    "time.sleep(float(sys.argv[1]))\n"
    "open('ended', 'a').write('x')\n"
    "sys.exit(int(sys.argv[2]))\n"
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    """A head that trains nothing, and two nodes that train one member each at a time."""
    before = os.environ.copy()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [cluster.add_node(num_cpus=1, env_vars={"NODE": name}) for name in "ab"]
    os.environ["RAY_ADDRESS"] = cluster.address
    yield cluster, nodes
    cluster.shutdown()
    os.environ.clear()
    os.environ.update(before)


def test_a_cluster_with_gpus_is_not_used_from_a_machine_without_one(
    cluster: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 16.0, "GPU": 8.0})
    with pytest.raises(UserError) as refused:
        RayLauncher()
    assert str(refused.value) == (
        "LAUNCHER=ray: this machine has no GPU, and the cluster has 8; run the command on a node that has one"
    )


MEET = (
    "import os, sys; print(os.environ['MACHINE_RANK'], os.environ['MAIN'], os.environ['NODE'],"
    " os.environ.get('OMP_NUM_THREADS')); sys.exit(int(sys.argv[1 + int(os.environ['MACHINE_RANK'])]))"
)


def test_machines_that_train_together_are_a_node_each(
    cluster: Nodes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError) as refused:
        run_on_nodes([sys.executable], 3, 1, tmp_path)
    assert str(refused.value) == (
        "LAUNCHER=ray: launch.machines: 3, and of the cluster's nodes 2 have a CPU for each of 1 processes; "
        "MACHINES=2, or fewer GPUS="
    )
    assert run_on_nodes([sys.executable, "-c", MEET, "0", "130"], 2, 1, tmp_path) == 130
    first, second = ((tmp_path / f"machine-{rank}.log").read_text().split() for rank in (0, 1))
    assert (first[0], second[0]) == ("0", "1")
    assert first[1] == second[1] and int(first[1].rpartition(":")[2]) > 0
    assert {first[2], second[2]} == {"a", "b"}
    assert capsys.readouterr().out.split() == first


def test_machines_that_are_asked_to_end_are_waited_for(cluster: Nodes, tmp_path: Path) -> None:
    def stop() -> None:
        while len(list(tmp_path.glob("began-*"))) < 2:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    wait_for_term = (
        "import os, pathlib, signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path(sys.argv[2]).touch(), sys.exit(130)))\n"
        "pathlib.Path(sys.argv[1] + '/began-' + os.environ['MACHINE_RANK']).touch()\n"
        "signal.pause()\n"
    )
    command = [sys.executable, "-c", wait_for_term, str(tmp_path), str(tmp_path / "saved")]
    threading.Thread(target=stop, daemon=True).start()
    assert run_on_nodes(command, 2, 1, tmp_path) == 130
    assert (tmp_path / "saved").exists()


@pytest.fixture(scope="module")
def launcher(cluster: Nodes) -> Iterator[RayLauncher]:
    launcher = RayLauncher()
    yield launcher
    launcher.close()


def job(folder: Path, name: str, seconds: float = 0, code: int = 0) -> LaunchJob:
    (folder / name).mkdir()
    command = (sys.executable, "-c", TRAIN, str(seconds), str(code))
    return LaunchJob(folder / name, command, {"MEMBER": name, "CUDA_VISIBLE_DEVICES": "7"}, 0, 1)


def wait(training: RayTraining) -> int:
    while (code := training.poll()) is None:
        time.sleep(0.05)
    return code


def nodes_begun(folder: Path) -> list[str]:
    """The node of every beginning, sorted."""
    return sorted(line[0] for path in folder.glob("*/began") for line in path.read_text().splitlines())


def test_exit_codes_and_output_come_back(launcher: RayLauncher, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    assert launcher.slots == 2
    trainings = [launcher.start(job(tmp_path, name, 0, code)) for name, code in (("good", 0), ("bad", 3))]
    assert [wait(training) for training in trainings] == [0, 3]
    assert (tmp_path / "good" / "train.log").read_text() == "good threads None\n"


def test_a_stopped_member_is_gone(launcher: RayLauncher, tmp_path: Path) -> None:
    training = launcher.start(job(tmp_path, "long"))
    while not (tmp_path / "long" / "began").exists():
        time.sleep(0.05)
    training.stop()
    assert training.poll() not in (None, 0)
    assert not (tmp_path / "long" / "ended").exists()


SAVE = (
    "import pathlib, signal, sys, time\n"
    "def save(*_):\n"
    "    time.sleep(0.5)\n"
    "    pathlib.Path('saved').touch()\n"
    "    sys.exit(75)\n"
    "signal.signal(signal.SIGTERM, save)\n"
    "pathlib.Path('began').touch()\n"
    "time.sleep(60)\n"
)


def test_a_member_that_is_asked_to_end_saves_first(launcher: RayLauncher, tmp_path: Path) -> None:
    folder = tmp_path / "asked"
    folder.mkdir()
    training = launcher.start(LaunchJob(folder, (sys.executable, "-c", SAVE), {}, 0, 1))
    while not (folder / "began").exists():
        time.sleep(0.05)
    training.ask_to_end()
    assert wait(training) == 75
    assert (folder / "saved").exists()
    # Another start of it is not asked.
    again = launcher.start(LaunchJob(folder, (sys.executable, "-c", "pass"), {}, 0, 1))
    assert wait(again) == 0


def test_a_queued_member_that_is_asked_to_end_never_begins(launcher: RayLauncher, tmp_path: Path) -> None:
    trainings = [launcher.start(job(tmp_path, name, 60)) for name in ("one", "two", "queued")]
    while len(nodes_begun(tmp_path)) < 2:
        time.sleep(0.05)
    for training in reversed(trainings):
        training.ask_to_end()
    assert [wait(training) for training in trainings] == [-15, -15, -15]
    assert len(nodes_begun(tmp_path)) == 2


@pytest.mark.long
def test_a_node_is_killed_and_the_fleet_ends_complete(cluster: Nodes, launcher: RayLauncher, tmp_path: Path) -> None:
    trainings = [launcher.start(job(tmp_path, name, 4)) for name in ("one", "two", "three")]
    # However slowly b starts, nothing ends on a before.
    while nodes_begun(tmp_path) != ["a", "b"]:
        time.sleep(0.05)
    cluster[0].remove_node(cluster[1][1], allow_graceful=False)
    (tmp_path / "go").touch()
    assert [wait(training) for training in trainings] == [0, 0, 0]
    # What was on b was begun again on a, over the broken checkpoint, and nothing was trained twice to its end.
    assert nodes_begun(tmp_path) == ["a", "a", "a", "b"]
    assert [path.read_text() for path in tmp_path.glob("*/ended")] == ["x", "x", "x"]
