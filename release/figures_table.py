"""A summary in; the table of all its figures in Markdown, from the numbers alone, out."""

from collections.abc import Sequence

from eval.report.pages import format_difference, format_estimate, format_meaning, format_p
from eval.scoring.figures import Result
from eval.scoring.summary import Summary

BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->"


def format_figures(summary: Summary) -> str:
    """All figures, the main one by slice, and the main one against each baseline."""
    lines = ["| figure | base | tuned | difference | p |", "| --- | --- | --- | --- | --- |"]
    for result in summary.results:
        lines.append(_format_result(f"{result.figure} ({format_meaning(result)})", result))
    for part in summary.slices:
        lines.append(_format_result(f"{summary.main}, {part.field} {part.value} ({part.rows} rows)", part.results[0]))
    for one in summary.baselines:
        both = format_estimate(one.estimates[summary.main]), format_estimate(summary.headline.tuned)
        name = f"{summary.main}, against {one.name}"
        lines.append(_join((name, *both, format_difference(one.difference), format_p(one.difference.p))))
    return "\n".join(lines)


def find_figures(card: str) -> str | None:
    """The table that a card has; None where its comments are gone."""
    _, begin, rest = card.partition(BEGIN)
    table, end, _ = rest.partition(END)
    return table.strip("\n") if begin and end else None


def _format_result(name: str, result: Result) -> str:
    both = format_estimate(result.base), format_estimate(result.tuned)
    return _join((name, *both, format_difference(result.difference), format_p(result.p_adjusted)))


def _join(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
