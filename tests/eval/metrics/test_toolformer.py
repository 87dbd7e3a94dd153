"""Toolformer figures hold for any text; single cases stand in tests/samples/metrics/toolformer.jsonl."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.toolformer import Options, score
from eval.report.verdict import judge_result
from eval.scoring.predictions import Prediction
from eval.scoring.score import score_predictions
from eval.scoring.summary import summarise
from recipebook.errors import UserError
from recipebook.recipe.figures import find_main_fault
from recipebook.text.inline_calls import format_call
from stages._scores import check_metric

PIECES = ["<tool>search(", "query='", "n=1", ")</tool>", "[F(", ")]", "{", "}", "'", ",", " ", "क", "a"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.lists(st.sampled_from(PIECES)).map("".join)
VALUES = st.integers(-99, 99) | st.booleans() | st.none() | TEXTS | st.lists(TEXTS, max_size=2)
CALLS = st.builds(
    format_call,
    st.sampled_from(["search", "compare", "filter", "buy"]),
    st.dictionaries(st.sampled_from(["query", "items", "max_price"]), VALUES),
    st.sampled_from(["tag", "bracket"]),
)
ANNOTATED = st.lists(CALLS, min_size=1, max_size=4).map(" and ".join)


def score_one(prediction: str, reference: str, **options: Any) -> dict[str, float | None]:
    return score([Prediction(id="1", prediction=prediction, reference=reference)], Options(**options))[0]


@given(TEXTS | ANNOTATED, TEXTS | ANNOTATED)
def test_any_two_texts_score_between_0_and_1_or_not_at_all(prediction: str, reference: str) -> None:
    scores = score_one(prediction, reference)
    distance = scores.pop("position_distance")
    assert distance is None or distance >= 0
    assert [value for value in scores.values() if value is not None and not 0 <= value <= 1] == []


@given(ANNOTATED)
def test_an_answer_equal_to_its_reference_is_right_in_every_figure(text: str) -> None:
    scores = score_one(text, text)
    assert scores.pop("position_distance") == 0
    assert {figure for figure, value in scores.items() if value not in (1.0, None)} <= {"valid"}
    assert scores["exact"] == 1.0


@given(ANNOTATED)
def test_prose_scores_zero_where_it_scores(reference: str) -> None:
    scores = score_one("Of course, I will.", reference)
    assert scores["exact"] == 0
    # Where no call of the reference has an argument, the answer has as many.
    arguments = {figure: scores.pop(figure) for figure in ("argument_precision", "argument_f1")}
    assert set(scores.values()) <= {0.0, None}
    assert set(arguments.values()) <= {0.0, None} or scores["argument_recall"] is None


def test_calls_nearer_to_their_places_are_better() -> None:
    reference = "find red caps <tool>search(query='caps')</tool> below 400 rupees"
    far = "find <tool>search(query='caps')</tool> red caps below 400 rupees"
    answers = [
        Prediction(id=str(row), prediction=reference if row else far, baseline=far, reference=reference)
        for row in range(40)
    ]
    scored = score_predictions(answers, {"toolformer": Options()})
    summary = summarise(answers, scored.tuned, scored.base, scored.figures, [], 42, "exact")
    result = next(result for result in summary.results if result.figure == "position_distance")
    assert result.base is not None and result.difference is not None and result.difference.mean is not None
    # `red caps ` has nine characters.
    assert (result.tuned.mean, result.base.mean) == (9 / 40, 9.0)
    assert result.difference.mean == pytest.approx(9 / 40 - 9)
    assert "tuning made it worse" not in judge_result(result, 40)


def test_a_distance_is_neither_a_main_figure_nor_a_score() -> None:
    # An answer without calls has no distance.
    metrics: dict[str, dict[str, Any]] = {"toolformer": {}}
    said = find_main_fault("position_distance", metrics) or ""
    assert said.startswith("an answer can leave figure 'position_distance' undefined, so it cannot be the main one; ")
    assert "tool_f1" in said and "tool_precision" not in said
    with pytest.raises(UserError, match="no figure 'position_distance' that is better when more in metric toolformer"):
        check_metric("toolformer", {}, {"position_distance": 1})


def test_schemas_that_are_not_there_are_told() -> None:
    with pytest.raises(UserError, match=r"samples/none\.yaml: cannot be read: No such file"):
        score_one("a", "a", tools="samples/none.yaml")
