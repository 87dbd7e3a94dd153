"""Equality and length hold for any text; single cases stand in tests/samples/metrics/text.jsonl."""

from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.text import Options, score
from eval.scoring.predictions import Prediction


@given(st.text())
def test_a_text_equals_itself_in_capitals_of_ascii_and_with_more_blanks(text: str) -> None:
    changed = "".join(sign.upper() if sign.isascii() else sign for sign in f" \n{text}\t").replace(" ", "  ")
    [scores] = score([Prediction(id="1", prediction=changed, reference=text)], Options())
    assert scores == {
        "exact": 1.0,
        "pred_length": float(len(text.split())),
        "ref_length": float(len(text.split())),
        "length_ratio": 1.0 if text.split() else None,
    }


def test_another_word_or_sign_is_not_equal() -> None:
    items = [Prediction(id=text, prediction=text, reference="Lights on") for text in ("Lights off", "Lights on.", "")]
    assert [scores["exact"] for scores in score(items, Options())] == [0.0, 0.0, 0.0]
