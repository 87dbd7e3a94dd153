"""`make leaderboard`: all evaluated runs, ranked where they were evaluated on the same rows in the same way.

    exact, 577 test rows: 2 runs
           run                         exact [95 %]          to best  p
      1    robot-lora-20261121-053004  0.834 [0.801, 0.862]
      2 =  robot-lora-20261121-040752  0.827 [0.794, 0.855]  -0.007   0.533

A group shares its test set, chat template, metric and generation settings and main figure; between groups there is no
rank. Runs that are comparable with no other run, such as adapters of one persona each, are listed without a rank. `=`
marks runs that are not shown to differ from the best: paired tests, adjusted by Holm over all pairs of the group, since
the best was chosen by the same rows and any of the runs could have been it. A line below estimates how much better the
best looks because it was chosen (eval/comparing/selection.py).
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from eval.comparing.evaluations import (
    EvaluatedRun,
    list_evaluations,
    name_differences,
    read_evaluation,
    shorten_fault,
)
from eval.comparing.seeds import compare_systems, join_seeds
from eval.comparing.selection import estimate_optimism
from eval.report.baselines import judge_baselines
from eval.report.charts import plot_bars
from eval.report.notes import ONE_SEED
from eval.report.pages import (
    format_difference,
    format_estimate,
    format_number,
    format_p,
    is_shown,
    list_detectable,
    list_pages,
    make_link,
    render_page,
)
from eval.scoring.summary import get_worth
from eval.statistics.estimates import SIGNIFICANT, Difference, Estimate, agree_adjusted
from eval.statistics.families import adjust_holm, share_level
from recipebook import project
from recipebook.errors import UserError
from recipebook.files import write_text
from recipebook.fleet.seeds import find_seeds
from recipebook.project import shown
from recipebook.run import rundir
from recipebook.terminal import fit, format_count, wrap

ALONE = "not comparable with other runs (other rows or settings)"


class RankedRun(NamedTuple):
    """A run's place; the best has no difference to itself."""

    rank: int
    run: EvaluatedRun
    estimate: Estimate
    difference: Difference | None
    p_adjusted: float | None

    @property
    def tied(self) -> bool:
        """Whether it is not shown to differ from the best."""
        return self.difference is not None and not is_shown(self.difference, self.p_adjusted)


class Group(NamedTuple):
    """Runs that may be ranked, best first."""

    figure: str
    explanation: str
    binary: bool
    less_is_better: bool
    rows: int
    part: str
    conditions: dict[str, str]
    standings: tuple[RankedRun, ...]
    optimism: float | None

    @property
    def caution(self) -> str:
        """How much too good the best looks, and the figure to expect of it instead."""
        best = self.standings[0].estimate.mean
        if self.optimism is None or best is None:
            return "how much better the best looks for having been chosen is unknown"
        rather = best + self.optimism if self.less_is_better else best - self.optimism
        count = len(self.standings)
        looks = f"the best of {count}, chosen by these rows, looks {format_number(self.optimism)} too good"
        return f"{looks}: expect {format_number(rather)}"

    @property
    def doubts(self) -> list[str]:
        """Lines on intervals that may be too short, on runs of one training, and on baselines, which have no rank."""
        cautions = [one.estimate.caution for one in self.standings]
        cautions += [one.difference.caution for one in self.standings if one.difference]
        alone = sum(one.run.of_one_training for one in self.standings)
        seeds = [f"{format_count(alone, 'runs')} of {ONE_SEED}"] if alone else []
        judged = {one.run.name: judge_baselines(one.run.summary) for one in self.standings}
        against = [f"the report of {name} says: {text.rstrip('.')}" for name, text in judged.items() if text]
        return [*(f"intervals may be too short: {one}" for one in dict.fromkeys(cautions) if one), *seeds, *against]

    @property
    def detectable(self) -> list[str]:
        """A line on the difference to the best that could be found for every run, by the run with the least power."""
        compared = [one for one in self.standings if one.difference]
        found: dict[float, str] = {}
        for one in compared:
            for line in list_detectable(self.figure, self.binary, one.difference, one.p_adjusted):
                size = one.difference.detectable if one.difference else None
                # What is said of one run may not hold for the others.
                among = f"between {one.run.name} and the best, with the least power: " if len(compared) > 1 else ""
                found.setdefault(math.inf if size is None else size, f"{among}{line}")
        return [found[max(found)]] if found else []


class UnrankedRun(NamedTuple):
    """A run without a rank, and the reason."""

    run: str
    reason: str


class Leaderboard(NamedTuple):
    """Largest groups first."""

    groups: tuple[Group, ...]
    left_out: tuple[UnrankedRun, ...]

    @property
    def ranked(self) -> list[Group]:
        """Groups of several runs."""
        return [group for group in self.groups if len(group.standings) > 1]

    @property
    def alone(self) -> dict[str, list[Group]]:
        """Groups of a single run, by figure and in the order of the runs' names."""
        found: dict[str, list[Group]] = {}
        for group in sorted(self.groups, key=lambda group: group.standings[0].run.name):
            if len(group.standings) == 1:
                found.setdefault(group.figure, []).append(group)
        return found


def print_leaderboard(recipe: str | None, out: Path | None) -> int:
    """Print the ranks and write the same as a page."""
    board = rank_runs(recipe)
    print(terminal_table(board))
    page = out or project.RUNS / "leaderboard.html"
    write_text(page, render(board, recipe, page))
    print(f"page: {shown(page)}")
    return 0


def rank_runs(recipe: str | None, runs: Path = project.RUNS) -> Leaderboard:
    """Read every run, or only those of `recipe` and of its members, and rank the runs that can be compared."""
    members = {run.name for run, _ in rundir.list_fleet(recipe, runs)} if recipe else set()
    evaluations: list[EvaluatedRun] = []
    left_out: list[UnrankedRun] = []
    for run in rundir.list_runs(runs):
        for where in list_evaluations(run) or [""]:
            try:
                if recipe in (None, run.read().recipe) or run.name in members:
                    evaluations.append(read_evaluation(run, where))
            except UserError as error:
                left_out.append(UnrankedRun(run.name, shorten_fault(error, run)))
    if recipe is not None and not evaluations and not left_out:
        known = sorted({manifest.recipe for _, manifest in rundir.list_readable(runs)})
        raise UserError(f"no run of recipe '{recipe}' in runs/; it has runs of: {', '.join(known) or 'none yet'}")
    groups: list[list[EvaluatedRun]] = []
    for evaluation in _join_fleets(evaluations, runs):
        for group in groups:
            if _is_comparable(group[0], evaluation):
                group.append(evaluation)
                break
        else:
            groups.append([evaluation])
    ranked = sorted((rank_group(group) for group in groups), key=lambda group: -len(group.standings))
    return Leaderboard(tuple(ranked), tuple(left_out))


def terminal_table(board: Leaderboard) -> str:
    """The ranks for 80 columns."""
    lines: list[str] = []
    for group in board.ranked:
        head = ("", "run", f"{group.figure} [95 %]", "to best", "p")
        lines += [_name_group(group), fit([head, *(_make_cells(one) for one in group.standings)], names=2)]
        lines += [*map(wrap, [group.caution, *group.doubts, *group.detectable]), ""]
    for figure, groups in board.alone.items():
        rows = [("  run", f"{figure} [95 %]", "rows"), *map(_make_alone_cells, groups)]
        lines += [f"{figure}, {ALONE}: {format_count(len(groups), 'runs')}", fit(rows), ""]
    if not board.groups:
        lines += ["no run can be ranked", ""]
    if board.left_out:
        lines += ["left out (make eval RUN=… gives a run its place):"]
        lines += [*(f"  {reason}" for _, reason in board.left_out), ""]
    return "\n".join([*lines, "= not shown to differ from the best; no rank holds beyond its group"])


def render(board: Leaderboard, recipe: str | None, page: Path = project.RUNS / "leaderboard.html") -> str:
    """The ranks as a page, with the links that hold in the file `page`."""
    return render_page(
        "comparing/leaderboard.html.j2",
        links=list_pages({"All runs": page.parent / "index.html", **_list_fleets(board)}, page),
        alone=ALONE,
        board=board,
        recipe=recipe,
        draw=lambda group: _draw(group, page),
        link=lambda run: make_link(run.page, page),
        significant=SIGNIFICANT,
    )


def _draw(group: Group, page: Path) -> dict[str, object]:
    """The group's bars, on an axis of its own."""
    chart = plot_bars([one.estimate for one in group.standings])
    rows = [
        (f"{one.rank}{' =' if one.tied else ''} · {one.run.title}", make_link(one.run.page, page), bar, _describe(one))
        for one, bar in zip(group.standings, chart.bars, strict=True)
    ]
    return {"rows": rows, "ticks": chart.ticks}


def _describe(one: RankedRun) -> list[str]:
    """The estimate, and below it the difference to the best with its p-value."""
    lines = [format_estimate(one.estimate)]
    return [*lines, format_difference(one.difference), f"p {format_p(one.p_adjusted)}"] if one.difference else lines


def _list_fleets(board: Leaderboard) -> dict[str, Path]:
    """The pages of fleets that the runs may be members of."""
    folders = [one.run.folder.parent for group in board.groups for one in group.standings if one.run.folder]
    return {f"Members of {folder.name}": folder / "members.html" for folder in folders}


def _join_fleets(evaluations: Sequence[EvaluatedRun], runs: Path) -> list[EvaluatedRun]:
    """The evaluations with one system in place of the members of each fleet over training seeds."""
    joined: list[EvaluatedRun] = []
    taken: set[str] = set()
    for fleet in sorted({one.run.rpartition("/")[0] for one in evaluations} - {""}):
        members = rundir.list_fleet(fleet, runs)
        names = [run.name for run, _ in members]
        own = [one for one in evaluations if one.run in names and not one.where]
        if len(own) == len(names) and find_seeds(members) and not name_differences(own):
            joined.append(join_seeds(fleet, own, rundir.list_untrained(fleet, members, runs)))
            taken |= set(names)
    return [*(one for one in evaluations if one.run not in taken or one.where), *joined]


def _is_comparable(first: EvaluatedRun, other: EvaluatedRun) -> bool:
    return first.summary.main == other.summary.main and not name_differences([first, other])


def rank_group(group: Sequence[EvaluatedRun]) -> Group:
    """Rank evaluations that can be compared, each against the best."""
    headline = group[0].summary.headline
    best, *others = sorted(group, key=lambda run: get_worth(run.summary), reverse=True)
    pairs = len(group) * len(others) // 2
    differences = [compare_systems(headline, best, other, share_level(pairs)) for other in others]
    adjusted = adjust_holm([difference.p for difference in differences], pairs)
    standings = [RankedRun(1, best, best.summary.headline.tuned, None, None)]
    for rank, (run, difference, p) in enumerate(zip(others, differences, adjusted, strict=True), 2):
        standings.append(RankedRun(rank, run, run.summary.headline.tuned, agree_adjusted(difference, p), p))
    return Group(
        figure=headline.figure,
        explanation=headline.explanation,
        binary=headline.binary,
        less_is_better=headline.less_is_better,
        rows=len(best.rows),
        part=best.summary.part,
        conditions=best.summary.conditions,
        standings=tuple(standings),
        optimism=estimate_optimism([run.scores for run in group], headline, best.groups, best.summary.seed),
    )


def _name_group(group: Group) -> str:
    direction = ", less is better" if group.less_is_better else ""
    rows, runs = format_count(group.rows, group.part), format_count(len(group.standings), "runs")
    return f"{group.figure}{direction}, {rows}: {runs}"


def _make_alone_cells(group: Group) -> tuple[str, ...]:
    (one,) = group.standings
    return f"  {one.run.title}", format_estimate(one.estimate), str(group.rows)


def _make_cells(one: RankedRun) -> tuple[str, ...]:
    change = one.difference.mean if one.difference else None
    return (
        f"  {one.rank}{' =' if one.tied else ''}",
        one.run.title,
        format_estimate(one.estimate),
        "" if change is None else format_number(change, "+"),
        format_p(one.p_adjusted) if one.difference else "",
    )
