"""A real SLURM of two nodes, without each other's loopback: several machines, a job that is interrupted, an array."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.project import Project, give_quick_engine
from tests.end_to_end.slurm_cluster import Cluster, find_obstacle, start_cluster

pytestmark = pytest.mark.long

SETTINGS = (
    "data.split.validation=0", "data.split.test=0", "training.max_steps=3", "training.batch_size=4",
    "training.logging_steps=1", "training.global_batch=8",
)  # fmt: skip
FLEET = """\
description: two trainings
extends: trait
data: {split: {validation: 0}}
matrix:
  values: {training.seed: [1, 2]}
  name: "seed{seed}"
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if obstacle := find_obstacle():
        pytest.skip(obstacle)
    with start_cluster(tmp_path_factory.mktemp("slurm")) as started:
        yield started


def submit(cluster: Cluster, project: Project, recipe: str, *words: str) -> str:
    """Write a recipe's script and queue it; the job's number."""
    status, said = project.run("slurm", recipe, *words)
    assert status == 0, said
    return cluster.run("sbatch", "--parsable", f"runs/slurm/{recipe}.sh", cwd=project.folder)


def wait_for(found: Callable[[], list[Path]]) -> Path:
    """The first file that is found, once there is one."""
    until = time.monotonic() + 900
    while not (paths := found()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return paths[0]


def test_two_nodes_train_the_adapter_of_two_local_ranks(project: Project, cluster: Cluster) -> None:
    words = ("--profile", "tiny", "--set", *SETTINGS)
    job = submit(cluster, project, "robot-lora", *words, "--nodes", "2")
    ended = cluster.wait(job, 900)
    log = (project.folder / "runs" / "slurm" / f"robot-lora-{job}.log").read_text()
    assert ended == "COMPLETED", log
    folder, on_nodes = project.newest()
    assert on_nodes["launch"]["machines"] == 2
    assert on_nodes["environment"]["GLOO_SOCKET_IFNAME"] == "eth0"
    assert (folder / "machine-1.log").is_file()
    status, said = project.run("train", "robot-lora", *words, "launch.processes=2", "--force")
    assert status == 0, said
    _, local = project.newest()
    assert local["launch"] == {"processes": 2, "machines": 1, "strategy": "data-parallel", "offload": None}
    assert on_nodes["weights"]["digest"] == local["weights"]["digest"]


def test_a_job_that_is_interrupted_saves_that_step_and_is_queued_again_and_ends_as_if_it_had_not_been(
    project: Project, cluster: Cluster
) -> None:
    records = json.loads((project.folder / "samples" / "robot.json").read_bytes())
    (project.folder / "few.json").write_text(json.dumps(records[:200]))
    settings = (*SETTINGS, "data.source=few.json", "training.max_steps=20", "training.seed=2")
    words = ("--profile", "tiny", "--gpus", "2", "--set", *settings)
    before = set(project.folder.glob("runs/*"))
    job = submit(cluster, project, "robot-lora", *words)

    def find_third_step() -> list[Path]:
        new = [path for path in project.folder.glob("runs/*/progress.json") if path.parent not in before]
        return [path for path in new if json.loads(path.read_bytes())["step"] >= 3]

    folder = wait_for(find_third_step).parent
    # All of the job's processes get it, as before its time is over.
    cluster.run("scancel", "--signal=TERM", job)
    cluster.go_on(job)
    assert json.loads((folder / "manifest.json").read_bytes())["status"] == "interrupted"
    (checkpoint,) = (folder / "model").glob("checkpoint-*")
    ended = cluster.wait(job, 900)
    log = (project.folder / "runs" / "slurm" / f"robot-lora-{job}.log").read_text()
    assert ended == "COMPLETED", log
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert [(one["outcome"], one["from_step"]) for one in manifest["attempts"]] == [
        ("interrupted", 0),
        ("trained", int(checkpoint.name.partition("-")[2])),
    ]
    status, said = project.run("train", "robot-lora", *words, "--force")
    assert status == 0, said
    assert project.newest()[1]["weights"]["digest"] == manifest["weights"]["digest"]


def test_a_fleet_is_an_array_whose_interrupted_task_alone_is_queued_again(
    copy_project: Callable[[], Project], cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = copy_project()
    give_quick_engine(project)
    (project.folder / "recipes" / "pair.yaml").write_text(FLEET)
    monkeypatch.setenv("HANGS", "seed2")
    job = submit(cluster, project, "pair", "--profile", "tiny")
    wait_for(lambda: list(project.folder.glob("runs/pair/seed2-*/model/checkpoint-5/trainer_state.json")))
    cluster.run("scancel", "--signal=TERM", f"{job}_1")
    cluster.go_on(f"{job}_1")
    assert [cluster.wait(f"{job}_{task}", 120) for task in (0, 1)] == ["COMPLETED", "COMPLETED"]
    found = [json.loads(path.read_bytes()) for path in sorted(project.folder.glob("runs/pair/*/manifest.json"))]
    assert [[(one["outcome"], one["from_step"]) for one in manifest["attempts"]] for manifest in found] == [
        [("trained", 0)],
        [("interrupted", 0), ("trained", 5)],
    ]
    assert set(json.loads((project.folder / "runs" / "pair" / "members.json").read_bytes())) == {"seed1", "seed2"}
