"""The verdict against baselines: better than each of them, or not shown to be."""

import json
import math
from pathlib import Path

import pytest

from eval.asking.measurable import check_prompts
from eval.report.baselines import judge_baselines, judge_content, list_baselines, list_published
from eval.report.page import terminal_table
from eval.report.verdict import make_verdict
from eval.scoring.baselines import add_baselines
from eval.scoring.score import evaluate_predictions
from eval.scoring.summary import Summary
from recipebook.errors import UserError
from recipebook.recipe.evaluation_keys import Baselines, Evaluation, Published

# Twenty rows: tuned has 18 right, the base none.
ROWS = [
    {"id": str(row), "prompt": "p", "reference": "right", "prediction": "right" if row < 18 else "no", "baseline": "no"}
    for row in range(20)
]


def evaluate(folder: Path, right: int, published: Published | None = None, name: str = "nearest") -> Summary:
    """An evaluation with a baseline that has the first rows right."""
    (folder / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    summary = evaluate_predictions(folder / "predictions.jsonl", {"text": {}}, [], "exact", 42, folder)
    answers = {name: ["right" if row < right else "no" for row in range(20)]}
    return add_baselines(folder, summary, {"text": {}}, answers, published)


def test_tuned_is_better_than_each(tmp_path: Path) -> None:
    summary = evaluate(tmp_path, 5)
    base, nearest = list_baselines(summary)
    # 18 rows, and 13, differ, all for tuned: McNemar's exact 2 / 2¹⁸, and by chi-squared 13.
    assert (base.name, base.difference.mean) == ("base", 0.9)
    assert base.difference.p == pytest.approx(2 / 2**18)
    assert (nearest.name, nearest.estimate.mean) == ("nearest", 0.25)
    assert nearest.difference.mean == 0.65
    assert nearest.difference.p == pytest.approx(math.erfc(math.sqrt(13 / 2)))
    assert judge_baselines(summary) == (
        "Better than each of 2 baselines, of which nearest (0.250) is the strongest: the largest p < 0.001."
    )
    assert "nearest  0.250 [0.112, 0.469]" in terminal_table(summary)
    lines = (tmp_path / "baselines.jsonl").read_text().splitlines()
    assert json.loads(lines[0]) == {"id": "0", "nearest": "right"}
    assert Summary.model_validate_json((tmp_path / "summary.json").read_bytes()) == summary


def test_a_baseline_that_is_as_good_decides_the_verdict(tmp_path: Path) -> None:
    assert judge_baselines(evaluate(tmp_path, 16)) == (
        "Not shown to be better than nearest; the strongest baseline is nearest (0.800)."
    )


def test_a_baseline_that_is_better_is_said_to_be(tmp_path: Path) -> None:
    # Tuned has 18 of 20 right: two rows differ. Then it has none: 18 differ from base, and one from nearest.
    tuned = evaluate(tmp_path, 20)
    assert judge_baselines(tuned) == "Not shown to be better than nearest; the strongest baseline is nearest (1.000)."
    flipped = [{**row, "prediction": row["baseline"], "baseline": row["prediction"]} for row in ROWS]
    (tmp_path / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in flipped))
    summary = evaluate_predictions(tmp_path / "predictions.jsonl", {"text": {}}, [], "exact", 42, tmp_path)
    found = add_baselines(tmp_path, summary, {"text": {}}, {"nearest": ["right"] + ["no"] * 19}, None)
    assert judge_baselines(found) == (
        "Worse than base; not shown to be better than nearest; the strongest baseline is base (0.900)."
    )


def test_the_content_was_learned_where_tuned_is_better_than_base_and_placebo(tmp_path: Path) -> None:
    summary = evaluate(tmp_path, 5, name="placebo")
    learned = "It learned the content: better than base and than the same training on shuffled answers (placebo)."
    assert judge_content(summary) == learned
    assert make_verdict(summary).endswith(f"the largest p < 0.001. {learned}")


def test_a_placebo_that_is_as_good_shows_that_nothing_of_the_content_may_be_learned(tmp_path: Path) -> None:
    # Tuned has 18 right and the placebo 16: two rows differ.
    assert judge_content(evaluate(tmp_path, 16, name="placebo")) == (
        "That it learned the content is not shown: tuned is not shown to be better than placebo."
    )


def test_without_a_placebo_nothing_is_said_of_the_content(tmp_path: Path) -> None:
    assert judge_content(evaluate(tmp_path, 5)) == ""


def test_published_figures_stand_beside_and_are_not_tested(tmp_path: Path) -> None:
    summary = evaluate(tmp_path, 5, Published(source="Table 2 of a paper", figures={"exact": 0.8}))
    assert list_published(summary) == ["published, and not tested against: exact 0.800 (Table 2 of a paper)"]


def test_what_cannot_be_is_refused_before_a_model_is_loaded() -> None:
    wrong = Evaluation(metrics={"text": {}}, published=Published(source="a paper", figures={"exakt": 0.8}))
    with pytest.raises(UserError, match=r"^eval.published.figures: no figure 'exakt'; did you mean 'exact'\?"):
        check_prompts(wrong, [])
    per_cent = Evaluation(metrics={"text": {}}, published=Published(source="a paper", figures={"exact": 84.5}))
    with pytest.raises(
        UserError,
        match=r"^eval.published.figures.exact: 84.5 is not between 0 and 1, as exact is; 84.5 per cent is 0.845$",
    ):
        check_prompts(per_cent, [])
    check_prompts(Evaluation(metrics={"text": {}}, published=Published(source="x", figures={"pred_length": 84.5})), [])
    measured = Evaluation(metrics={"likelihood": {}}, baselines=Baselines(nearest=True))
    with pytest.raises(UserError, match=r"^eval.baselines: metric 'likelihood' measures likelihoods"):
        check_prompts(measured, [])
    beside = Evaluation(metrics={"likelihood": {}}, placebo="shuffled")
    with pytest.raises(UserError, match=r"^eval.placebo: the placebo gives answers of its own"):
        check_prompts(beside, [])
