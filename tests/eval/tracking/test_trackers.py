"""An evaluation's figures in a training's run in MLflow, trackio and W&B, each as its own library reads it."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eval.scoring.summary import Summary
from eval.tracking.mlflow_run import send_to_mlflow
from eval.tracking.send import send_figures
from eval.tracking.tracked_figures import TrackedFigures
from eval.tracking.trackio_run import send_to_trackio
from eval.tracking.wandb_run import send_to_wandb
from recipebook.run.tracked import MlflowRun, Trackers, TrackioRun, WandbRun, read_trackers, write_trackers
from tests.eval.tracking.conftest import VALUES


@pytest.mark.long
def test_mlflow_has_the_figures_at_the_last_step_and_the_report(
    figures: TrackedFigures, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A server keeps the same, but needs a database's client as well.
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    from mlflow import MlflowClient

    store = figures.training / "mlruns"
    client = MlflowClient(tracking_uri=store.as_uri())
    run = client.create_run(client.create_experiment("robots"))
    client.log_metric(run.info.run_id, "loss", 1.5, step=7)
    client.set_terminated(run.info.run_id)
    # As a recipe writes it: from the folder of the training.
    assert send_to_mlflow(figures, Trackers(mlflow=MlflowRun(id=run.info.run_id, uri="file:mlruns")))
    found = client.get_run(run.info.run_id)
    assert found.data.metrics == {"loss": 1.5, **figures.values}
    (exact,) = client.get_metric_history(run.info.run_id, "evaluation/exact/tuned")
    assert (exact.value, exact.step) == (0.5, 7)
    assert found.info.status == "FINISHED"
    assert next(store.rglob("evaluation/report.html")).read_text() == "<p>the report</p>"


@pytest.mark.long
def test_trackio_has_the_figures_in_the_run_of_the_training(
    figures: TrackedFigures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import trackio
    from trackio import sqlite_storage, utils

    for module, name in ((utils, "TRACKIO_DIR"), (sqlite_storage, "TRACKIO_DIR"), (sqlite_storage, "MEDIA_DIR"),
                         (utils, "MEDIA_DIR"), (trackio, "TRACKIO_DIR")):  # fmt: skip
        monkeypatch.setattr(module, name, tmp_path / "trackio", raising=False)
    trackio.init(project="robots", name="first", embed=False, auto_log_gpu=False)
    trackio.log({"loss": 1.5}, step=7)
    trackio.finish()
    capsys.readouterr()
    assert send_to_trackio(figures, Trackers(trackio=TrackioRun(project="robots", name="first")))
    assert capsys.readouterr().out == ""
    logged = sqlite_storage.SQLiteStorage.get_logs("robots", "first")
    assert [line.get("loss") for line in logged] == [1.5, None]
    assert {name: logged[1][name] for name in VALUES} == VALUES and logged[1]["step"] == 7
    assert sqlite_storage.SQLiteStorage.get_runs("robots") == ["first"]


def read_records(content: bytes) -> Iterator[bytes]:
    """The records of W&B's file: LevelDB's log, in blocks of 32 KiB, behind seven bytes that say what it is."""
    at, whole = 7, b""
    while at + 7 <= len(content):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack_from("<IHB", content, at)
        whole += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            yield whole
            whole = b""


def read_offline(folder: Path) -> dict[str, dict[str, Any]]:
    """The summaries that W&B keeps in a folder until they are synchronised, by the run's id."""
    from wandb.proto.wandb_internal_pb2 import Record

    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.rglob("*.wandb")):
        values = found.setdefault(path.stem.removeprefix("run-"), {})
        for data in read_records(path.read_bytes()):
            record = Record()
            record.ParseFromString(data)
            for item in (*record.summary.update, *record.history.item):
                values[item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
    return found


@pytest.mark.long
def test_wandb_has_the_figures_in_the_summary_of_the_offline_run(figures: TrackedFigures) -> None:
    known = Trackers(wandb=WandbRun(id="abc123", project="robots", offline=True))
    assert send_to_wandb(figures, known)
    summary = read_offline(figures.training / "wandb")["abc123"]
    assert {name: summary[name] for name in VALUES} == VALUES
    (page,) = (figures.training / "wandb").glob("offline-run-*/files/media/html/evaluation/*.html")
    assert page.read_text() == "<p>the report</p>"


def test_the_names_of_a_training_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert read_trackers(tmp_path) == Trackers()
    known = Trackers(wandb=WandbRun(id="a", project="p"), mlflow=MlflowRun(id="b"))
    write_trackers(tmp_path, known)
    assert read_trackers(tmp_path) == known


def test_a_tracker_that_fails_is_a_line_without_a_secret_and_the_others_get_the_figures(
    figures: TrackedFigures, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "correct horse battery")
    (figures.training / "tensorboard").mkdir()
    lost = MlflowRun(id="x", uri="ftp://me:correct%20horse@nowhere.invalid/correct horse battery")
    write_trackers(figures.training, Trackers(mlflow=lost))
    folder = figures.report.parent
    summary = Summary.model_validate_json((folder / "summary.json").read_bytes())
    assert send_figures(figures.training, folder, folder, summary) == ["tensorboard"]
    said = capsys.readouterr().out
    assert said.startswith("tracker   mlflow did not take the figures: ") and said.count("\n") == 1
    assert "horse" not in said
