"""How well a model predicts the reference answers: log-probabilities in, what each token of them costs out.

    {"measures": {"answer": -12.5, "answer_tokens": 25}} → {"nll": 0.5, "perplexity": 1.65}

The end of the turn counts as a token. Both figures are of one answer; exp of the mean `nll` is the perplexity of all
answers with every answer weighing the same.
"""

import math
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from eval.predictions import Prediction

FIGURES = {
    "nll": "negative log-likelihood of the reference answer, in nats a token; less is better",
    "perplexity": "exp of it: among how many equally likely tokens the model wavers; less is better",
}
BINARY = frozenset[str]()
LESS_IS_BETTER = frozenset({"nll", "perplexity"})
MEASURES = ("answer",)
# More than a float can hold the exponential of.
MOST_NATS = 700


class Options(BaseModel):
    """None."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def score(predictions: Sequence[Prediction], options: Options) -> list[dict[str, float | None]]:
    """Score answers one by one, in order; None where no likelihood was measured."""
    return [_score_one(item.measures) for item in predictions]


def _score_one(measures: dict[str, float] | None) -> dict[str, float | None]:
    if not measures or "answer" not in measures or not measures.get("answer_tokens", 0) > 0:
        return dict.fromkeys(FIGURES)
    nll = -measures["answer"] / measures["answer_tokens"]
    return {"nll": nll, "perplexity": math.exp(nll) if nll < MOST_NATS else None}
