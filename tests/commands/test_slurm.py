"""What is asked of SLURM is refused in a line where SLURM, or the training on its nodes, would refuse it later."""

from pathlib import Path

import pytest

from recipebook import project
from tests.commands.calling import call

WRONG_TIME = "recipebook slurm: argument --time: '{}' is no time, such as 90 (minutes), 4:00:00 or 1-12:00:00"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--time", "soon"], WRONG_TIME.format("soon")),
        (["--time", "4 hours"], WRONG_TIME.format("4 hours")),
        (["--time", "-1"], WRONG_TIME.format("-1")),
        (["--time", "1:2:3:4"], WRONG_TIME.format("1:2:3:4")),
        (["--account", "a\n#SBATCH --uid=0"], "recipebook slurm: argument --account: 'a"),
        (["--partition", "gpu long"], "recipebook slurm: argument --partition: 'gpu long' is no name, such as lab"),
        (["--nodes", "0"], "recipebook slurm: argument --nodes: '0' is not a whole number above 0"),
        (["--nodes", "2", "--machines", "3"], "NODES=2 and MACHINES=3 are both the machines that train together"),
        (["--workers", "2"], "robot-lora has no matrix, so WORKERS means nothing to it"),
        (["--profile", "mps"], "robot-lora: launch.device: mps is an Apple GPU's, and no node has one; PROFILE=gpu"),
        (["--profile", "together"], "robot-lora: a service trains it, so that it needs no job"),
        (["--gpus", "3"], "recipes/robot-lora.yaml:35:26: training.global_batch: 8 records do not divide among 3"),
    ],
)
def test_what_cannot_be_is_one_line_and_no_script_is_written(
    words: list[str], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(project, "RUNS", tmp_path)
    assert call("slurm", "robot-lora", *words) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(line)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["--nodes", "2"], ["--machines", "2"], ["--set", "launch.machines=2"]])
def test_a_job_has_the_nodes_that_the_recipe_trains_on(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project, "RUNS", tmp_path)
    assert call("slurm", "robot-lora", "--gpus", "4", "--time", "1-12:30", *words) == 0
    script = (tmp_path / "slurm" / "robot-lora.sh").read_text()
    assert "#SBATCH --nodes=2\n" in script
    assert "#SBATCH --time=1-12:30\n" in script
    assert "export MAIN=" in script


def test_the_members_of_a_fleet_train_on_one_node_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(project, "RUNS", tmp_path)
    assert call("slurm", "traits", "--profile", "gpu", "--machines", "2") == 2
    assert capsys.readouterr().err == "NODES: traits has members, which train on one node each\n"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["robot-lora", "--gpus", "4"], "1 node with 4 GPUs"),
        (["robot-lora", "--gpus", "4", "--nodes", "2"], "2 nodes with 4 GPUs each"),
        (["robot-lora", "--profile", "tiny"], "1 node with no GPUs"),
        (["robot-lora", "--profile", "gpu"], "1 node with 1 GPU"),
    ],
)
def test_a_job_is_described_in_a_line(
    words: list[str], what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(project, "RUNS", tmp_path)
    assert call("slurm", *words) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"script    {tmp_path}/slurm/robot-lora.sh: {what}"


def test_a_job_of_stages_needs_no_gpu_on_the_machine_that_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project, "RUNS", tmp_path)
    assert call("slurm", "robot-curriculum", "--profile", "gpu") == 0
    assert "#SBATCH --gpus-per-node=1\n" in (tmp_path / "slurm" / "robot-curriculum.sh").read_text()
