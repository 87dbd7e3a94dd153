"""What a new run's folder holds, and what of it is written anew when the run resumes."""

import shutil
from pathlib import Path

import pytest
import yaml

from recipebook.data.dataset import Dataset, prepare
from recipebook.data.overlap import HELD_OUT
from recipebook.errors import UserError
from recipebook.files import digest_file
from recipebook.recipe.data_keys import Data
from recipebook.recipe.resolve import resolve
from recipebook.run.manifest import Manifest
from recipebook.run.resolved import read_resolved
from recipebook.run.rundir import Run
from recipebook.train.opening import open_run, place_rows, reopen_run
from tests.recipebook.launch.test_relaunch import write_checkpoint


def make_dataset(folder: Path) -> Dataset:
    rows = [f'{{"input": "go {n}", "output": "robot.stop()"}}\n' for n in range(20)]
    (folder / "robot.jsonl").write_text("".join(rows))
    data = Data.model_validate({"source": "robot.jsonl", "converter": "robot"})
    return prepare(data, folder / "project" / ".cache", folder)


def test_rows_are_found_where_runs_is_a_link_to_another_disk(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path)
    (tmp_path / "deep" / "disk" / "x-20261121-093000").mkdir(parents=True)
    (tmp_path / "project" / "runs").symlink_to(tmp_path / "deep" / "disk")
    folder = tmp_path / "project" / "runs" / "x-20261121-093000"
    place_rows(folder, dataset)
    assert (folder / "data" / "train.jsonl").read_text() == dataset.path("train").read_text()


def test_held_out_rows_stay_with_the_run_when_the_cache_goes(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path)
    folder = tmp_path / "project" / "runs" / "x-20261121-093000"
    folder.mkdir(parents=True)
    place_rows(folder, dataset)
    held_out = {part: dataset.path(part).read_text() for part in HELD_OUT}
    assert all(held_out.values())
    shutil.rmtree(dataset.folder)
    assert {part: (folder / "data" / f"{part}.jsonl").read_text() for part in HELD_OUT} == held_out


def open_with(folder: Path, *settings: str) -> Manifest:
    """A run of robot-lora that trains by DeepSpeed, in a folder."""
    dataset = make_dataset(folder)
    (folder / "runs" / "robot-lora").mkdir(parents=True)
    resolved = resolve("robot-lora", "tiny", ["training.global_batch=8", "launch.strategy=zero2", *settings])
    return open_run(Run(folder / "runs" / "robot-lora"), resolved, settings, dataset, "identity")


def reopen_with(folder: Path, manifest: Manifest, *settings: str) -> Manifest:
    recipe = resolve("robot-lora", "tiny", ["training.global_batch=8", "launch.strategy=zero2", *settings]).recipe
    return reopen_run(Run(folder / "runs" / "robot-lora"), manifest, recipe)


def test_a_run_whose_rows_did_not_fit_resumes_with_fewer_at_a_time(tmp_path: Path) -> None:
    before = open_with(tmp_path, "training.batch_size=8")
    folder = tmp_path / "runs" / "robot-lora"
    assert reopen_with(tmp_path, before, "training.batch_size=8").hashes == before.hashes
    after = reopen_with(tmp_path, before, "training.batch_size=2")
    settings = yaml.safe_load((folder / "axolotl.yaml").read_bytes())
    assert (settings["micro_batch_size"], settings["gradient_accumulation_steps"]) == (2, 4)
    assert read_resolved(folder)["training"]["batch_size"] == 2
    assert before.hashes["axolotl.yaml"] != after.hashes["axolotl.yaml"] == digest_file(folder / "axolotl.yaml")


def test_ranks_that_gave_up_waiting_resume_with_more_patience(tmp_path: Path) -> None:
    two = ("launch.processes=2",)
    before = open_with(tmp_path, *two)
    reopen_with(tmp_path, before, *two, "launch.timeout=20000")
    assert yaml.safe_load((tmp_path / "runs" / "robot-lora" / "axolotl.yaml").read_bytes())["ddp_timeout"] == 20000


def test_what_is_offloaded_stands_in_the_manifest_and_a_checkpoint_resumes_where_it_was_written(tmp_path: Path) -> None:
    before = open_with(tmp_path, "launch.offload=optimizer")
    folder = tmp_path / "runs" / "robot-lora"
    assert before.launch == {"processes": 1, "machines": 1, "strategy": "zero2", "offload": "optimizer"}
    after = reopen_with(tmp_path, before)
    assert after.launch["offload"] is None
    assert "offload" not in (folder / "deepspeed.json").read_text()
    write_checkpoint(folder / "model" / "checkpoint-5")
    with pytest.raises(UserError) as refused:
        reopen_with(tmp_path, after, "launch.offload=optimizer")
    assert str(refused.value) == (
        f"{folder}: checkpoint-5 was written by zero2 on 1 process, and cannot be resumed by zero2 with "
        "launch.offload: optimizer on 1 process; GPUS=1 SET='launch.strategy=zero2 launch.offload=null' resumes it, "
        "FORCE=1 trains anew"
    )
