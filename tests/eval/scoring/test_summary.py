"""The summary: main figure first, slices by value, p-values adjusted over what stands side by side."""

import pytest

from eval.scoring.figures import Figure
from eval.scoring.predictions import Prediction
from eval.scoring.rows_of_answers import Scores
from eval.scoring.summary import Summary, format_slice_value, order_values, summarise
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


def test_slices_by_numbers_are_in_the_order_of_the_numbers() -> None:
    values = ["10", "9", "2.5", "-1", "(none)", "100", "2 to 3"]
    assert order_values(values) == ["-1", "2.5", "9", "10", "100", "(none)", "2 to 3"]
    rows = [one.model_copy(update={"meta": {"words": 11 - at}}) for at, one in enumerate(PREDICTIONS[:3])]
    found = summarise(rows, TUNED[:3], None, FIGURES, ["words"], 42, "exact").slices
    assert [part.value for part in found] == ["9", "10", "11"]


def test_rows_without_the_field_are_a_slice_of_their_own() -> None:
    rows = [PREDICTIONS[0], PREDICTIONS[1].model_copy(update={"meta": {}})]
    summary = summarise(rows, TUNED[:2], None, FIGURES, ["kind"], 42, "exact")
    assert [(part.value, part.rows) for part in summary.slices] == [("(none)", 1), ("long", 1)]


def test_the_main_figure_is_tested_alone_and_the_others_among_themselves() -> None:
    far = {**FIGURES, "far": FIGURES["near"]}
    tuned: list[Scores] = [{**scores, "far": 0.6 if row < 8 else 0.5} for row, scores in enumerate(TUNED)]
    base: list[Scores] = [{**scores, "far": 0.5} for scores in BASE]
    summary = summarise(PREDICTIONS, tuned, base, far, [], 42, "exact")
    # 8 of 10 better, none worse: exact, 2 / 2⁸. Of near, all of the 9 rows that have it are: 2 / 2⁹. Of far, 8.
    assert [result.difference and result.difference.p for result in summary.results] == [2 / 2**8, 2 / 2**9, 2 / 2**8]
    assert [result.p_adjusted for result in summary.results] == [2 / 2**8, 2 * 2 / 2**9, 2 / 2**8]


def test_interval_p_value_and_verdict_of_the_main_figure_agree_however_many_figures_there_are() -> None:
    # 6 of 20 right, base none: the audited case, in which Holm over twelve figures made 0.014 to 0.058.
    rows = [Prediction(id=str(row), prediction="", reference="") for row in range(20)]
    tuned: list[Scores] = [{f"f{number}": float(row < 6) for number in range(12)} for row in range(20)]
    base: list[Scores] = [dict.fromkeys(scores, 0.0) for scores in tuned]
    figures = dict.fromkeys(tuned[0], FIGURES["exact"])
    headline = summarise(rows, tuned, base, figures, [], 42, "f0").headline
    assert headline.difference is not None and headline.difference.low is not None
    assert headline.p_adjusted == headline.difference.p == 2 / 2**6
    assert headline.difference.low > 0


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("short", "short"),
        ("", "(empty)"),
        (" ", "(empty)"),
        (None, "(none)"),
        (True, "true"),
        (3, "3"),
        (["a", "ü"], '["a", "ü"]'),
        ({"a": None}, '{"a": null}'),
    ],
)
def test_a_slice_is_named_as_its_value_is_written(value: object, shown: str) -> None:
    item = PREDICTIONS[0].model_copy(update={"meta": {"kind": value}})
    assert format_slice_value(item, "kind") == shown


def test_slices_are_adjusted_and_their_intervals_hold_together() -> None:
    long, short = (part.results[0] for part in summarise_all().slices)
    # 8 of 8 better: exact, 2 / 2⁸, twice by Holm.
    assert (long.p_adjusted, short.p_adjusted) == (4 / 2**8, 1.0)
    alone = summarise(PREDICTIONS[:8], TUNED[:8], BASE[:8], FIGURES, [], 42, "exact").headline.difference
    assert alone is not None and alone.low is not None
    assert long.difference is not None and long.difference.low is not None
    assert long.difference.low < alone.low


def test_cut_off_answers_are_counted_for_both_where_they_were_written_down() -> None:
    assert summarise_all().truncated_base is None
    noted = [row.model_copy(update={"baseline_truncated": at < 4}) for at, row in enumerate(PREDICTIONS)]
    summary = summarise(noted, TUNED, BASE, FIGURES, [], 42, "exact")
    assert (summary.truncated, summary.truncated_base) == (1, 4)


def test_a_base_figure_that_is_undefined_leaves_the_pairs() -> None:
    near = summarise_all().results[1]
    assert near.base is not None and near.difference is not None
    assert (near.base.n, near.base.undefined, near.difference.n, near.difference.mean) == (9, 1, 9, 0.5)


def test_unknown_figures_and_slice_fields_are_told() -> None:
    with pytest.raises(UserError, match="no figure 'exakt'; the metrics have: near, exact"):
        summarise_all(main="exakt")
    with pytest.raises(UserError, match="no test row has 'colour' in its meta to slice by; they have: kind"):
        summarise_all(slices=("colour",))


def test_a_figure_that_an_answer_can_evade_is_not_the_main_one() -> None:
    figures = {**FIGURES, "near": FIGURES["near"].model_copy(update={"evadable": True})}
    assert summarise(PREDICTIONS, TUNED, BASE, figures, [], 42, None).main == "exact"
    message = "figure 'near' can be left undefined by an answer and cannot be the main one; these can: exact"
    with pytest.raises(UserError, match=message):
        summarise(PREDICTIONS, TUNED, BASE, figures, [], 42, "near")


def test_what_is_the_same_for_every_base_model_has_no_interval() -> None:
    figures = {"reward": Figure(explanation="", binary=False, same_for_base=True)}
    tuned: list[Scores] = [{"reward": 1.0 if row < 8 else 0.0} for row in range(10)]
    headline = summarise(PREDICTIONS, tuned, [{"reward": 0.5}] * 10, figures, [], 42, None).headline
    assert headline.base is not None
    assert (headline.base.mean, headline.base.low, headline.base.high) == (0.5, None, None)
    assert headline.tuned.low is not None


def test_an_untested_figure_has_no_p_value_and_leaves_the_others_theirs() -> None:
    figures = {**FIGURES, "near": FIGURES["near"].model_copy(update={"untested": True})}
    exact, near = summarise(PREDICTIONS, TUNED, BASE, figures, [], 42, "exact").results
    assert exact.difference is not None and near.difference is not None
    assert (exact.p_adjusted, near.difference.mean, near.p_adjusted) == (exact.difference.p, 0.5, None)
    with pytest.raises(UserError, match="figure 'near' is not tested and cannot be the main one; these can: exact"):
        summarise(PREDICTIONS, TUNED, BASE, figures, [], 42, "near")
