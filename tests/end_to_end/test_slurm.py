"""Two nodes of a real SLURM, without each other's loopback, train the adapter of two ranks on one machine."""

from pathlib import Path

import pytest

from tests.end_to_end.project import Project
from tests.end_to_end.slurm_cluster import find_obstacle, start_cluster

pytestmark = pytest.mark.long

SETTINGS = (
    "data.split.validation=0", "data.split.test=0", "training.max_steps=3", "training.batch_size=4",
    "training.logging_steps=1", "training.global_batch=8",
)  # fmt: skip


def test_two_nodes_train_the_adapter_of_two_local_ranks(project: Project, tmp_path: Path) -> None:
    if obstacle := find_obstacle():
        pytest.skip(obstacle)
    words = ("robot-lora", "--profile", "tiny", "--set", *SETTINGS)
    status, said = project.run("slurm", *words, "--nodes", "2")
    assert status == 0, said
    with start_cluster(tmp_path) as cluster:
        job = cluster.run("sbatch", "--parsable", "runs/slurm/robot-lora.sh", cwd=project.folder)
        ended = cluster.wait(job, 900)
    log = (project.folder / "runs" / "slurm" / f"robot-lora-{job}.log").read_text()
    assert ended == "COMPLETED", log
    folder, on_nodes = project.newest()
    assert on_nodes["launch"]["machines"] == 2
    assert on_nodes["environment"]["GLOO_SOCKET_IFNAME"] == "eth0"
    assert (folder / "machine-1.log").is_file()
    status, said = project.run("train", *words, "launch.processes=2", "--force")
    assert status == 0, said
    _, local = project.newest()
    assert local["launch"] == {"processes": 2, "machines": 1, "strategy": "data-parallel"}
    assert on_nodes["weights"]["digest"] == local["weights"]["digest"]
