"""`make compare`: evaluated runs side by side, the first as the one that others are measured against.

    A  robot-lora-20261121-040752
    B  robot-lora-20261121-053004

    exact
      A  0.700 [0.661, 0.736]
      B  0.834 [0.801, 0.862]  +0.134 [0.101, 0.166]  p <0.001

Rows are paired by id, so runs are comparable only where they were evaluated on the same rows, in the same template and
with the same settings; others are refused. A fleet whose members have rows of their own is compared as one system over
the rows that both were evaluated on (eval/comparing/join.py), and member by member.
P-values of the main figure are adjusted by Holm over the runs, and the intervals of its differences hold
together. Those of the other figures are adjusted over all of them and all runs, and hold together as well.
"""

from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from eval.comparing.by_member import MemberRow, compare_members, format_members
from eval.comparing.evaluations import EvaluatedRun, check_alike
from eval.comparing.join import read_systems
from eval.comparing.margins import list_margins
from eval.comparing.seeds import compare_systems
from eval.comparing.settings import DifferingSetting, format_settings, list_differing
from eval.report.charts import Bar, Tick, plot_bars
from eval.report.notes import ONE_SEED, TOGETHER, group_notes
from eval.report.pages import (
    format_difference,
    format_estimate,
    format_p,
    format_probability,
    is_shown,
    list_detectable,
    list_pages,
    make_link,
    render_page,
)
from eval.report.verdict import explain_missing
from eval.scoring.figures import Result
from eval.statistics.estimates import SIGNIFICANT, Difference, Estimate
from eval.statistics.judging import Judged, judge_apart
from recipebook import project
from recipebook.errors import UserError
from recipebook.files import digest, write_text
from recipebook.project import shown
from recipebook.terminal import format_count, wrap

LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class FigureEstimate(NamedTuple):
    """One run in one figure; the first run has no difference to itself."""

    label: str
    estimate: Estimate
    difference: Difference | None
    p_adjusted: float | None


class ComparedFigure(NamedTuple):
    """One figure of all runs."""

    figure: str
    explanation: str
    binary: bool
    less_is_better: bool
    standings: tuple[FigureEstimate, ...]


class RunComparison(NamedTuple):
    """All figures of all runs, the main one first."""

    runs: tuple[EvaluatedRun, ...]
    figures: tuple[ComparedFigure, ...]
    differing: tuple[DifferingSetting, ...]
    members: dict[str, list[MemberRow]]
    """Each member's rows, by the run's label; only for a fleet as one system and for runs measured against one."""


def print_comparison(queries: Sequence[str], out: Path | None, margin: float | None) -> int:
    """Print runs side by side and write the same as a page; `margin` also asks whether they are as good."""
    comparison = compare_runs(read_systems(queries))
    page = out or project.RUNS / f"compare-{digest(*(run.name for run in comparison.runs))}.html"
    margins = [] if margin is None else list_margins(LABELS, comparison.runs, margin)
    print("\n".join([terminal_table(comparison), *map(wrap, margins)]))
    write_text(page, render(comparison, page, margins))
    print(f"page: {shown(page)}")
    return 0


def compare_runs(runs: Sequence[EvaluatedRun]) -> RunComparison:
    """Measure every run against the first."""
    _check_comparable(runs)
    first, *others = runs
    results = first.summary.results
    compares = [partial(_compare, result, first, other) for result in results for other in others]
    judged = iter(judge_apart(compares[: len(others)], compares[len(others) :]))
    figures = []
    for result in results:
        changes = [Judged(None, None), *islice(judged, len(others))]
        estimates = [_get_result(run, result.figure).tuned for run in runs]
        standings = [
            FigureEstimate(label, estimate, *change)
            for label, estimate, change in zip(LABELS, estimates, changes, strict=False)
        ]
        figures.append(
            ComparedFigure(result.figure, result.explanation, result.binary, result.less_is_better, tuple(standings))
        )
    members = {
        label: compare_members(first, other)
        for label, other in zip(LABELS[1:], others, strict=False)
        if first.members or other.members
    }
    folders = [run.trainings or (run.folder,) for run in runs if run.folder]
    return RunComparison(tuple(runs), tuple(figures), tuple(list_differing(folders)), members)


def terminal_table(comparison: RunComparison) -> str:
    """The comparison for 80 columns: runs by letter, then figure by figure."""
    lines = [f"{label}  {run.title}" for label, run in zip(LABELS, comparison.runs, strict=False)]
    if comparison.differing:
        lines += ["", "settings that differ", *(f"  {line}" for line in format_settings(comparison.differing))]
    for row in comparison.figures:
        lines += ["", f"{row.figure} (less is better)" if row.less_is_better else row.figure]
        width = max(len(format_estimate(standing.estimate)) for standing in row.standings)
        for label, estimate, difference, p in row.standings:
            change = f"  {format_difference(difference)}  p {format_p(p)}" if difference else ""
            lines.append(f"  {label}  {format_estimate(estimate):{width}}{change}".rstrip())
    first = comparison.runs[0]
    lines += [
        "",
        f"{format_count(len(first.rows), first.summary.part)}; in brackets 95 % intervals; differences to A",
        *map(wrap, list_notes(comparison)),
    ]
    return "\n".join([*lines, *map(wrap, [*format_findings(comparison), *_format_fleets(comparison).values()])])


def list_notes(comparison: RunComparison) -> list[str]:
    """What p-values are adjusted for, on which rows figures are defined, and why intervals may be too short."""
    counts = group_notes((row.figure, _count_rows(row, len(comparison.runs[0].rows))) for row in comparison.figures)
    return [*describe_adjustment(comparison), *counts, *list_cautions(comparison)]


def _count_rows(row: ComparedFigure, rows: int) -> str:
    """The rows that have a figure, of each run and of both that are compared; empty where all have it."""
    counts = {one.estimate.n for one in row.standings}
    counts |= {one.difference.n for one in row.standings if one.difference}
    if counts == {rows}:
        return ""
    if not any(counts):
        return f"undefined in {'all ' if rows > 1 else ''}{format_count(rows, 'rows')}"
    if len(counts) == 1:
        return f"{counts.pop()} of {format_count(rows, 'rows')}, undefined for the others"
    both = {one.label: f" ({one.difference.n} with A)" if one.difference else "" for one in row.standings}
    listed = ", ".join(f"{one.estimate.n} of {one.label}{both[one.label]}" for one in row.standings)
    return f"of {format_count(rows, 'rows')} {listed}; undefined for the others"


def describe_adjustment(comparison: RunComparison) -> list[str]:
    """What p-values are adjusted for, in a line."""
    main, count = comparison.figures[0].figure, len(comparison.runs) - 1
    alone = f"p of {main} is its own" if count == 1 else f"p of {main} is adjusted by Holm over {count} runs"
    if not any(one.p_adjusted is not None for row in comparison.figures[1:] for one in row.standings):
        return [alone]
    return [f"{alone}, p of the others by Holm over all of them, {TOGETHER}"]


def list_cautions(comparison: RunComparison) -> list[str]:
    """Why intervals may be too short, a line for each reason."""
    figures: dict[str, dict[str, None]] = {}
    for row in comparison.figures:
        for one in row.standings:
            for caution in (one.estimate.caution, one.difference.caution if one.difference else ""):
                figures.setdefault(caution, {})[row.figure] = None
    return [f"{', '.join(named)}: intervals may be too short: {why}" for why, named in figures.items() if why]


def format_findings(comparison: RunComparison) -> list[str]:
    """The findings in the main figure and the smallest difference that could be found, in plain words."""
    main = comparison.figures[0]
    findings = []
    for label, _, difference, p in main.standings[1:]:
        if difference is None:
            findings.append(f"{label} and A measure {main.figure} on different scales, so there is nothing to compare")
        elif difference.mean is None or p is None:
            findings.append(f"{label} and A: {main.figure}: {explain_missing(difference)}")
        elif not is_shown(difference, p):
            findings.append(f"{label} and A: a difference in {main.figure} is not shown ({format_probability(p)})")
        else:
            better = "better" if (difference.mean < 0) == main.less_is_better else "worse"
            why = f"unlikely if the two were alike ({format_probability(p)})"
            findings.append(f"{label} is {better} than A in {main.figure}: {why}")
        findings += [f"  {line}" for line in list_detectable(main.figure, main.binary, difference, p)]
    alone = [label for label, run in _label(comparison) if run.of_one_training]
    return [*findings, *([f"{', '.join(alone)}: {ONE_SEED}"] if alone else [])]


def render(comparison: RunComparison, page: Path = project.RUNS / "compare.html", margins: Sequence[str] = ()) -> str:
    """The comparison as a page, with the links that hold in the file `page`; `margins` are findings by a margin."""
    main, names = comparison.figures[0].standings, [f"{label} · {run.title}" for label, run in _label(comparison)]
    links = [make_link(run.page, page) for run in comparison.runs]
    return render_page(
        "comparing/compare.html.j2",
        links=list_pages(
            {"All runs": page.parent / "index.html", "Leaderboard": page.parent / "leaderboard.html"}, page
        ),
        title=_make_title(comparison),
        labels=LABELS,
        comparison=comparison,
        reports=links,
        means=_lay_out(names, [one.estimate for one in main], [[format_estimate(one.estimate)] for one in main]),
        changes=_lay_out(
            names[1:],
            [one.difference for one in main[1:]],
            [[format_difference(one.difference), f"p {format_p(one.p_adjusted)}"] for one in main[1:]],
        ),
        findings=[*format_findings(comparison), *margins],
        notes=list_notes(comparison),
        fleets=_format_fleets(comparison),
        rows=len(comparison.runs[0].rows),
        significant=SIGNIFICANT,
    )


def _make_title(comparison: RunComparison) -> str:
    """`Comparison of robot-lora-20261121-040752 and 3 others`"""
    first, *others = (run.name for run in comparison.runs)
    return f"Comparison of {first} and {others[0] if len(others) == 1 else f'{len(others)} others'}"


def _label(comparison: RunComparison) -> list[tuple[str, EvaluatedRun]]:
    return list(zip(LABELS, comparison.runs, strict=False))


def _lay_out(
    names: Sequence[str], estimates: Sequence[Estimate | Difference | None], texts: Sequence[list[str]]
) -> tuple[list[tuple[str, str, Bar | None, list[str]]], tuple[Tick, ...]]:
    chart = plot_bars(estimates)
    rows = [(name, "", bar, text) for name, bar, text in zip(names, chart.bars, texts, strict=True)]
    return rows, chart.ticks


def _format_fleets(comparison: RunComparison) -> dict[str, str]:
    less_is_better = comparison.figures[0].less_is_better
    return {label: format_members(label, members, less_is_better) for label, members in comparison.members.items()}


def _check_comparable(runs: Sequence[EvaluatedRun]) -> None:
    names = [run.name for run in runs]
    if len(names) < 2:
        raise UserError(f'RUNS: {len(names)} run given; two or more are compared: make compare RUNS="a b"')
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UserError(f"RUNS: {twice[0]} is named twice; a run does not differ from itself")
    first = runs[0]
    for other in runs[1:]:
        check_alike(first, other)
    if len(names) > len(LABELS):
        raise UserError(f"RUNS: {len(names)} runs given; up to {len(LABELS)} are compared at once")


def _get_result(run: EvaluatedRun, figure: str) -> Result:
    return next(result for result in run.summary.results if result.figure == figure)


def _compare(result: Result, first: EvaluatedRun, other: EvaluatedRun, level: float) -> Difference | None:
    """None where the two measure in different units, as rewards of different betas are."""
    if _get_result(other, result.figure).scale != result.scale:
        return None
    return compare_systems(result, first, other, level)
