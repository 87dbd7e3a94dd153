"""Answers to scores: one number an answer, by a metric that compares it with a reference.

    score_answers([("robot.stop()", "robot.stop( )")], "robot", {}, {"exact": 1, "call_f1": 1}) → [1.0]

The score is the weighted mean of the figures that are defined; None where none is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from eval.scoring.predictions import Prediction
from recipebook.errors import UserError
from recipebook.modules import METRIC, load
from recipebook.options import check_options


def check_metric(name: str, options: Mapping[str, Any], figures: Mapping[str, float]) -> None:
    """Refuse an unknown metric, wrong options, and figures that cannot be a score."""
    metric = load(METRIC, name)
    check_options(metric.Options, options, f"metric {name}")
    if hasattr(metric, "MEASURES"):
        raise UserError(f"metric {name} measures likelihoods, and scores no answers")
    known = [figure for figure in metric.FIGURES if figure not in getattr(metric, "LESS_IS_BETTER", ())]
    for figure in figures:
        if figure not in known:
            message = f"no figure '{figure}' that is better when more in metric {name}"
            raise UserError(f"{message}; it has: {', '.join(known)}")


def score_answers(
    couples: Sequence[tuple[str, str]], name: str, options: Mapping[str, Any], figures: Mapping[str, float]
) -> list[float | None]:
    """Score each (reference, answer); without `figures` by the metric's first."""
    metric = load(METRIC, name)
    predictions = [
        Prediction(id=str(at), reference=reference, prediction=answer) for at, (reference, answer) in enumerate(couples)
    ]
    # Here and not above: checking a recipe should not wait for scipy.
    from eval.scoring.score import score

    scores = score(name, predictions, check_options(metric.Options, options, f"metric {name}"))
    weights = figures or {next(iter(metric.FIGURES)): 1.0}
    return [_average(one, weights) for one in scores]


def _average(scores: Mapping[str, float | None], weights: Mapping[str, float]) -> float | None:
    defined = {name: score for name in weights if (score := scores[name]) is not None}
    total = sum(weights[name] for name in defined)
    # Rounded, so that equal answers are equally good.
    return round(sum(weights[name] * score for name, score in defined.items()) / total, 6) if total else None
