"""A training that three trackers follow: resumed, and evaluated, it is in the runs that it began there."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.project import Project

pytestmark = pytest.mark.long

RECIPE = """\
description: d
model: {base: models/tiny-base, chat_template: chatml}
data: {source: few.json, converter: robot, split: {by: [input], validation: 0, test: 0.3}}
training: {precision: fp32, learning_rate: 3e-3, batch_size: 8, max_steps: 40, save_steps: 2, logging_steps: 1}
lora: {r: 8, alpha: 16, target_modules: [q_proj, v_proj]}
eval: {metrics: {robot: {}}, main: exact, generation: {max_new_tokens: 8}}
axolotl:
  wandb_project: robots
  wandb_mode: offline
  mlflow_experiment_name: robots
  mlflow_tracking_uri: file:mlruns
  trackio_project_name: robots
"""


@pytest.fixture
def run(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    monkeypatch.setenv("WANDB_API_KEY", "0123456789" * 4)
    records = json.loads((project.folder / "samples" / "robot.json").read_bytes())[:40]
    (project.folder / "few.json").write_text(json.dumps(records))
    (project.folder / "recipes" / "followed.yaml").write_text(RECIPE)
    process, folder = project.start_until(6, "train", "followed")
    os.kill(process.pid, signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    begun = json.loads((folder / "trackers.json").read_bytes())
    status, said = project.run("train", "followed")
    assert status == 0 and "resumes at step" in said, said
    assert json.loads((folder / "trackers.json").read_bytes()) == begun
    _, manifest = project.newest()
    status, said = project.run("eval", manifest["run"])
    assert status == 0, said
    assert "the figures are in tensorboard, wandb, mlflow, trackio, too" in said
    return folder


def test_each_tracker_has_both_attempts_at_training_and_the_evaluation_as_one_run(run: Path, tmp_path: Path) -> None:
    known: dict[str, Any] = json.loads((run / "trackers.json").read_bytes())
    ids = {path.stem.removeprefix("run-") for path in (run / "wandb").glob("offline-run-*/*.wandb")}
    assert ids == {known["wandb"]["id"]} and len([*(run / "wandb").glob("offline-run-*")]) == 3
    (of_mlflow,) = [path.parent for path in (run / "mlruns").rglob("metrics/loss")]
    assert of_mlflow.parent.name == known["mlflow"]["id"]
    steps = {int(line.split()[2]) for line in (of_mlflow / "loss").read_text().splitlines()}
    assert steps == set(range(1, 41))
    assert (of_mlflow / "evaluation" / "exact" / "tuned").is_file()
    assert (of_mlflow.parent / "artifacts" / "evaluation" / "report.html").is_file()
    logged = read_trackio(tmp_path / "trackio", known["trackio"])
    assert {"train/loss", "evaluation/exact/tuned"} <= {name for line in logged for name in line}
    assert {line["train/global_step"] for line in logged if "train/loss" in line} == set(range(1, 41))
    key = os.environ["WANDB_API_KEY"]
    texts = [path for path in run.rglob("*") if path.suffix in (".json", ".jsonl", ".yaml", ".log", ".html", ".sh")]
    assert (run / "train.log") in texts and not [path for path in texts if key in path.read_text(errors="replace")]


def read_trackio(folder: Path, known: dict[str, str]) -> list[dict[str, Any]]:
    """What trackio's database has of a run, read by itself: the library looks for its folder when it is imported."""
    import sqlite3

    with sqlite3.connect(folder / f"{known['project']}.db") as database:
        lines = database.execute("SELECT metrics FROM metrics WHERE run_name = ?", (known["name"],)).fetchall()
    return [json.loads(metrics) for (metrics,) in lines]
