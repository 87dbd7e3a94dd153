"""The flat files that earlier scripts read: which there is, under which names."""

import json
from pathlib import Path

import pytest

from eval.scoring.evaluated_rows import EvaluatedRows, OwnFile
from eval.scoring.score import evaluate_predictions

LINE = {"id": "1", "prompt": "p", "reference": "set to 22", "prediction": "set it to 22 now", "baseline": "no"}
NO_REFERENCE = {"id": "2", "prompt": "p", "reference": "", "prediction": "", "baseline": ""}


def evaluate(folder: Path, part: str | None, lines: list[dict[str, str]], own: OwnFile | None = None) -> None:
    path = folder / "predictions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    asked = EvaluatedRows(part=part, turns="last", engine="", checkpoint=None, own=own) if part else None
    evaluate_predictions(path, {"text": {}}, [], None, 42, folder, {}, asked)


@pytest.mark.parametrize(
    ("part", "names"),
    [("test", ["test_metrics.json"]), ("validation", ["val_metrics.json"]), (None, [])],
)
def test_the_file_is_named_by_the_part(tmp_path: Path, part: str | None, names: list[str]) -> None:
    evaluate(tmp_path, part, [LINE])
    assert [path.name for path in tmp_path.glob("*metrics.json")] == names


def test_a_file_of_the_users_own_is_no_part(tmp_path: Path) -> None:
    evaluate(tmp_path, "test", [LINE], OwnFile(name="more.json", seen=0))
    assert [path.name for path in tmp_path.glob("*metrics.json")] == []


def test_figures_are_the_tuned_means_under_the_names_of_the_earlier_script(tmp_path: Path) -> None:
    evaluate(tmp_path, "test", [LINE])
    assert json.loads((tmp_path / "test_metrics.json").read_bytes()) == {
        "exact": 0.0, "avg_pred_length": 5.0, "avg_ref_length": 3.0, "length_ratio": pytest.approx(5 / 3),
    }  # fmt: skip


def test_a_figure_that_is_undefined_is_null(tmp_path: Path) -> None:
    evaluate(tmp_path, "test", [NO_REFERENCE])
    assert json.loads((tmp_path / "test_metrics.json").read_bytes())["length_ratio"] is None
