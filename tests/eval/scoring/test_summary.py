"""The summary: main figure first, slices by value, p-values adjusted over what stands side by side."""

import math

import pytest

from eval.scoring.predictions import Prediction
from eval.scoring.summary import Figure, Scores, Summary, summarise
from recipebook.errors import UserError

FIGURES = {
    "near": Figure(explanation="close enough", binary=False),
    "exact": Figure(explanation="all right", binary=True),
}
PREDICTIONS = [
    Prediction(
        id=str(row), prediction="", reference="", meta={"kind": "long" if row < 8 else "short"}, truncated=row == 3
    )
    for row in range(10)
]
TUNED: list[Scores] = [{"near": 1.0, "exact": 1.0 if row < 8 else 0.0} for row in range(10)]
BASE: list[Scores] = [{"near": None if row == 0 else 0.5, "exact": 0.0} for row in range(10)]


def summarise_all(main: str | None = "exact", slices: tuple[str, ...] = ("kind",)) -> Summary:
    return summarise(PREDICTIONS, TUNED, BASE, FIGURES, slices, 42, main)


def test_the_main_figure_comes_first_here_and_in_slices() -> None:
    summary = summarise_all()
    assert [result.figure for result in summary.results] == ["exact", "near"]
    assert [[result.figure for result in part.results] for part in summary.slices] == [["exact", "near"]] * 2
    assert summarise_all(main=None).headline.figure == "near"


def test_a_figure_that_no_answer_has_is_not_the_main_one() -> None:
    without: list[Scores] = [{**scores, "near": None} for scores in TUNED]
    assert summarise(PREDICTIONS, without, BASE, FIGURES, [], 42, None).main == "exact"
    nothing: list[Scores] = [dict.fromkeys(FIGURES) for _ in TUNED]
    assert summarise(PREDICTIONS, nothing, None, FIGURES, [], 42, None).main == "near"


def test_rows_and_truncated_answers_are_counted() -> None:
    summary = summarise_all()
    assert (summary.rows, summary.truncated, summary.with_base) == (10, 1, True)


def test_slices_have_their_own_rows() -> None:
    found = [(part.field, part.value, part.rows, part.results[0].tuned.mean) for part in summarise_all().slices]
    assert found == [("kind", "long", 8, 1.0), ("kind", "short", 2, 0.0)]


def test_rows_without_the_field_are_a_slice_of_their_own() -> None:
    rows = [PREDICTIONS[0], PREDICTIONS[1].model_copy(update={"meta": {}})]
    summary = summarise(rows, TUNED[:2], None, FIGURES, ["kind"], 42, "exact")
    assert [(part.value, part.rows) for part in summary.slices] == [("(none)", 1), ("long", 1)]


def test_p_values_are_adjusted_over_the_figures_and_over_the_slices() -> None:
    summary = summarise_all()
    exact, near = summary.results
    assert exact.difference is not None and near.difference is not None
    # 8 better, none worse: chi-squared 8, one degree of freedom.
    assert exact.difference.p == pytest.approx(math.erfc(math.sqrt(8 / 2)))
    # The smaller p counts twice, the larger once, and never less than the smaller.
    p_exact, p_near = exact.difference.p, near.difference.p
    assert p_exact is not None and p_near is not None and p_near < p_exact
    assert near.p_adjusted == 2 * p_near
    assert exact.p_adjusted == max(p_exact, 2 * p_near)
    assert [part.results[0].p_adjusted for part in summary.slices] == pytest.approx([2 * p_exact, 1.0])


def test_a_base_figure_that_is_undefined_leaves_the_pairs() -> None:
    near = summarise_all().results[1]
    assert near.base is not None and near.difference is not None
    assert (near.base.n, near.base.undefined, near.difference.n, near.difference.mean) == (9, 1, 9, 0.5)


def test_unknown_figures_and_slice_fields_are_told() -> None:
    with pytest.raises(UserError, match="no figure 'exakt'; the metrics have: near, exact"):
        summarise_all(main="exakt")
    with pytest.raises(UserError, match="no test row has 'colour' in its meta to slice by; they have: kind"):
        summarise_all(slices=("colour",))


def test_an_untested_figure_has_no_p_value_and_leaves_the_others_theirs() -> None:
    figures = {**FIGURES, "near": FIGURES["near"].model_copy(update={"untested": True})}
    exact, near = summarise(PREDICTIONS, TUNED, BASE, figures, [], 42, "exact").results
    assert exact.difference is not None and near.difference is not None
    assert (exact.p_adjusted, near.difference.mean, near.p_adjusted) == (exact.difference.p, 0.5, None)
    with pytest.raises(UserError, match="figure 'near' is not tested and cannot be the main one; these can: exact"):
        summarise(PREDICTIONS, TUNED, BASE, figures, [], 42, "near")
