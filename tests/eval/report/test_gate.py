"""A gate for programs: passed only where the verdict says better, or not worse by more than a margin."""

import json
from pathlib import Path

import pytest

from eval.report.gate import judge_gate
from eval.scoring.score import evaluate_predictions
from eval.scoring.summary import Baseline, Summary


def evaluate(folder: Path, said: str, base: str) -> Summary:
    """Rows with + for a right answer and - for a wrong one, of tuned and of base."""
    answers = {"+": "right", "-": "no"}
    rows = [
        {"id": str(row), "reference": "right", "prediction": answers[one], "baseline": answers[other]}
        for row, (one, other) in enumerate(zip(said, base, strict=True))
    ]
    (folder / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return evaluate_predictions(folder / "predictions.jsonl", {"text": {}}, [], "exact", 42, folder)


def test_better_is_what_the_verdict_calls_better(tmp_path: Path) -> None:
    good = evaluate(tmp_path, "+" * 10, "-" * 10)
    assert judge_gate(good, "better") == (True, "gate better: passed: exact is shown to be better than base")
    # Three of three the same way are 1/4: nothing is shown.
    few = evaluate(tmp_path, "+++", "---")
    assert judge_gate(few, "better") == (False, "gate better: not passed: exact is not shown to be better than base")
    assert judge_gate(evaluate(tmp_path, "-" * 10, "+" * 10), "better")[0] is False


def test_a_baseline_that_is_as_good_closes_the_gate(tmp_path: Path) -> None:
    good = evaluate(tmp_path, "+" * 10, "-" * 10)
    none = evaluate(tmp_path, "+" * 10, "+" * 10).headline
    assert none.difference
    equal = Baseline(name="nearest", estimates={"exact": none.tuned}, difference=none.difference)
    line = "gate better: not passed: exact is not shown to be better than nearest"
    assert judge_gate(good.model_copy(update={"baselines": (equal,)}), "better") == (False, line)


@pytest.mark.parametrize(
    ("less_is_better", "margin", "line"),
    [
        (False, 0.02, "gate not-worse: passed: exact is at most 0.011 worse than base, and 0.02 are allowed"),
        (False, 0.01, "gate not-worse: not passed: exact may be 0.011 worse than base, and 0.01 are allowed"),
        (True, 0.05, "gate not-worse: not passed: exact may be 0.103 worse than base, and 0.05 are allowed"),
    ],
)
def test_not_worse_looks_at_the_worse_end(tmp_path: Path, less_is_better: bool, margin: float, line: str) -> None:
    # Of 100 rows one is lost and five are won: Tango's interval reaches from -0.011 to 0.103.
    summary = evaluate(tmp_path, "-" + "+" * 99, "+" + "-" * 5 + "+" * 94)
    headline = summary.headline.model_copy(update={"less_is_better": less_is_better})
    changed = summary.model_copy(update={"results": (headline, *summary.results[1:])})
    assert judge_gate(changed, "not-worse", margin) == ("not passed" not in line, line)


def test_a_difference_just_beyond_the_margin_is_not_rounded_to_it(tmp_path: Path) -> None:
    summary = evaluate(tmp_path, "-" + "+" * 99, "+" + "-" * 5 + "+" * 94)
    assert summary.headline.difference
    changed = summary.headline.difference.model_copy(update={"low": -0.0203})
    headline = summary.headline.model_copy(update={"difference": changed})
    beyond = summary.model_copy(update={"results": (headline, *summary.results[1:])})
    line = "gate not-worse: not passed: exact may be 0.0203 worse than base, and 0.02 are allowed"
    assert judge_gate(beyond, "not-worse", 0.02) == (False, line)


def test_what_is_better_in_every_row_by_the_same_is_not_worse(tmp_path: Path) -> None:
    rows = [
        {"id": str(row), "reference": "a", "prediction": "a", "baseline": "a",
         "measures": {"answer": -row - 1.0, "answer_tokens": 1},
         "baseline_measures": {"answer": -row - 1.5, "answer_tokens": 1}}
        for row in range(10)
    ]  # fmt: skip
    (tmp_path / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    summary = evaluate_predictions(tmp_path / "predictions.jsonl", {"likelihood": {}}, [], "nll", 42, tmp_path)
    assert summary.headline.difference and summary.headline.difference.low is None
    assert judge_gate(summary, "better") == (True, "gate better: passed: nll is shown to be better than base")
    line = "gate not-worse: passed: it is better by 0.500 in nll"
    assert judge_gate(summary, "not-worse", 0.02) == (True, line)
