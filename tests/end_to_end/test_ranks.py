"""Several processes on the CPU: every row seen once an epoch, and the loss of one process with the same batch."""

import json
import random
import shutil
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from tests.end_to_end.project import Project, read_logged

pytestmark = pytest.mark.long

ROWS = 128
SEEN = ("axolotl.plugins=[seen_rows.SeenRows]",)
SETTINGS = (
    "data.source=few.json", "data.split.validation=0", "data.split.test=0", "training.epochs=1",
    "training.logging_steps=1", "training.learning_rate=3e-4", "training.group_by_length=false", *SEEN,
)  # fmt: skip


@pytest.fixture(scope="module")
def one_process(project: Project) -> tuple[Path, dict[str, Any]]:
    records = json.loads((project.folder / "samples" / "robot.json").read_bytes())
    few = random.Random(1).sample(records, ROWS)
    (project.folder / "few.json").write_text(json.dumps(few))
    shutil.copy(Path(__file__).with_name("seen_rows.py"), project.folder)
    status, said = project.train(*SETTINGS, "training.batch_size=16")
    assert status == 0, said
    return project.newest()


def read_seen(folder: Path) -> list[Counter[str]]:
    return [Counter(path.read_text().splitlines()) for path in sorted(folder.glob("seen-*.txt"))]


@pytest.mark.parametrize("strategy", ["data-parallel", "zero1", "zero2", "zero3"])
def test_two_processes_train_as_one(project: Project, one_process: tuple[Path, dict[str, Any]], strategy: str) -> None:
    status, said = project.train(
        *SETTINGS, "training.batch_size=8", "launch.processes=2", f"launch.strategy={strategy}"
    )
    assert status == 0, said
    folder, manifest = project.newest()
    first, second = read_seen(folder)
    (alone,) = read_seen(one_process[0])
    assert first + second == alone
    assert (first.total(), second.total(), alone.total()) == (ROWS // 2, ROWS // 2, ROWS)
    assert manifest["final_loss"] == pytest.approx(one_process[1]["final_loss"], rel=0.02)
    adapter = load_file(folder / "model" / "adapter_model.safetensors")
    assert {name: weight.shape for name, weight in adapter.items()} == {
        name: weight.shape for name, weight in load_file(one_process[0] / "model" / "adapter_model.safetensors").items()
    }


@pytest.mark.parametrize("strategy", ["data-parallel", "zero2"])
def test_two_processes_that_are_stopped_go_on_as_if_they_had_not_been(
    project: Project, one_process: tuple[Path, dict[str, Any]], strategy: str
) -> None:
    settings = (*SETTINGS, "training.batch_size=4", "training.save_steps=5", "launch.processes=2")
    words = ("train", "robot-lora", "--set", *settings, f"launch.strategy={strategy}")
    process, stopped = project.start_until(7, *words)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    status, said = project.run(*words)
    assert status == 0, said
    folder, manifest = project.newest()
    assert folder == stopped
    assert [one["from_step"] for one in manifest["attempts"]][1] >= 5
    status, said = project.run("train", "robot-lora", "--force", "--set", *settings, f"launch.strategy={strategy}")
    assert status == 0, said
    whole, uninterrupted = project.newest()
    assert read_logged(folder) == read_logged(whole)
    assert manifest["weights"]["digest"] == uninterrupted["weights"]["digest"]


def test_deepspeed_with_one_process_trains_on_a_cpu_too(
    project: Project, one_process: tuple[Path, dict[str, Any]]
) -> None:
    status, said = project.train(*SETTINGS, "training.batch_size=16", "launch.strategy=zero2")
    assert status == 0, said
    assert project.newest()[1]["final_loss"] == pytest.approx(one_process[1]["final_loss"], rel=1e-4)


def test_two_processes_take_the_steps_of_one_where_the_recipe_names_their_records(
    project: Project, one_process: tuple[Path, dict[str, Any]]
) -> None:
    grouped = [one for one in SETTINGS if "group_by_length" not in one]
    settings = (*grouped, "training.group_by_length=true", "training.global_batch=16", "training.batch_size=4")
    runs = []
    for processes in (1, 2):
        status, said = project.train(*settings, f"launch.processes={processes}")
        assert status == 0, said
        runs.append(read_logged(project.newest()[0]))
    alone, together = runs
    assert list(together) == list(alone) == [1, 2, 3, 4, 5, 6, 7, 8]
    for (rate, loss), (wanted_rate, wanted_loss) in zip(together.values(), alone.values(), strict=True):
        assert rate == wanted_rate
        assert loss == pytest.approx(wanted_loss, rel=5e-3)
