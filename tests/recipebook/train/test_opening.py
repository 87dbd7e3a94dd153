"""What a new run's folder holds."""

import shutil
from pathlib import Path

from recipebook.data.dataset import Dataset, prepare
from recipebook.data.overlap import HELD_OUT
from recipebook.recipe.data_keys import Data
from recipebook.train.opening import place_rows


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
