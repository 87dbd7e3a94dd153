"""Whether an evaluation says what a program waits for: a summary and a gate in; yes or no, and one line, out.

    judge_gate(summary, "not-worse", 0.02)
    → True, "gate not-worse: passed: exact is at most 0.011 worse than base, and 0.02 are allowed"

`better` is the verdict's: a difference that is shown, to the base and to each baseline that the recipe names. For
`not-worse` the 95 % interval of the difference must not reach further than the margin to the worse side, as
non-inferiority is judged (ICH E9, "Statistical principles for clinical trials", 1998, section 3.3.2).
"""

from typing import Literal

from eval.report.baselines import is_better, list_baselines
from eval.report.pages import format_number, is_shown
from eval.report.verdict import judge_result
from eval.scoring.summary import Summary
from eval.statistics.estimates import Difference
from recipebook.errors import UserError

Gate = Literal["better", "not-worse"]


def judge_gate(summary: Summary, gate: Gate, margin: float = 0.0) -> tuple[bool, str]:
    """Whether the gate is passed, and the line that says why."""
    result = summary.headline
    difference = result.difference
    if difference is None:
        raise UserError(f"GATE={gate}: {summary.main} has no base to compare with")
    if difference.mean is None:
        raise UserError(f"GATE={gate}: {summary.main} cannot be compared: {judge_result(result, summary.rows)}")
    gain = -difference.mean if result.less_is_better else difference.mean
    if gate == "better":
        better = {row.name: is_better(row, result.less_is_better) for row in list_baselines(summary)}
        better = {"base": is_shown(difference, result.p_adjusted) and gain > 0} | better
        unclear = [name for name, shown in better.items() if not shown]
        found = f"{'is not' if unclear else 'is'} shown to be better than {' and '.join(unclear or better)}"
        return not unclear, f"gate better: {_name(not unclear)}: {summary.main} {found}"
    worst = find_worst(difference, result.less_is_better)
    if worst is None and gain > 0 and is_shown(difference, result.p_adjusted):
        # All rows differ by the same.
        return True, f"gate not-worse: {_name(True)}: it is better by {format_number(gain)} in {summary.main}"
    if worst is None:
        return False, f"gate not-worse: {_name(False)}: the difference in {summary.main} has no interval"
    reach = "is at most" if worst <= margin else "may be"
    most = f"{summary.main} {reach} {format_beside(worst, margin)} worse than base"
    found = most if worst > 0 else "it is no worse"
    return worst <= margin, f"gate not-worse: {_name(worst <= margin)}: {found}, and {margin:g} are allowed"


def find_worst(difference: Difference, less_is_better: bool) -> float | None:
    """How much worse the other may be, by the end of the interval; below 0 it is better for sure."""
    end = difference.high if less_is_better else difference.low
    return None if end is None else end if less_is_better else -end


def format_beside(value: float, margin: float) -> str:
    """The value in three decimals, or in as many as show on which side of the margin it is."""
    texts = (f"{value:.{decimals}f}" for decimals in range(3, 17))
    return next((text for text in texts if (float(text) <= margin) == (value <= margin)), str(value))


def _name(passed: bool) -> str:
    return "passed" if passed else "not passed"
