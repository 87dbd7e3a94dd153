"""People's judgements of systems in; means, preferences, tests and agreement out.

    Results(study="9f2c41d07ab3e655", …, ratings=(Rating(scale="quality", system="base", estimate=…), …),
            comparisons=(RatingComparison(scale="quality", first="base", second="tuned", difference=…, …), …),
            preferences=(PreferenceRate(first="base", second="tuned", choices=412, rate=…, p_adjusted=…),…),
            agreements=(Agreement(scale="quality", alpha=0.71),…))

Intervals of means are over whole conversations, with all their judgements, since these are not independent. Differences
and preferences are compared over conversations and evaluators (eval/human/people.py). P-values are adjusted by Holm
over all that is shown, and the intervals of all differences and preferences hold together.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from nltk.metrics.agreement import AnnotationTask  # type: ignore[import-untyped]
from scipy import special  # type: ignore[import-untyped]

from eval.human import POINTS, SCALES, ScaleName
from eval.human.people import compare_people, find_range
from eval.human.returned import Judgement, Returned
from eval.statistics.estimates import Difference, Estimate, agree_adjusted, estimate
from eval.statistics.families import adjust_holm, share_level
from eval.statistics.intervals import LEVEL
from recipebook.frozen import Frozen

SPAN = POINTS[-1] - POINTS[0]


class Rating(Frozen):
    """A system's mean on a scale."""

    scale: ScaleName
    system: str
    estimate: Estimate


class RatingComparison(Frozen):
    """The second system's mean less the first's."""

    scale: ScaleName
    first: str
    second: str
    difference: Difference
    p_adjusted: float | None
    without: tuple[float, float] | None = None
    """The range of the difference if one evaluator, whichever, had not been asked; None for a single one."""


class PreferenceRate(Frozen):
    """How often the second system was chosen, where one of the two was."""

    first: str
    second: str
    choices: int
    rate: Estimate
    difference: Difference
    p_adjusted: float | None
    without: tuple[float, float] | None = None
    """The range of the rate if one evaluator, whichever, had not been asked."""


class Agreement(Frozen):
    """Krippendorff's alpha; None where nobody can disagree: one evaluator, or one rating for all."""

    scale: ScaleName | None
    """None: the agreement of the choices."""
    alpha: float | None
    low: float | None = None
    high: float | None = None


class Results(Frozen):
    """`results.json`"""

    study: str
    systems: tuple[str, ...]
    runs: tuple[str, ...]
    seed: int
    forms: int
    evaluators: tuple[int, ...]
    conversations: int
    undecided: int
    undecided_share: Estimate | None = None
    ratings: tuple[Rating, ...]
    comparisons: tuple[RatingComparison, ...]
    preferences: tuple[PreferenceRate, ...]
    agreements: tuple[Agreement, ...]


def sum_up(returned: Returned) -> Results:
    """All figures of the forms that came back."""
    key, judgements = returned.key, returned.judgements
    pairs = list(combinations(key.systems, 2))
    level = share_level((len(SCALES) + 1) * len(pairs))
    comparisons = [_compare(judgements, scale, first, second, level) for scale in SCALES for first, second in pairs]
    preferences = [_count_choices(judgements, first, second, level) for first, second in pairs]
    tested = [*(one.difference for one in comparisons), *(one.difference for one in preferences)]
    adjusted = adjust_holm([difference.p for difference in tested])
    agreed = [agree_adjusted(difference, p) for difference, p in zip(tested, adjusted, strict=True)]
    judged = iter(zip(agreed, adjusted, strict=True))
    return Results(
        study=key.study,
        systems=key.systems,
        runs=key.runs,
        seed=key.seed,
        forms=len(key.sheets),
        evaluators=returned.evaluators,
        conversations=len(key.sheets[0]),
        undecided=sum(one.best is None for one in judgements),
        undecided_share=estimate(
            [float(one.best is None) for one in judgements], [one.conversation for one in judgements], binary=True
        ),
        ratings=tuple(
            Rating(scale=scale, system=system, estimate=_rate(judgements, scale, system))
            for scale in SCALES
            for system in key.systems
        ),
        comparisons=tuple(
            one.model_copy(update={"difference": difference, "p_adjusted": p})
            for one, (difference, p) in zip(comparisons, judged, strict=False)
        ),
        preferences=tuple(
            one.model_copy(update={"rate": _find_rate(difference), "difference": difference, "p_adjusted": p})
            for one, (difference, p) in zip(preferences, judged, strict=True)
        ),
        agreements=tuple(_find_agreement(judgements, scale) for scale in [*SCALES, None]),
    )


def _rate(judgements: Sequence[Judgement], scale: ScaleName, system: str) -> Estimate:
    groups = [one.conversation for one in judgements]
    found = estimate(_scale(judgements, scale, system), groups, binary=False, share=True)
    ends = {
        name: POINTS[0] + SPAN * value
        for name in ("mean", "low", "high")
        if (value := getattr(found, name)) is not None
    }
    return found.model_copy(update=ends)


def _scale(judgements: Sequence[Judgement], scale: ScaleName, system: str) -> list[float]:
    """The ratings of a system, scaled to the range from 0 to 1 that intervals are bounded by."""
    return [(one.ratings[system][scale] - POINTS[0]) / SPAN for one in judgements]


def _compare(
    judgements: Sequence[Judgement], scale: ScaleName, first: str, second: str, level: float
) -> RatingComparison:
    before, after = _scale(judgements, scale, first), _scale(judgements, scale, second)
    gains = [one - other for one, other in zip(after, before, strict=True)]
    found, without = compare_people(judgements, gains, level), find_range(judgements, gains)
    ends = {
        name: SPAN * value
        for name in ("mean", "low", "high", "detectable")
        if (value := getattr(found, name)) is not None
    }
    difference = found.model_copy(update=ends)
    return RatingComparison(
        scale=scale,
        first=first,
        second=second,
        difference=difference,
        p_adjusted=None,
        without=None if without is None else (SPAN * without[0], SPAN * without[1]),
    )


def _count_choices(judgements: Sequence[Judgement], first: str, second: str, level: float) -> PreferenceRate:
    gains = [{first: -1.0, second: 1.0}.get(one.best or "") for one in judgements]
    difference, without = compare_people(judgements, gains, level), find_range(judgements, gains)
    return PreferenceRate(
        first=first,
        second=second,
        choices=sum(gain is not None for gain in gains),
        rate=_find_rate(difference),
        difference=difference,
        p_adjusted=None,
        without=None if without is None else ((1 + without[0]) / 2, (1 + without[1]) / 2),
    )


def _find_rate(difference: Difference) -> Estimate:
    """The share of the second system: half of what it is above the first's, beyond a half."""
    ends = {
        name: None if value is None else (1 + value) / 2
        for name in ("mean", "low", "high")
        for value in [getattr(difference, name)]
    }
    return Estimate(n=difference.n, undefined=0, **ends)


def _find_agreement(judgements: Sequence[Judgement], scale: ScaleName | None) -> Agreement:
    """Alpha with its interval: the jackknife over conversations, by Student's t."""
    alpha = _agree_on(judgements, scale)
    names = dict.fromkeys(one.conversation for one in judgements)
    if alpha is None or len(names) < 2:
        return Agreement(scale=scale, alpha=alpha)
    without = [_agree_on([one for one in judgements if one.conversation != name], scale) for name in names]
    known = np.array([one for one in without if one is not None])
    if len(known) < len(names) or not known.std():
        return Agreement(scale=scale, alpha=alpha)
    error = float(np.sqrt((len(known) - 1) / len(known) * ((known - known.mean()) ** 2).sum()))
    half = float(special.stdtrit(len(known) - 1, 1 - LEVEL / 2)) * error
    return Agreement(scale=scale, alpha=alpha, low=max(-1.0, alpha - half), high=min(1.0, alpha + half))


def _agree_on(judgements: Sequence[Judgement], scale: ScaleName | None) -> float | None:
    """Ordinal alpha of ratings, where a unit is an answer; nominal alpha of choices, where it is a conversation."""
    if scale is None:
        choices = [(one.evaluator, one.conversation, one.best or "") for one in judgements]
        return _find_alpha(choices, lambda one, other: float(one != other))
    ratings = [
        (one.evaluator, (one.conversation, system), rated[scale])
        for one in judgements
        for system, rated in one.ratings.items()
    ]
    counts = {point: sum(label == point for _, _, label in ratings) for point in POINTS}

    def measure(one: int, other: int) -> float:
        low, high = sorted((one, other))
        between = sum(counts[point] for point in range(low, high + 1))
        return (between - (counts[low] + counts[high]) / 2) ** 2

    return _find_alpha(ratings, measure)


def _find_alpha(ratings: Sequence[tuple[int, Any, Any]], distance: Callable[[Any, Any], float]) -> float | None:
    if len({evaluator for evaluator, _, _ in ratings}) < 2 or len({label for _, _, label in ratings}) < 2:
        return None
    return float(AnnotationTask(ratings, distance).alpha())
