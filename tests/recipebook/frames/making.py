"""Runs as their folders have them, without a model: fields of a manifest in, a run's folder out.

write_run(tmp_path, "robot-1", recipe="robot", status="failed", reason="no room")

And frames with a column of every dtype.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from eval.scoring.evaluated_rows import EvaluatedRows
from eval.scoring.score import evaluate_predictions
from recipebook.frames.columns import TableColumn, TableSchema, build_frame
from recipebook.hardware import Hardware
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import Run

CONDITIONS = {"test set": "t1", "chat template": "c1", "metric settings": "m1", "generation settings": "g1"}
TEST = EvaluatedRows(part="test", turns="last", engine="transformers", checkpoint=None)
SCHEMA = TableSchema(
    name="all",
    columns=(
        TableColumn(name="text", dtype="string", meaning="m", missing=True),
        TableColumn(name="whole", dtype="Int64", meaning="m", missing=True),
        TableColumn(name="number", dtype="Float64", meaning="m", missing=True),
        TableColumn(name="sure", dtype="boolean", meaning="m", missing=True),
        TableColumn(name="time", dtype="datetime64[us, UTC]", meaning="m", missing=True),
        TableColumn(name="side", dtype="category", meaning="m", missing=True, values=("=left", "right")),
    ),
)
NAMES = [column.name for column in SCHEMA.columns]
EMPTY = (None,) * len(NAMES)
NOON = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


def write_run(runs: Path, name: str, fleet: str | None = None, **fields: Any) -> Run:
    """A run's folder with its manifest; a member's is in its fleet's folder."""
    run = Run((runs / fleet if fleet else runs) / name, fleet)
    run.folder.mkdir(parents=True)
    least: dict[str, Any] = {
        "run": run.name, "recipe": "robot", "status": "trained", "identity": "i", "profile": None, "overrides": (),
        "git": {}, "versions": {}, "hardware": Hardware(gpus=(), cpu="c", cores=2, memory_gib=8),
    }  # fmt: skip
    run.write(Manifest(**{**least, **fields}))
    return run


def write_lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """A JSONL file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def evaluate(
    run: Run, lines: Sequence[Mapping[str, Any]], where: str = "", conditions: Mapping[str, str] = CONDITIONS
) -> None:
    """An evaluation of these answers by the metric `text`, as `make eval` leaves it."""
    folder = run.folder / "eval" / where
    write_lines(folder / "predictions.jsonl", lines)
    part = "validation" if where.startswith("validation") else "test"
    asked = TEST.model_copy(update={"part": part})
    evaluate_predictions(folder / "predictions.jsonl", {"text": {}}, [], "exact", 42, folder, conditions, asked)


def answer(number: int, prediction: str, baseline: str = "wrong", **more: Any) -> dict[str, Any]:
    """A line of predictions.jsonl whose reference is `right`."""
    line = {"id": f"a.json#{number}", "prompt": "p", "reference": "right", "prediction": prediction}
    return {**line, "baseline": baseline, **more}


def make_frame(*rows: tuple[Any, ...]) -> pd.DataFrame:
    """A frame of these rows, with the columns of SCHEMA."""
    return build_frame(SCHEMA, [dict(zip(NAMES, row, strict=True)) for row in rows])
