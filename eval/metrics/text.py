"""Answers as plain text: an answer and its reference in, whether they are equal and how long they are out.

    {"prediction": "Set to  22 degrees.", "reference": "set to 22 degrees."}
    → {"exact": 1.0, "pred_length": 4.0, "ref_length": 4.0, "length_ratio": 1.0}

    exact           1 if answer and reference are the same words in the same order, case aside
    pred_length     number of words in the answer
    ref_length      number of words in the reference
    length_ratio    pred_length / ref_length

Neither case nor white space counts in `exact`, nor whether an accent is a character of its own (NFC or NFD); other
characters equal only themselves: `ﬁ` is not `fi`. Lengths are in words between blanks. `length_ratio` over several
answers is the mean predicted length by the mean reference length, not a mean of ratios; for an empty reference alone
it is null.
"""

from collections.abc import Sequence
from unicodedata import normalize

from eval.scoring.predictions import Prediction
from recipebook.frozen import Frozen

FIGURES = {
    "exact": "the answer is the reference, case and white space aside",
    "pred_length": "words in the answer",
    "ref_length": "words in the reference",
    "length_ratio": "words in all answers by words in all references",
}
BINARY = frozenset({"exact"})
UNTESTED = frozenset({"pred_length", "ref_length", "length_ratio"})
LEAST = dict.fromkeys(UNTESTED, 0.0)
RATIOS = {"length_ratio": (("pred_length",), ("ref_length",))}


class Options(Frozen):
    """None."""


def score(predictions: Sequence[Prediction], options: Options) -> list[dict[str, float | None]]:
    """Score answers one by one, in order."""
    return [_score_one(item.prediction, item.reference) for item in predictions]


def _score_one(prediction: str, reference: str) -> dict[str, float | None]:
    predicted, wanted = _fold(prediction).split(), _fold(reference).split()
    return {
        "exact": float(predicted == wanted),
        "pred_length": float(len(predicted)),
        "ref_length": float(len(wanted)),
        "length_ratio": len(predicted) / len(wanted) if wanted else None,
    }


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    # Composed again, as lower-case letters have accents composed that their capitals have not.
    return normalize("NFC", normalize("NFC", text).lower())
