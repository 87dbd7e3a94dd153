"""Is another run as good, but for a margin? Compared runs and a margin in; a line for each run out.

    B is not worse than A by more than 0.02 in exact: at most 0.011
    B and A are equivalent within 0.02 in exact: the 90 % interval of the difference is -0.009 to 0.015

Merged, quantised or smaller models are meant to be as good. That no difference is shown does not say so. Not worse: the
95 % interval does not reach further than the margin to the worse side (ICH E9, 1998). Equivalent: the 90 % interval
lies between both margins, which is two one-sided tests at 0.05 (Schuirmann, "A comparison of the two one-sided tests
procedure and the power approach", Journal of Pharmacokinetics and Biopharmaceutics 15, 1987). Of several runs the
levels are shared.
"""

from collections.abc import Sequence

from eval.comparing.evaluations import EvaluatedRun
from eval.comparing.seeds import compare_systems
from eval.report.gate import find_worst, format_beside
from eval.report.pages import format_number
from eval.scoring.figures import Result
from eval.statistics.families import share_level


def list_margins(labels: str, runs: Sequence[EvaluatedRun], margin: float) -> list[str]:
    """What each run after the first is to the first, in the main figure."""
    first, *others = runs
    result, level = first.summary.headline, share_level(len(others))
    return [
        line
        for label, other in zip(labels[1:], others, strict=False)
        for line in (
            _judge_worse(label, result, first, other, margin, level),
            _judge_equal(label, result, first, other, margin, level),
        )
    ]


def _judge_worse(
    label: str, result: Result, first: EvaluatedRun, other: EvaluatedRun, margin: float, level: float
) -> str:
    worst = find_worst(compare_systems(result, first, other, level), result.less_is_better)
    if worst is None or worst > margin:
        reach = "" if worst is None else f": it may be {format_beside(worst, margin)} worse"
        return f"{label} is not shown to be at most {margin:g} worse than A in {result.figure}{reach}"
    at_least = f"it is better by {format_number(-worst)} at least"
    reach = f"at most {format_beside(worst, margin)}" if worst > 0 else at_least
    return f"{label} is not worse than A by more than {margin:g} in {result.figure}: {reach}"


def _judge_equal(
    label: str, result: Result, first: EvaluatedRun, other: EvaluatedRun, margin: float, level: float
) -> str:
    difference = compare_systems(result, first, other, 2 * level)
    low, high = difference.low, difference.high
    if low is None or high is None or low < -margin or high > margin:
        return f"{label} and A are not shown to be equivalent within {margin:g} in {result.figure}"
    held = f"the {100 * (1 - 2 * level):g} % interval of the difference"
    reach = f"{held} is {format_number(low)} to {format_number(high)}"
    return f"{label} and A are equivalent within {margin:g} in {result.figure}: {reach}"
