"""Toolformer figures hold for any text; single cases stand in tests/samples/metrics/toolformer.jsonl."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.toolformer import Options, score
from eval.scoring.predictions import Prediction
from recipebook.errors import UserError
from recipebook.text.inline_calls import format_call

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
    assert set(scores.values()) <= {0.0, None}


def test_schemas_that_are_not_there_are_told() -> None:
    with pytest.raises(UserError, match=r"samples/none\.yaml: cannot be read: No such file"):
        score_one("a", "a", tools="samples/none.yaml")
