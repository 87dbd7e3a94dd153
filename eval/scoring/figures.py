"""A figure: its meaning and the scores of rows in; its estimate, its difference and what it came to, out.

    Figure(explanation="the calls, their order and …", binary=True, less_is_better=False, …)
    → Result(figure="exact", tuned=Estimate(n=400, mean=0.82, …), base=Estimate(…), difference=Difference(…), …)

A figure beyond 0 to 1 is in one of the sets of its metric that DIRECTIONS names.
"""

from eval.statistics.estimates import Difference, Estimate, compare, estimate, keep_above
from eval.statistics.intervals import LEVEL
from eval.statistics.ratios import Ratio, Rows, compare_ratio, estimate_ratio, read_column
from eval.statistics.sums import Groups
from recipebook.errors import UserError
from recipebook.frozen import Frozen

DIRECTIONS = ("LESS_IS_BETTER", "MORE_IS_BETTER", "UNTESTED")


class Figure(Frozen):
    """A figure's meaning, whether its values are only 0 and 1, and the figures that it divides if it is a ratio.

    An untested figure is shown without a p-value, so that the p-values of the others are adjusted for fewer tests. An
    answer can leave an evadable figure undefined. Values in different scales are not compared. A share is between 0 and
    1; None where earlier versions did not write it down. A figure may be the same for every base model's answer, as a
    reward against that base itself is: then it has no interval. No value is below the least, where one is known.
    """

    explanation: str
    binary: bool
    share: bool | None = None
    same_for_base: bool = False
    less_is_better: bool = False
    ratio: Ratio | None = None
    exponential: bool = False
    untested: bool = False
    evadable: bool = False
    scale: str = ""
    least: float | None = None


class Result(Frozen):
    """One figure over some rows; without a base model there is nothing to compare."""

    figure: str
    explanation: str
    binary: bool
    share: bool | None = None
    less_is_better: bool = False
    ratio: Ratio | None = None
    exponential: bool = False
    untested: bool = False
    scale: str = ""
    least: float | None = None
    tuned: Estimate
    base: Estimate | None
    difference: Difference | None
    p_adjusted: float | None


def mean_of_answers(figure: Figure) -> Figure:
    """The figure of a row that has several answers: a mean of right and wrong ones is neither."""
    return figure.model_copy(update={"binary": False, "share": figure.share or figure.binary})


def estimate_figure(name: str, figure: Figure | Result, scores: Rows, groups: Groups) -> Estimate:
    """One figure over some rows: a mean, or for a ratio the sum divided by the sum."""
    if figure.ratio:
        found = estimate_ratio(scores, figure.ratio, groups, exponential=figure.exponential, share=figure.share)
    else:
        found = estimate(read_column(scores, name), groups, binary=figure.binary, share=figure.share)
    return keep_above(found, figure.least)


def compare_figure(
    name: str,
    figure: Figure | Result,
    base: Rows,
    tuned: Rows,
    groups: Groups,
    level: float = LEVEL,
) -> Difference:
    """One figure of the tuned model against the base model's over the same rows, judged at `level`."""
    if figure.ratio:
        difference = compare_ratio(
            base, tuned, figure.ratio, groups, exponential=figure.exponential, share=figure.share, level=level
        )
    else:
        before, after = read_column(base, name), read_column(tuned, name)
        difference = compare(before, after, groups, binary=figure.binary, share=figure.share, level=level)
    return difference.model_copy(update={"p": None}) if figure.untested else difference


def check_ratio(result: Result) -> None:
    """Refuse a ratio beyond 0 to 1 whose metric states no direction: it could mean either."""
    for one in (result.tuned, result.base):
        if result.ratio and result.share and one and one.mean is not None and not 0 <= one.mean <= 1:
            raise UserError(
                f"figure {result.figure!r} is {one.mean:g}, beyond 0 to 1; its metric must name it in one of "
                f"{', '.join(DIRECTIONS)}"
            )
