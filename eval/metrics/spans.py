"""How well a model predicts the parts of annotated answers: log-probabilities by kind of span in, nats a token out.

    {"measures": {"tool": -0.4, "tool_tokens": 2, "fluency": -30.0, "fluency_tokens": 10}}
    → {"tool_nll": 0.2, "position_nll": null, "argument_nll": null, "fluency_nll": 3.0, "fluency_perplexity": 20.1}

With log p(t), the log-likelihood of token t given all before it:

    tool_nll              - mean of log p(t) over the tokens t of the tools' names
    position_nll          - mean of log p(t) over the tokens that open a call
    argument_nll          - mean of log p(t) over the tokens of arguments and closings
    fluency_nll           - mean of log p(t) over all other tokens
    fluency_perplexity    exp(fluency_nll)

`tool` is the names of called tools, `position` the openings of calls, `argument` their arguments and closings, and
`fluency` the text around them with the end of the turn. A figure is null for an answer without such tokens.
"""

import math
from collections.abc import Sequence

from eval.scoring.predictions import Prediction
from recipebook.frozen import Frozen

KINDS = ("tool", "position", "argument", "fluency")
FIGURES = {
    "tool_nll": "negative log-likelihood of the tools' names, in nats a token; less is better",
    "position_nll": "the same of what opens a call",
    "argument_nll": "the same of the arguments",
    "fluency_nll": "the same of the text around the calls and of the answer's end",
    "fluency_perplexity": "exp of the text's; less is better",
}
BINARY = frozenset[str]()
LESS_IS_BETTER = frozenset(FIGURES)
LEAST = {**dict.fromkeys(FIGURES, 0.0), "fluency_perplexity": 1.0}
MEASURES = ("spans",)
# More than a float can hold the exponential of.
MOST_NATS = 700


class Options(Frozen):
    """None."""


def score(predictions: Sequence[Prediction], options: Options) -> list[dict[str, float | None]]:
    """Score answers one by one, in order; None where there is no token of a kind, or nothing was measured."""
    return [_score_one(item.measures or {}) for item in predictions]


def _score_one(measures: dict[str, float]) -> dict[str, float | None]:
    nats: dict[str, float | None] = {
        f"{kind}_nll": -measures[kind] / measures[f"{kind}_tokens"] if measures.get(f"{kind}_tokens") else None
        for kind in KINDS
    }
    text = nats["fluency_nll"]
    return {**nats, "fluency_perplexity": math.exp(text) if text is not None and text < MOST_NATS else None}
