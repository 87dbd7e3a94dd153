"""What an evaluation found: scores of every row in, one `Summary` (eval/summary.json) out.

    {"main": "exact", "seed": 42, "rows": 400, "truncated": 1, "with_base": true,
     "results": [{"figure": "exact", "explanation": "the calls, their order and …", "binary": true,
                  "tuned": {"n": 400, "undefined": 0, "mean": 0.82, "low": 0.78, "high": 0.85},
                  "base": {…}, "difference": {"mean": 0.82, "p": 1e-90, …}, "p_adjusted": 1e-89}, …],
     "slices": [{"field": "category", "value": "movement", "rows": 35, "results": […]}, …]}

The main figure comes first. P-values are adjusted by Holm over the figures of the whole and, in a slice field, over
that field's values, figure by figure: over what a reader compares at one glance.
"""

from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from eval.predictions import Prediction
from eval.ratios import Ratio, compare_ratio, estimate_ratio
from eval.statistics import Difference, Estimate, adjust_holm, compare, estimate
from recipebook.errors import UserError

Scores = dict[str, float | None]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Figure(_Part):
    """What a figure means, whether it is right or wrong with nothing between, and what it divides if it is a ratio.

    An untested one is shown beside the others and has no p-value, so that theirs are adjusted for fewer.
    """

    explanation: str
    binary: bool
    less_is_better: bool = False
    ratio: Ratio | None = None
    untested: bool = False


class Result(_Part):
    """One figure over some rows; without a base model there is nothing to compare."""

    figure: str
    explanation: str
    binary: bool
    less_is_better: bool = False
    ratio: Ratio | None = None
    untested: bool = False
    tuned: Estimate
    base: Estimate | None
    difference: Difference | None
    p_adjusted: float | None


class Slice(_Part):
    """The rows whose meta has this value in this field."""

    field: str
    value: str
    rows: int
    results: tuple[Result, ...]


class Summary(_Part):
    """A whole evaluation."""

    main: str
    seed: int
    rows: int
    truncated: int
    with_base: bool
    conditions: dict[str, str] = {}
    results: tuple[Result, ...]
    slices: tuple[Slice, ...]

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
    """Sum up, over all rows and by each value of the slice fields."""
    if main is not None and main not in figures:
        raise UserError(f"no figure {main!r}; the metrics have: {', '.join(figures)}")
    if main is not None and figures[main].untested:
        tested = ", ".join(name for name, figure in figures.items() if not figure.untested)
        raise UserError(f"figure {main!r} is not tested and cannot be the main one; these can: {tested}")
    first = main or next(iter(figures))
    ordered = {first: figures[first], **figures}
    rows = range(len(predictions))

    def compute(chosen: Iterable[int]) -> tuple[Result, ...]:
        return _compute_results(list(chosen), predictions, tuned_scores, base_scores, ordered, seed)

    parts: list[Slice] = []
    for field in slices:
        values = _find_values(field, predictions)
        chosen = {value: [row for row in rows if _tell(predictions[row], field) == value] for value in values}
        parts += _adjust_slices(
            [Slice(field=field, value=value, rows=len(part), results=compute(part)) for value, part in chosen.items()]
        )
    return Summary(
        main=first,
        seed=seed,
        rows=len(predictions),
        truncated=sum(item.truncated for item in predictions),
        with_base=base_scores is not None,
        results=_adjust(compute(rows)),
        slices=tuple(parts),
    )


def estimate_figure(
    name: str, figure: Figure | Result, scores: Sequence[Scores], groups: Sequence[str], seed: int
) -> Estimate:
    """One figure over some rows: the mean, or the sum by the sum of a ratio."""
    if figure.ratio:
        return estimate_ratio(scores, figure.ratio, groups, seed=seed)
    return estimate([row[name] for row in scores], groups, binary=figure.binary, seed=seed)


def compare_figure(
    name: str,
    figure: Figure | Result,
    base: Sequence[Scores],
    tuned: Sequence[Scores],
    groups: Sequence[str],
    seed: int,
) -> Difference:
    """One figure of the tuned model against the base model's over the same rows."""
    if figure.ratio:
        difference = compare_ratio(base, tuned, figure.ratio, groups, seed=seed)
    else:
        before, after = [row[name] for row in base], [row[name] for row in tuned]
        difference = compare(before, after, groups, binary=figure.binary, seed=seed)
    return difference.model_copy(update={"p": None}) if figure.untested else difference


def _find_values(field: str, predictions: Sequence[Prediction]) -> list[str]:
    if not any(field in item.meta for item in predictions):
        known = sorted({key for item in predictions for key in item.meta})
        raise UserError(
            f"no test row has {field!r} in its meta to slice by; they have: {', '.join(known) or 'nothing'}"
        )
    return sorted({_tell(item, field) for item in predictions})


def _tell(prediction: Prediction, field: str) -> str:
    return str(prediction.meta.get(field, "(none)"))


def _compute_results(
    rows: Sequence[int],
    predictions: Sequence[Prediction],
    tuned_scores: Sequence[Scores],
    base_scores: Sequence[Scores] | None,
    figures: Mapping[str, Figure],
    seed: int,
) -> tuple[Result, ...]:
    groups = [predictions[row].group for row in rows]
    tuned = [tuned_scores[row] for row in rows]
    base = [base_scores[row] for row in rows] if base_scores is not None else None
    return tuple(
        Result(
            figure=name,
            explanation=figure.explanation,
            binary=figure.binary,
            less_is_better=figure.less_is_better,
            ratio=figure.ratio,
            untested=figure.untested,
            tuned=estimate_figure(name, figure, tuned, groups, seed),
            base=estimate_figure(name, figure, base, groups, seed) if base is not None else None,
            difference=compare_figure(name, figure, base, tuned, groups, seed) if base is not None else None,
            p_adjusted=None,
        )
        for name, figure in figures.items()
    )


def _adjust(results: Sequence[Result]) -> tuple[Result, ...]:
    adjusted = adjust_holm([result.difference.p if result.difference else None for result in results])
    return tuple(result.model_copy(update={"p_adjusted": p}) for result, p in zip(results, adjusted, strict=True))


def _adjust_slices(parts: Sequence[Slice]) -> list[Slice]:
    by_figure = [_adjust(results) for results in zip(*(part.results for part in parts), strict=True)]
    by_slice = list(zip(*by_figure, strict=True))
    return [part.model_copy(update={"results": results}) for part, results in zip(parts, by_slice, strict=True)]
