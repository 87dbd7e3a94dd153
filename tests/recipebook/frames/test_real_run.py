"""A run of the embedded base, evaluated for real: frames and files hold what the evaluation wrote, value by value."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from eval.evaluate import evaluate_run
from recipebook import frames, project
from recipebook.frames.files import write_table
from recipebook.recipe.resolve import resolve
from recipebook.run.rundir import Run
from tests.recipebook.recipe.making import keep_apart, train, write_sample

RECIPE = """\
description: a recipe
model: {base: models/tiny-base, chat_template: chatml}
data: {source: SAMPLE/chats.jsonl, converter: chat, split: {by: [id], validation: 0.2, test: 0.2}}
eval: {metrics: {text: {}, likelihood: {}}, slices: [topic], generation: {max_new_tokens: 2}}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run as if trained, evaluated on its test and on its validation rows."""
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        keep_apart(patch, folder)
        write_sample(folder)
        (folder / "x.yaml").write_text(RECIPE.replace("SAMPLE", str(folder)))
        made = train(resolve(str(folder / "x.yaml"), "tiny"), folder)
        evaluate_run(made, ())
        evaluate_run(made, ("eval.part=validation",))
        yield made


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("where", ["", "validation"])
def test_predictions_and_scores_are_those_of_the_files(run: Run, where: str) -> None:
    folder, name = run.folder / "eval" / where, f"{run.name}@{where}" if where else run.name
    lines = read_lines(folder / "predictions.jsonl")
    frame = frames.predictions(name, project.RUNS)
    assert len(frame) == len(lines) > 2
    for row, line in zip(frame.to_dict("records"), lines, strict=True):
        flat = {f"{key}.{inner}": value for key in ("meta", "measures", "baseline_measures")
                for inner, value in line.pop(key).items()}  # fmt: skip
        filled = {key: value for key, value in row.items() if value is not None and value is not pd.NA}
        assert filled == {**line, **flat, "run": run.name, "evaluation": where}
    expected = [
        (line["id"], system, figure, value)
        for line in read_lines(folder / "scores.jsonl")
        for system in ("tuned", "base")
        for figure, value in line[system].items()
    ]
    scores = frames.scores(name, project.RUNS)
    found = scores[["id", "system", "figure", "value"]].astype(object).where(lambda cells: cells.notna(), None)
    assert [tuple(row) for row in found.to_numpy()] == expected


def test_the_run_has_the_main_figure_of_its_summary(run: Run) -> None:
    summary = json.loads((run.folder / "eval" / "summary.json").read_bytes())
    (row,) = frames.runs(project.RUNS).to_dict("records")
    result = summary["results"][0]
    assert (row["figure"], row["rows"], row["tuned"]) == (summary["main"], summary["rows"], result["tuned"]["mean"])
    ranked = frames.leaderboard(folder=project.RUNS)
    assert ranked["evaluation"].tolist() == ["", "validation"]
    assert ranked["mean"][0] == result["tuned"]["mean"]


@pytest.mark.parametrize(("where", "name"), [("", "test_metrics.json"), ("validation", "val_metrics.json")])
def test_flat_metrics_are_the_means_of_the_summary(run: Run, where: str, name: str) -> None:
    folder = run.folder / "eval" / where
    results = json.loads((folder / "summary.json").read_bytes())["results"]
    names = {"pred_length": "avg_pred_length", "ref_length": "avg_ref_length"}
    expected = {names.get(one["figure"], one["figure"]): one["tuned"]["mean"] for one in results}
    assert json.loads((folder / name).read_bytes()) == expected
    assert [path.name for path in folder.glob("*_metrics.json")] == [name]


def test_all_tables_are_the_same_again_from_parquet(run: Run, tmp_path: Path) -> None:
    made = [
        frames.runs(project.RUNS),
        frames.losses(run.name, project.RUNS),
        frames.predictions(run.name, project.RUNS),
        frames.scores(run.name, project.RUNS),
        frames.leaderboard(folder=project.RUNS),
    ]
    for frame in made:
        write_table(frame, tmp_path / "a.parquet", "parquet")
        found = pd.read_parquet(io.BytesIO((tmp_path / "a.parquet").read_bytes()))
        pd.testing.assert_frame_equal(found, frame)
