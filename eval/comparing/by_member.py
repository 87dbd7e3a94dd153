"""A fleet as one system against another, member by member: the shared rows in, a line for each member out.

    member       rows  A                     B                     difference               p
    persona_000     6  0.500 [0.118, 0.882]  0.833 [0.359, 0.996]  +0.333 [-0.208, 0.875]  0.500

P-values are adjusted by Holm over the members, and the intervals of all differences hold together. A member has few
rows, so most differences are not shown to be any.
"""

from collections.abc import Sequence
from typing import NamedTuple

from eval.comparing.evaluations import EvaluatedRun
from eval.scoring.figures import compare_figure, estimate_figure
from eval.statistics.estimates import SIGNIFICANT, Difference, Estimate, agree_adjusted
from eval.statistics.families import adjust_holm, share_level


class MemberRow(NamedTuple):
    """One member's rows: how the first run does on them, and how another."""

    member: str
    rows: int
    first: Estimate
    other: Estimate
    difference: Difference
    p_adjusted: float | None

    @property
    def sure(self) -> bool:
        """Whether the test shows a difference."""
        return self.p_adjusted is not None and self.p_adjusted < SIGNIFICANT


def compare_members(first: EvaluatedRun, other: EvaluatedRun) -> list[MemberRow]:
    """The main figure of both over each member's rows, in the order of the difference, best for `other` first."""
    names = other.members or first.members
    chosen = {name: [row for row, one in enumerate(names) if one == name] for name in dict.fromkeys(names)}
    level = share_level(len(chosen))
    lines = [_compare(name, rows, first, other, level) for name, rows in chosen.items()]
    adjusted = adjust_holm([line.difference.p for line in lines])
    sign = 1 if first.summary.headline.less_is_better else -1
    adjusted_lines = [
        line._replace(p_adjusted=p, difference=agree_adjusted(line.difference, p))
        for line, p in zip(lines, adjusted, strict=True)
    ]
    return sorted(adjusted_lines, key=lambda line: (line.difference.mean is None, sign * (line.difference.mean or 0)))


def format_members(label: str, lines: Sequence[MemberRow], less_is_better: bool) -> str:
    """`B by member: better than A for 3 of 32, worse for 1; for 28 a difference is not shown`"""
    sure = [line.difference.mean or 0 for line in lines if line.sure]
    better = sum((mean < 0) == less_is_better for mean in sure)
    sentence = f"{label} by member: better than A for {better} of {len(lines)}, worse for {len(sure) - better}"
    return f"{sentence}; for {len(lines) - len(sure)} a difference is not shown"


def _compare(name: str, rows: Sequence[int], first: EvaluatedRun, other: EvaluatedRun, level: float) -> MemberRow:
    main = first.summary.headline
    groups = [first.groups[row] for row in rows]
    ours, theirs = ([run.scores[row] for row in rows] for run in (first, other))
    one, another = (estimate_figure(main.figure, main, scores, groups) for scores in (ours, theirs))
    difference = compare_figure(main.figure, main, ours, theirs, groups, level)
    return MemberRow(name, len(rows), one, another, difference, None)
