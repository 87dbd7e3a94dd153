"""Several answers to a row count as one: figures are means of rows, and intervals go over rows."""

import json
from pathlib import Path

import pytest

from eval.report.notes import list_notes
from eval.scoring.baselines import add_baselines
from eval.scoring.figures import Figure
from eval.scoring.predictions import Prediction
from eval.scoring.rows_of_answers import Scores, average_rows
from eval.scoring.score import evaluate_predictions, score_file
from eval.scoring.summary import summarise

FIGURES = {"exact": Figure(explanation="all right", binary=True)}


def answer(row: int, sample: int, variant: str) -> Prediction:
    meta = {"variant": variant, "sample": sample}
    return Prediction(id=f"{row}~{variant}~{sample}", row=str(row), prediction="", reference="", meta=meta)


# Ten rows, each under two variants with two samples. Under `plain` all are right, under `polite` only the first sample.
ANSWERS = [answer(row, sample, variant) for row in range(10) for variant in ("plain", "polite") for sample in (1, 2)]
TUNED: list[Scores] = [{"exact": 1.0 if at % 4 < 3 else 0.0} for at in range(40)]
BASE: list[Scores] = [{"exact": 0.0} for _ in range(40)]


def test_a_rows_score_is_the_mean_of_those_of_its_answers_that_have_one() -> None:
    scores: list[Scores] = [{"f1": 1.0}, {"f1": None}, {"f1": 0.5}, {"f1": None}, {"f1": None}]
    rows = [Prediction(id=str(at), row="a" if at < 3 else "b", prediction="", reference="") for at in range(5)]
    # (1 + 0.5) / 2; b has none.
    assert average_rows(rows, scores) == [{"f1": 0.75}, {"f1": None}]


def test_the_unit_is_the_row_whatever_the_number_of_its_answers() -> None:
    summary = summarise(ANSWERS, TUNED, BASE, FIGURES, ["variant"], 42, "exact")
    head = summary.headline
    assert (summary.rows, summary.answers) == (10, 40)
    # Each row has 3 of 4 right: 0.75 everywhere, in ten groups.
    assert (head.tuned.n, head.tuned.mean) == (10, 0.75)
    assert head.difference and (head.difference.n, head.difference.groups) == (10, 10)
    assert not head.binary and head.share
    found = [(part.value, part.rows, part.results[0].tuned.mean) for part in summary.slices]
    assert found == [("plain", 10, 1.0), ("polite", 10, 0.5)]


def test_ten_copies_of_the_same_answers_make_no_interval_shorter() -> None:
    right = [row % 3 > 0 for row in range(12)]
    alone = [Prediction(id=str(row), prediction="", reference="", row=str(row)) for row in range(12)]
    copied = [one.model_copy(update={"id": f"{one.id}~{sample}"}) for one in alone for sample in range(10)]
    once = summarise(alone, [{"exact": float(one)} for one in right], None, FIGURES, [], 42, "exact")
    often = summarise(
        copied, [{"exact": float(one)} for one in right for _ in range(10)], None, FIGURES, [], 42, "exact"
    )
    assert once.headline.tuned == often.headline.tuned


def test_the_spread_over_variants_is_said() -> None:
    summary = summarise(ANSWERS, TUNED, BASE, FIGURES, ["variant"], 42, "exact")
    # The deviation of 1.0 and 0.5 is 0.5 / √2.
    assert (
        "exact over 2 variants of the prompt: tuned from 0.500 (polite) to 1.000 (plain), standard deviation 0.354; "
        "base from 0.000 (plain) to 0.000 (polite), standard deviation 0.000"
    ) in list_notes(summary)
    assert "0 of 40 answers of tuned were cut off at the limit of new tokens" in list_notes(summary)


def write_predictions(folder: Path) -> Path:
    lines = [
        {"id": f"{row}~{sample}", "row": str(row), "reference": "yes", "prediction": "yes" if sample else "no"}
        for row in range(4)
        for sample in (0, 1)
    ]
    path = folder / "predictions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_file_of_any_system_may_hold_several_answers_to_a_row(tmp_path: Path) -> None:
    found = score_file("text", write_predictions(tmp_path), tmp_path / "scores.jsonl", {})
    assert (found["n"], found["answers"]) == (4, 8)
    assert (found["figures"]["exact"]["n"], found["figures"]["exact"]["mean"]) == (4, 0.5)
    assert len((tmp_path / "scores.jsonl").read_text().splitlines()) == 8


def test_a_baseline_is_compared_row_by_row(tmp_path: Path) -> None:
    path = write_predictions(tmp_path)
    summary = evaluate_predictions(path, {"text": {}}, [], "exact", 42, tmp_path)
    (found,) = add_baselines(tmp_path, summary, {"text": {}}, {"majority": ["no"] * 8}, None).baselines
    assert found.difference.n == 4
    assert found.difference.mean == pytest.approx(0.5)
    lines = (tmp_path / "baseline_scores.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["id"] == "0~0" and json.loads(lines[0])["majority"]["exact"] == 0.0
