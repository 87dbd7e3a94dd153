"""What an evaluation found in its main figure: a summary in, one sentence out, good or bad.

exact (all is right): tuned 84.5 % [80.6, 87.7], base 0.0 % [0.0, 0.9]; the difference of +84.5 points [80.8, 88.0]
is unlikely if the two were alike (p < 0.001).
"""

from eval.report.baselines import judge_baselines, judge_content
from eval.report.effect import changes_no_answer
from eval.report.pages import format_difference, format_estimate, format_probability, is_shown
from eval.scoring.figures import Result
from eval.scoring.summary import Summary
from eval.statistics.estimates import Difference, Estimate
from recipebook.terminal import format_count, format_decimals


def make_verdict(summary: Summary) -> str:
    """The verdict in plain words."""
    verdict, difference = judge_result(summary.headline, summary.rows), summary.headline.difference
    if against := judge_baselines(summary):
        verdict = f"{verdict} {against} {judge_content(summary)}".rstrip()
    if difference and difference.mean == 0 and changes_no_answer(summary):
        same = f"tuning changed none of {summary.rows} answers: this is no tie, but the same answers twice."
        return f"{_name_models(summary.headline, summary.rows, 'base')}; {same}"
    return verdict


def judge_result(result: Result, rows: int, before: str = "base") -> str:
    """The verdict on one figure over some rows; `before` names the model that the tuned one is compared with."""
    difference, p = result.difference, result.p_adjusted
    start = _name_models(result, rows, before)
    if difference is None:
        return f"{start}; no base model to compare with."
    if difference.mean is None or p is None:
        return f"{start}; {explain_missing(difference)}, so there is nothing to compare."
    change = _format_change(difference, result.binary)
    if not is_shown(difference, p):
        return f"{start}; a difference is not shown: {change} ({format_probability(p)})."
    worse = "tuning made it worse: " if (difference.mean > 0) == result.less_is_better else ""
    return f"{start}; {worse}the difference of {change} is unlikely if the two were alike ({format_probability(p)})."


def explain_missing(difference: Difference) -> str:
    """Why there is no difference, or no test of it."""
    large = difference.mean is None and difference.n
    return "one of the two is too large a number" if large else "no row has both defined"


def _name_models(result: Result, rows: int, before: str) -> str:
    """The figure of both models."""
    tuned = f"{result.figure} ({result.explanation}): tuned {_format_share(result.tuned, result.binary)}"
    if result.base is None:
        return tuned
    return f"{tuned}, {before} {_format_share(result.base, result.binary)}{_count_rows(result, rows, before)}"


def _count_rows(result: Result, rows: int, before: str) -> str:
    """The rows that have the figure, where these are not all rows for both models."""
    counts = (result.tuned.n, result.base.n if result.base else 0, result.difference.n if result.difference else 0)
    if counts == (rows, rows, rows):
        return ""
    tuned, other, both = counts
    return f" (of {format_count(rows, 'rows')} {tuned} have it for tuned, {other} for {before}, {both} for both)"


def _format_share(estimate: Estimate, binary: bool) -> str:
    if not binary or estimate.mean is None or estimate.low is None or estimate.high is None:
        return format_estimate(estimate)
    mean, low, high = (format_decimals(100 * one, 1) for one in (estimate.mean, estimate.low, estimate.high))
    return f"{mean} % [{low}, {high}]"


def _format_change(difference: Difference, binary: bool) -> str:
    if not binary or difference.mean is None or difference.low is None or difference.high is None:
        return format_difference(difference)
    low, high = (format_decimals(100 * one, 1) for one in (difference.low, difference.high))
    return f"{format_decimals(100 * difference.mean, 1, '+')} points [{low}, {high}]"
