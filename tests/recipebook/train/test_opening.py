"""What a new run's folder holds."""

from pathlib import Path

from recipebook.data.dataset import prepare
from recipebook.recipe.data_keys import Data
from recipebook.train.opening import link_rows


def test_rows_are_found_where_runs_is_a_link_to_another_disk(tmp_path: Path) -> None:
    rows = [f'{{"input": "go {n}", "output": "robot.stop()"}}\n' for n in range(20)]
    (tmp_path / "robot.jsonl").write_text("".join(rows))
    data = Data.model_validate({"source": "robot.jsonl", "converter": "robot"})
    dataset = prepare(data, tmp_path / "project" / ".cache", tmp_path)
    (tmp_path / "deep" / "disk" / "x-20261121-093000").mkdir(parents=True)
    (tmp_path / "project" / "runs").symlink_to(tmp_path / "deep" / "disk")
    folder = tmp_path / "project" / "runs" / "x-20261121-093000"
    link_rows(folder, dataset)
    assert (folder / "data" / "train.jsonl").read_text() == dataset.path("train").read_text()
