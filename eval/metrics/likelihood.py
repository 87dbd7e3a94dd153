"""How well a model predicts the reference answers: log-probabilities in, nats a token out.

    {"measures": {"answer": -12.5, "answer_tokens": 25}}
    → {"nll": 0.5, "perplexity": 1.65, "corpus_perplexity": 1.65, "answer_nats": 12.5, "answer_tokens": 25.0}

With log p(t), the log-likelihood of token t given the prompt and the tokens before it:

    answer_nats           - sum of log p(t) over the answer's tokens t
    answer_tokens         number of these tokens
    nll                   answer_nats / answer_tokens
    perplexity            exp(nll)
    corpus_perplexity     exp(nll)

The end of the turn counts as a token. In the means of `nll` and `perplexity` every answer weighs the same, and a few
answers that a model finds absurd can make up a mean of `perplexity` alone; in `corpus_perplexity`, the one that papers
report, every token weighs the same: exp(sum of nats / sum of tokens).
"""

import math
from collections.abc import Sequence

from eval.scoring.predictions import Prediction
from recipebook.frozen import Frozen

FIGURES = {
    "nll": "negative log-likelihood of the reference answer, in nats a token; less is better",
    "perplexity": "exp of it: among how many equally likely tokens the model wavers; less is better",
    "corpus_perplexity": "the same of all tokens of all answers together; less is better",
    "answer_nats": "negative log-likelihood of the whole answer",
    "answer_tokens": "tokens of the reference answer, the end of the turn included",
}
BINARY = frozenset[str]()
LESS_IS_BETTER = frozenset({"nll", "perplexity", "corpus_perplexity"})
UNTESTED = frozenset({"answer_nats", "answer_tokens"})
LEAST = {"nll": 0.0, "perplexity": 1.0, "corpus_perplexity": 1.0, "answer_nats": 0.0, "answer_tokens": 0.0}
RATIOS = {"corpus_perplexity": (("answer_nats",), ("answer_tokens",))}
EXPONENTIALS = frozenset({"corpus_perplexity"})
MEASURES = ("answer",)
# More than a float can hold the exponential of.
MOST_NATS = 700


class Options(Frozen):
    """None."""


def score(predictions: Sequence[Prediction], options: Options) -> list[dict[str, float | None]]:
    """Score answers one by one, in order; None where no likelihood was measured."""
    return [_score_one(item.measures) for item in predictions]


def _score_one(measures: dict[str, float] | None) -> dict[str, float | None]:
    if not measures or "answer" not in measures or not measures.get("answer_tokens", 0) > 0:
        return dict.fromkeys(FIGURES)
    nats, tokens = -measures["answer"], measures["answer_tokens"]
    perplexity = math.exp(nats / tokens) if nats / tokens < MOST_NATS else None
    return {
        "nll": nats / tokens,
        "perplexity": perplexity,
        "corpus_perplexity": perplexity,
        "answer_nats": nats,
        "answer_tokens": tokens,
    }
