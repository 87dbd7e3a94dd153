"""People's judgements of systems in; means, preferences, tests and agreement out.

    Results(study="9f2c41d07ab3e655", …, ratings=(Rating(scale="quality", system="base", estimate=…), …),
            comparisons=(RatingComparison(scale="quality", first="base", second="tuned", difference=…, …), …),
            preferences=(PreferenceRate(first="base", second="tuned", choices=412, rate=…, p_adjusted=…),…),
            agreements=(Agreement(scale="quality", alpha=0.71),…))

Conversations are resampled and tested whole, with all their judgements, since these are not independent.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from nltk.metrics.agreement import AnnotationTask  # type: ignore[import-untyped]

from eval.human import POINTS, SCALES, ScaleName
from eval.human.returned import Judgement, Returned
from eval.statistics.estimates import Difference, Estimate, adjust_holm, compare, estimate
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


class PreferenceRate(Frozen):
    """How often the second system was chosen, where one of the two was."""

    first: str
    second: str
    choices: int
    rate: Estimate
    difference: Difference
    p_adjusted: float | None


class Agreement(Frozen):
    """Krippendorff's alpha; None where nobody can disagree: one evaluator, or one rating for all."""

    scale: ScaleName | None
    """None: the agreement of the choices."""
    alpha: float | None


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
    ratings: tuple[Rating, ...]
    comparisons: tuple[RatingComparison, ...]
    preferences: tuple[PreferenceRate, ...]
    agreements: tuple[Agreement, ...]


def sum_up(returned: Returned) -> Results:
    """All figures of the forms that came back."""
    key, judgements = returned.key, returned.judgements
    pairs = list(combinations(key.systems, 2))
    comparisons = [_compare(judgements, scale, first, second, key.seed) for scale in SCALES for first, second in pairs]
    preferences = [_count_choices(judgements, first, second, key.seed) for first, second in pairs]
    tested = [*(one.difference for one in comparisons), *(one.difference for one in preferences)]
    adjusted = iter(adjust_holm([difference.p for difference in tested]))
    return Results(
        study=key.study,
        systems=key.systems,
        runs=key.runs,
        seed=key.seed,
        forms=len(key.sheets),
        evaluators=returned.evaluators,
        conversations=len(key.sheets[0]),
        undecided=sum(one.best is None for one in judgements),
        ratings=tuple(
            Rating(scale=scale, system=system, estimate=_rate(judgements, scale, system, key.seed))
            for scale in SCALES
            for system in key.systems
        ),
        comparisons=tuple(one.model_copy(update={"p_adjusted": next(adjusted)}) for one in comparisons),
        preferences=tuple(one.model_copy(update={"p_adjusted": next(adjusted)}) for one in preferences),
        agreements=tuple(Agreement(scale=scale, alpha=_agree_on(judgements, scale)) for scale in [*SCALES, None]),
    )


def _rate(judgements: Sequence[Judgement], scale: ScaleName, system: str, seed: int) -> Estimate:
    groups = [one.conversation for one in judgements]
    found = estimate(_scale(judgements, scale, system), groups, binary=False, seed=seed)
    ends = {
        name: POINTS[0] + SPAN * value
        for name in ("mean", "low", "high")
        if (value := getattr(found, name)) is not None
    }
    return found.model_copy(update=ends)


def _scale(judgements: Sequence[Judgement], scale: ScaleName, system: str) -> list[float]:
    """The ratings of a system, scaled to the range from 0 to 1 that intervals are bounded by."""
    return [(one.ratings[system][scale] - POINTS[0]) / SPAN for one in judgements]


def _compare(judgements: Sequence[Judgement], scale: ScaleName, first: str, second: str, seed: int) -> RatingComparison:
    groups = [one.conversation for one in judgements]
    before, after = _scale(judgements, scale, first), _scale(judgements, scale, second)
    found = compare(before, after, groups, binary=False, seed=seed)
    ends = {
        name: SPAN * value
        for name in ("mean", "low", "high", "detectable")
        if (value := getattr(found, name)) is not None
    }
    difference = found.model_copy(update=ends)
    return RatingComparison(scale=scale, first=first, second=second, difference=difference, p_adjusted=None)


def _count_choices(judgements: Sequence[Judgement], first: str, second: str, seed: int) -> PreferenceRate:
    decided = [one for one in judgements if one.best in (first, second)]
    groups = [one.conversation for one in decided]
    chosen = [float(one.best == second) for one in decided]
    return PreferenceRate(
        first=first,
        second=second,
        choices=len(decided),
        rate=estimate(chosen, groups, binary=True, seed=seed),
        difference=compare([1 - one for one in chosen], chosen, groups, binary=True, seed=seed),
        p_adjusted=None,
    )


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
