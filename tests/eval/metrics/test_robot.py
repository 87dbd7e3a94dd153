"""Robot figures hold for any text; single cases stand in tests/samples/metrics/robot.jsonl."""

from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.robot import Options, score
from eval.scoring.predictions import Prediction

PIECES = [
    "robot.stop()",
    "robot.turn(",
    "direction='left'",
    "angle=90",
    "1e999",
    "-",
    "[",
    ")",
    ",",
    ";",
    "\n",
    "**",
    "#",
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.lists(st.sampled_from(PIECES)).map("".join)
NUMBERS = st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False)
LITERALS = NUMBERS | st.booleans() | st.none() | st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.sampled_from(["robot.turn", "robot.stop", "kitchen.light.set_brightness"])
CALLS = st.builds(
    lambda name, values: f"{name}({', '.join(f'{key}={value!r}' for key, value in values.items())})",
    NAMES,
    st.dictionaries(st.sampled_from(["direction", "angle", "level"]), LITERALS),
)


def score_one(prediction: str, reference: str) -> dict[str, float | None]:
    return score([Prediction(id="1", prediction=prediction, reference=reference)], Options())[0]


@given(TEXTS | CALLS, TEXTS | CALLS)
def test_any_two_texts_score_between_0_and_1_or_not_at_all(prediction: str, reference: str) -> None:
    assert [
        value for value in score_one(prediction, reference).values() if value is not None and not 0 <= value <= 1
    ] == []


@given(st.lists(CALLS, min_size=1, max_size=4), st.sampled_from(["\n", ";", "\n;", "; \n"]))
def test_an_answer_equal_to_its_reference_is_right_in_every_figure(calls: list[str], separator: str) -> None:
    scores = score_one(separator.join(calls), "\n".join(calls))
    assert {figure: value for figure, value in scores.items() if value not in (1.0, None)}.keys() <= {"valid"}
    assert scores["exact"] == 1.0


@given(st.lists(CALLS, min_size=1, max_size=4))
def test_prose_scores_zero_where_it_scores(calls: list[str]) -> None:
    assert set(score_one("Of course, I will.", "\n".join(calls)).values()) <= {0.0, None}
