"""An evaluation's figures: scores of every row in, one `Summary` (eval/summary.json) out.

    {"main": "exact", "seed": 42, "rows": 400, "truncated": 1, "with_base": true,
     "results": [{"figure": "exact", "explanation": "the calls, their order and …", "binary": true,
                  "tuned": {"n": 400, "undefined": 0, "mean": 0.82, "low": 0.78, "high": 0.85},
                  "base": {…}, "difference": {"mean": 0.82, "p": 1e-90, …}, "p_adjusted": 1e-89}, …],
     "slices": [{"field": "category", "value": "movement", "rows": 35, "results": […]}, …]}

The main figure comes first and is judged alone: its adjusted p-value is its own. The other figures are judged together
(eval/statistics/judging.py). In a slice field each figure is judged over that field's values together: over what a
reader compares at one glance.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain

import numpy as np
from pydantic import Field

from eval.scoring.evaluated_rows import EvaluatedRows
from eval.scoring.evidence import Evidence
from eval.scoring.figures import Figure, Result, check_ratio, compare_figure, estimate_figure, mean_of_answers
from eval.scoring.looks import Looks
from eval.scoring.predictions import Prediction
from eval.scoring.rows_of_answers import ScoredRows, Scores, has_several
from eval.statistics.estimates import Difference, Estimate, agree_adjusted
from eval.statistics.families import adjust_holm, share_level
from eval.statistics.judging import judge_apart
from eval.statistics.ratios import Rows
from eval.statistics.sums import Groups
from recipebook.errors import UserError
from recipebook.frozen import Frozen
from recipebook.recipe.evaluation_keys import Published

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


class Slice(Frozen):
    """The rows whose meta has this value in this field."""

    field: str
    value: str
    rows: int
    results: tuple[Result, ...]


class Baseline(Frozen):
    """Answers without training: their figures, and tuned less them in the main figure (eval/scoring/baselines.py)."""

    name: str
    estimates: dict[str, Estimate]
    difference: Difference


class Summary(Frozen):
    """A whole evaluation."""

    main: str
    seed: int
    rows: int
    answers: int | None = None
    """Answers of each model, where a row has several."""
    truncated: int
    truncated_base: int | None = None
    """Answers of the base that were cut off; None where nobody wrote them down."""
    with_base: bool
    asked: EvaluatedRows | None = None
    evidence: Evidence | None = None
    conditions: dict[str, str] = Field(default_factory=dict)
    results: tuple[Result, ...] = Field(min_length=1)
    slices: tuple[Slice, ...]
    baselines: tuple[Baseline, ...] = ()
    published: Published | None = None
    looks: Looks | None = None
    """How often the test set was evaluated before and with this; None for other rows."""

    @property
    def part(self) -> str:
        """`validation rows`, or `rows` where it was not written down."""
        return self.asked.source if self.asked else "rows"

    @property
    def generated(self) -> bool:
        """Whether models wrote answers; else only likelihoods were measured."""
        return self.asked is None or bool(self.asked.engine)

    @property
    def headline(self) -> Result:
        """The main figure's result."""
        return self.results[0]


def summarise(
    predictions: Sequence[Prediction],
    tuned_scores: Sequence[Scores],
    base_scores: Sequence[Scores] | None,
    figures: Mapping[str, Figure],
    slices: Sequence[str],
    seed: int,
    main: str | None,
) -> Summary:
    """Sum up, over all rows and by each value of the slice fields.

    Without a `main` figure, it is the first one that any answer has: labelled answers have no figures of pairs.
    """
    first = _find_main(figures, main, tuned_scores)
    several = has_several(predictions)
    ordered = {name: mean_of_answers(figures[name]) if several else figures[name] for name in (first, *figures)}
    whole = ScoredRows.read(predictions, tuned_scores, base_scores, figures)
    # An answer of several has a value of its own, such as the variant of its prompt.
    take = partial(ScoredRows.read, predictions, tuned_scores, base_scores, figures) if several else whole.take
    by_slices = (_summarise_slices(field, predictions, take, ordered) for field in slices)
    return Summary(
        main=first,
        seed=seed,
        rows=len(whole.groups),
        answers=len(predictions) if several else None,
        truncated=sum(item.truncated for item in predictions),
        truncated_base=_count_truncated([item.baseline_truncated for item in predictions]),
        with_base=base_scores is not None,
        results=_judge_figures(whole, ordered),
        slices=tuple(chain.from_iterable(by_slices)),
    )


def _summarise_slices(
    field: str,
    predictions: Sequence[Prediction],
    take: Callable[[list[int]], ScoredRows],
    figures: Mapping[str, Figure],
) -> list[Slice]:
    """Sum up the rows of each value of `field`, which `take` returns by the places of their predictions."""
    values = np.array(_list_values(field, predictions), dtype=object)
    taken = {value: take(np.flatnonzero(values == value).tolist()) for value in order_values(set(values))}
    level = share_level(len(taken))
    return _adjust_slices(
        [
            Slice(field=field, value=value, rows=len(one.groups), results=_compute_results(one, figures, level))
            for value, one in taken.items()
        ]
    )


def _find_main(figures: Mapping[str, Figure], named: str | None, scores: Sequence[Scores]) -> str:
    """The main figure: the one that is named, else the first one that has values; a UserError where it cannot be."""
    fit = [name for name, figure in figures.items() if not (figure.untested or figure.evadable)]
    if named is None:
        has_values = (name for name in fit if any(row[name] is not None for row in scores))
        return next(has_values, next(iter(figures)))
    if named not in figures:
        raise UserError(f"no figure {named!r}; the metrics have: {', '.join(figures)}")
    if named not in fit:
        why = "is not tested" if figures[named].untested else "can be left undefined by an answer"
        raise UserError(f"figure {named!r} {why} and cannot be the main one; these can: {', '.join(fit)}")
    return named


def get_worth(summary: Summary) -> float:
    """The main figure, so that more is better; what is undefined is worth least."""
    mean = summary.headline.tuned.mean
    if mean is None:
        return float("-inf")
    return -mean if summary.headline.less_is_better else mean


def format_slice_value(prediction: Prediction, field: str) -> str:
    """The slice that a row belongs to in a field of its meta; what is no text is named as JSON writes it."""
    value = prediction.meta.get(field)
    if value is None:
        return "(none)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if text.strip() else "(empty)"


def order_values(values: Iterable[str]) -> list[str]:
    """Values of a field as readers expect them: numbers by their size, then texts by the alphabet."""

    def get_key(value: str) -> tuple[bool, float, str]:
        number = float(value) if _NUMBER.fullmatch(value) else None
        return number is None, number or 0.0, value

    return sorted(values, key=get_key)


def _list_values(field: str, predictions: Sequence[Prediction]) -> list[str]:
    if not any(field in item.meta for item in predictions):
        known = sorted({key for item in predictions for key in item.meta})
        raise UserError(
            f"no test row has {field!r} in its meta to slice by; they have: {', '.join(known) or 'nothing'}"
        )
    return [format_slice_value(item, field) for item in predictions]


def _judge_figures(rows: ScoredRows, figures: Mapping[str, Figure]) -> tuple[Result, ...]:
    """The figures over all rows: the main one, which is the first, alone, and the others together."""
    compares = [partial(_compare_rows, name, figure, rows) for name, figure in figures.items()]
    judged = judge_apart(compares[:1], compares[1:])
    results = tuple(
        _make_result(name, figure, rows, one.difference, one.p)
        for (name, figure), one in zip(figures.items(), judged, strict=True)
    )
    for result in results:
        check_ratio(result)
    return results


def _compute_results(rows: ScoredRows, figures: Mapping[str, Figure], level: float) -> tuple[Result, ...]:
    return tuple(
        _make_result(name, figure, rows, _compare_rows(name, figure, rows, level), None)
        for name, figure in figures.items()
    )


def _make_result(
    name: str, figure: Figure, rows: ScoredRows, difference: Difference | None, p_adjusted: float | None
) -> Result:
    groups, tuned, base = rows
    return Result(
        figure=name,
        explanation=figure.explanation,
        binary=figure.binary,
        share=figure.share,
        less_is_better=figure.less_is_better,
        ratio=figure.ratio,
        exponential=figure.exponential,
        untested=figure.untested,
        scale=figure.scale,
        least=figure.least,
        tuned=estimate_figure(name, figure, tuned, groups),
        base=_estimate_base(name, figure, base, groups) if base is not None else None,
        difference=difference,
        p_adjusted=p_adjusted,
    )


def _compare_rows(name: str, figure: Figure, rows: ScoredRows, level: float) -> Difference | None:
    """None where there is no base to compare with."""
    groups, tuned, base = rows
    return None if base is None else compare_figure(name, figure, base, tuned, groups, level)


def _estimate_base(name: str, figure: Figure, scores: Rows, groups: Groups) -> Estimate:
    found = estimate_figure(name, figure, scores, groups)
    return found.model_copy(update={"low": None, "high": None, "caution": ""}) if figure.same_for_base else found


def _count_truncated(truncated: Sequence[bool | None]) -> int | None:
    known = [one for one in truncated if one is not None]
    return sum(known) if len(known) == len(truncated) else None


def _adjust_slices(parts: Sequence[Slice]) -> list[Slice]:
    by_figure = [_adjust_values(results) for results in zip(*(part.results for part in parts), strict=True)]
    by_slice = list(zip(*by_figure, strict=True))
    return [part.model_copy(update={"results": results}) for part, results in zip(parts, by_slice, strict=True)]


def _adjust_values(results: Sequence[Result]) -> tuple[Result, ...]:
    """One figure over the values of a field."""
    adjusted = adjust_holm([result.difference.p if result.difference else None for result in results])
    return tuple(
        result.model_copy(
            update={"difference": result.difference and agree_adjusted(result.difference, p), "p_adjusted": p}
        )
        for result, p in zip(results, adjusted, strict=True)
    )
