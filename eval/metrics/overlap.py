"""How much of the reference's wording an answer has: both texts in, ROUGE-L out. It needs no model.

    {"prediction": "The lights are off now.", "reference": "The lights are now on."}
    → {"rouge_l": 0.8}

With the words of the answer P, those of the reference R, and the longest sequence of words L that both have in this
order, with any others between them:

    rouge_l    2 |L| / (|P| + |R|)

Case and punctuation do not count. In scripts without blanks between words each character is a word. Two texts without
words agree, and have 1. A right answer in other words scores low; `embedding` compares meanings.
"""

import re
from collections.abc import Sequence
from unicodedata import normalize

from eval.scoring.predictions import Prediction
from recipebook.frozen import Frozen

FIGURES = {"rouge_l": "share of the words that answer and reference have in the same order"}
BINARY = frozenset[str]()

# Chinese and Japanese, whose words no blank separates; then words of letters and digits.
_WORD = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")


class Options(Frozen):
    """None."""


def score(predictions: Sequence[Prediction], options: Options) -> list[dict[str, float | None]]:
    """Score answers one by one, in order."""
    return [{"rouge_l": _compare(_split(item.prediction), _split(item.reference))} for item in predictions]


def _split(text: str) -> list[str]:
    return _WORD.findall(normalize("NFC", text).casefold())


def _compare(predicted: Sequence[str], wanted: Sequence[str]) -> float:
    total = len(predicted) + len(wanted)
    return 2 * _count_common(predicted, wanted) / total if total else 1.0


def _count_common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence, a word of `other` at a time (Hyyrö 2004).

    A bit of `row` is 0 where the subsequence grows, so that a whole row of the table is one addition.
    """
    places: dict[str, int] = {}
    for at, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << at
    whole = (1 << len(one)) - 1
    row = whole
    for word in other:
        grown = row & places.get(word, 0)
        row = (row + grown | row - grown) & whole
    return len(one) - row.bit_count()
