"""Several processes on the CPU: every row seen once an epoch, and the loss of one process with the same batch."""

import json
import os
import random
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from benchmarks.orphans import find_in
from tests.end_to_end.project import Project, read_logged

pytestmark = pytest.mark.long

ROWS = 128
BATCH = "training.global_batch=16"
SEEN = ("axolotl.plugins=[trainer.seen_rows.SeenRows]",)
SETTINGS = (
    "data.source=few.json", "data.split.validation=0", "data.split.test=0", "training.epochs=1",
    "training.logging_steps=1", "training.learning_rate=3e-4", "training.group_by_length=false", *SEEN,
)  # fmt: skip


Trained = tuple[Path, dict[str, Any]]


@pytest.fixture(scope="module")
def records(project: Project) -> None:
    """Few enough that eight steps see each once."""
    found = json.loads((project.folder / "samples" / "robot.json").read_bytes())
    (project.folder / "few.json").write_text(json.dumps(random.Random(1).sample(found, ROWS)))


@pytest.fixture(autouse=True)
def no_runs(project: Project, records: None) -> None:
    """A run of the same records a step would be found: how they are divided is no part of its identity."""
    for run in (project.folder / "runs").glob("robot-lora-*"):
        shutil.rmtree(run)


def train_whole(project: Project, *settings: str) -> Trained:
    """A run without interruption; its folder, set aside where no command finds it, and its manifest."""
    status, said = project.train(*SETTINGS, *settings)
    assert status == 0, said
    folder, manifest = project.newest()
    aside = project.folder / "kept" / folder.name
    aside.parent.mkdir(exist_ok=True)
    return folder.rename(aside), manifest


@pytest.fixture(scope="module")
def one_process(project: Project, records: None) -> Trained:
    return train_whole(project, "training.batch_size=16")


@pytest.fixture(scope="module")
def two_processes(project: Project, records: None) -> Callable[[str], Trained]:
    """The training of two processes under a strategy, made once."""

    @cache
    def train(strategy: str) -> Trained:
        return train_whole(project, BATCH, "launch.processes=2", f"launch.strategy={strategy}")

    return train


def read_seen(folder: Path) -> list[Counter[str]]:
    return [Counter(path.read_text().splitlines()) for path in sorted(folder.glob("seen-*.txt"))]


@pytest.mark.parametrize("strategy", ["data-parallel", "zero1", "zero2", "zero3"])
def test_two_processes_train_as_one(
    two_processes: Callable[[str], Trained], one_process: Trained, strategy: str
) -> None:
    folder, manifest = two_processes(strategy)
    first, second = read_seen(folder)
    (alone,) = read_seen(one_process[0])
    assert first + second == alone
    assert (first.total(), second.total(), alone.total()) == (ROWS // 2, ROWS // 2, ROWS)
    assert manifest["final_loss"] == pytest.approx(one_process[1]["final_loss"], rel=0.02)
    adapter = load_file(folder / "model" / "adapter_model.safetensors")
    assert {name: weight.shape for name, weight in adapter.items()} == {
        name: weight.shape for name, weight in load_file(one_process[0] / "model" / "adapter_model.safetensors").items()
    }


@pytest.mark.parametrize(("strategy", "offload"), [("zero2", "optimizer"), ("zero3", "weights")])
def test_what_waits_in_main_memory_trains_as_what_does_not(
    project: Project, two_processes: Callable[[str], Trained], strategy: str, offload: str
) -> None:
    """DeepSpeed compiles its AdamW for processors first, once on a machine."""
    kept, _ = two_processes(strategy)
    launch = ("launch.processes=2", f"launch.strategy={strategy}", f"launch.offload={offload}")
    folder, manifest = train_whole(project, BATCH, *launch)
    assert manifest["launch"] == {"processes": 2, "machines": 1, "strategy": strategy, "offload": offload}
    assert {"offload_optimizer", "offload_param"} & set(
        json.loads((folder / "deepspeed.json").read_bytes())["zero_optimization"]
    ) == {"optimizer": {"offload_optimizer"}, "weights": {"offload_optimizer", "offload_param"}}[offload]
    logged, expected = read_logged(folder), read_logged(kept)
    assert [rate for rate, _ in logged.values()] == [rate for rate, _ in expected.values()]
    assert [loss for _, loss in logged.values()] == pytest.approx([loss for _, loss in expected.values()], rel=1e-4)
    assert manifest["weights"]["changed"] and manifest["weights"]["finite"]


def stop(project: Project, *settings: str, strategy: str = "data-parallel", processes: int = 2) -> tuple[Path, int]:
    """A run that was asked to end, at step 3 or later; its folder, and the step of its checkpoint."""
    launch = (f"launch.processes={processes}", f"launch.strategy={strategy}")
    process, folder = project.start_until(3, "train", "robot-lora", "--set", *SETTINGS, *settings, *launch)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 130, said
    assert json.loads((folder / "manifest.json").read_bytes())["status"] == "interrupted"
    (checkpoint,) = (folder / "model").glob("checkpoint-*")
    assert not find_in(folder)
    return folder, int(checkpoint.name.partition("-")[2])


@pytest.mark.parametrize("strategy", ["data-parallel", "zero2"])
def test_two_processes_that_are_stopped_go_on_as_if_they_had_not_been(
    project: Project, two_processes: Callable[[str], Trained], strategy: str
) -> None:
    whole, uninterrupted = two_processes(strategy)
    stopped, step = stop(project, BATCH, strategy=strategy)
    launch = ("launch.processes=2", f"launch.strategy={strategy}")
    if strategy == "zero2":
        status, said = project.train(*SETTINGS, BATCH)
        assert (status, f"checkpoint-{step} was written by zero2 on 2 processes" in said) == (2, True), said
    status, said = project.train(*SETTINGS, BATCH, *launch)
    assert status == 0, said
    folder, manifest = project.newest()
    assert folder == stopped
    assert [one["from_step"] for one in manifest["attempts"]] == [0, step]
    assert read_logged(folder) == read_logged(whole)
    assert manifest["weights"]["digest"] == uninterrupted["weights"]["digest"]


# From fsdp2 to two ranks and to one: test_rehearse.py.
@pytest.mark.parametrize(
    ("before", "after", "strategy"), [(2, 1, "data-parallel"), (1, 2, "data-parallel"), (1, 2, "fsdp2")]
)
def test_a_run_that_is_stopped_goes_on_with_another_number_of_processes(
    project: Project, one_process: Trained, before: int, after: int, strategy: str
) -> None:
    stopped, step = stop(project, BATCH, processes=before)
    launch = (f"launch.processes={after}", f"launch.strategy={strategy}")
    status, said = project.train(*SETTINGS, BATCH, *launch)
    assert status == 0, said
    folder, manifest = project.newest()
    assert folder == stopped
    first, second = manifest["attempts"]
    assert (first["launch"]["processes"], second["launch"]["processes"]) == (before, after)
    assert second["launch"]["strategy"] == strategy
    assert second["from_step"] == step
    rates = {at: rate for at, (rate, _) in read_logged(folder).items()}
    assert rates == {at: rate for at, (rate, _) in read_logged(one_process[0]).items()}


def test_a_lost_rank_has_all_of_them_started_again(project: Project, two_processes: Callable[[str], Trained]) -> None:
    _, uninterrupted = two_processes("data-parallel")
    settings = (BATCH, "training.save_steps=2", "launch.processes=2")
    process, folder = project.start_until(3, "train", "robot-lora", "--set", *SETTINGS, *settings)
    os.kill(json.loads((folder / "ranks" / "1.json").read_bytes())["pid"], signal.SIGKILL)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert "failed    rank 1 was killed by signal 9" in said
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert [one["outcome"] for one in manifest["attempts"]] == ["failed", "trained"]
    assert manifest["attempts"][1]["from_step"] >= 2
    assert uninterrupted["weights"]["digest"] == manifest["weights"]["digest"]
    assert not find_in(folder)


def test_a_rank_that_alone_finds_no_room_is_named_with_the_reason(project: Project) -> None:
    settings = [one for one in SETTINGS if "plugins" not in one] + [BATCH, "training.save_steps=2"]
    plugin = "axolotl.plugins=[tests.end_to_end.full_rank.FullRank]"
    status, said = project.train(*settings, "launch.processes=2", plugin)
    assert status == 1, said
    assert "failed    rank 1 could not write: File too large (df -h)" in said
    folder, manifest = project.newest()
    assert (manifest["status"], len(manifest["attempts"])) == ("failed", 1)
    assert not find_in(folder)


def test_a_silent_rank_is_named_and_nothing_is_left(project: Project) -> None:
    words = ("train", "robot-lora", "--set", *SETTINGS, BATCH, "launch.processes=2")
    process, folder = project.start_until(3, *words)
    rank = json.loads((folder / "ranks" / "1.json").read_bytes())["pid"]
    os.kill(rank, signal.SIGSTOP)
    said, _ = process.communicate(timeout=400)
    assert process.returncode == 1
    assert f"failed    rank 1 (process {rank}) has been silent for " in said
    assert ": it is stopped, in " in said
    assert not find_in(folder)


def test_deepspeed_with_one_process_trains_on_a_cpu_too(project: Project, one_process: Trained) -> None:
    _, manifest = train_whole(project, "training.batch_size=16", "launch.strategy=zero2")
    assert manifest["final_loss"] == pytest.approx(one_process[1]["final_loss"], rel=1e-4)


def test_two_processes_take_the_steps_of_one_where_the_recipe_names_their_records(
    project: Project, one_process: Trained
) -> None:
    settings = ("training.group_by_length=true", BATCH, "training.batch_size=4")
    runs = [train_whole(project, *settings, f"launch.processes={processes}") for processes in (1, 2)]
    alone, together = (read_logged(folder) for folder, _ in runs)
    assert list(together) == list(alone) == [1, 2, 3, 4, 5, 6, 7, 8]
    for (rate, loss), (wanted_rate, wanted_loss) in zip(together.values(), alone.values(), strict=True):
        assert rate == wanted_rate
        assert loss == pytest.approx(wanted_loss, rel=5e-3)


def test_the_script_in_a_runs_folder_trains_the_same_adapter(project: Project, one_process: Trained) -> None:
    folder, manifest = one_process
    again = folder.with_name("again")
    made = shutil.ignore_patterns("model", "*.jsonl", "progress.json", "weights.json", "tensorboard", "ranks")
    shutil.copytree(folder, again, symlinks=True, ignore=made)
    shutil.copytree(folder / "data", again / "data", symlinks=True, dirs_exist_ok=True)
    subprocess.run(["bash", again / "launch.sh"], check=True, capture_output=True)
    assert json.loads((again / "weights.json").read_bytes())["digest"] == manifest["weights"]["digest"]
    shutil.rmtree(again)
