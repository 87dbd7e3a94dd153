"""What a fleet over training seeds came to against its base: the evaluated members in; a table and a page out.

    figure  base   5 seeds [95 %]        difference [95 %]      p
    exact   0.000  0.834 [0.791, 0.877]  +0.834 [0.791, 0.877]  <0.001

    exact: tuned 83.4 % …; 5 seeds from 0.821 to 0.851, standard deviation 0.012.

`runs/<fleet>/seeds.json` has the same figures, and `seeds.html` shows them.
"""

import statistics
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from eval.comparing.evaluations import EvaluatedRun, read_evaluation
from eval.comparing.seeds import compare_trainings, estimate_system, join_seeds, list_means
from eval.report.baselines import HEAD, BaselineRow, is_better, judge_baselines, judge_content, list_baselines
from eval.report.notes import describe_cautions
from eval.report.pages import (
    format_difference,
    format_estimate,
    format_number,
    format_p,
    format_probability,
    is_shown,
    list_detectable,
    list_pages,
    render_page,
)
from eval.report.stage_summary import read_stages
from eval.report.verdict import judge_result
from eval.scoring.figures import Result
from eval.scoring.rows_of_answers import Scores
from eval.scoring.summary import Baseline
from eval.statistics.estimates import Difference
from eval.statistics.judging import judge_apart
from recipebook import project
from recipebook.files import write_text
from recipebook.frozen import Frozen
from recipebook.run.rundir import Run
from recipebook.terminal import fit, wrap

JSON, PAGE = "seeds.json", "seeds.html"


class SeedFigure(Frozen):
    """One figure: `result` over all seeds, the value that each seed has, and their standard deviation."""

    result: Result
    values: tuple[float, ...]
    deviation: float


class SeedSummary(Frozen):
    """All figures, the main one first."""

    fleet: str
    seeds: tuple[int, ...]
    runs: tuple[str, ...]
    rows: int
    figures: tuple[SeedFigure, ...]
    baselines: tuple[Baseline, ...] = ()
    """Answers without this training, a placebo's among them, and all seeds less them in the main figure."""
    not_compared: tuple[str, ...] = ()
    """Those of which an earlier version wrote down no scores."""
    untrained: tuple[str, ...] = ()
    """Members that have no trained model."""
    notice: str | None = None
    """About a model that stands in for the recipe's base."""
    before: Baseline | None = None
    """The model of the stage before the last one, over the same seeds, and all seeds less it; None without stages."""

    @property
    def headline(self) -> Result:
        """The main figure's result."""
        return self.figures[0].result

    @property
    def rows_of_baselines(self) -> list[BaselineRow]:
        """The bare base and all others; none without others."""
        return list_baselines(self)

    @property
    def row_before(self) -> BaselineRow | None:
        """The stage before the last one in the main figure."""
        one, figure = self.before, self.headline.figure
        return BaselineRow(f"stage {one.name}", one.estimates[figure], one.difference) if one else None

    @property
    def note(self) -> str:
        """Which baselines are not compared; empty where all are."""
        if not self.not_compared:
            return ""
        return f"{', '.join(self.not_compared)}: not compared with all seeds together: make eval RUN={self.fleet}"

    @property
    def power(self) -> list[str]:
        """The smallest difference in the main figure that is found with 80 % power, in a line."""
        main = self.headline
        return list_detectable(main.figure, main.binary, main.difference, main.p_adjusted)

    @property
    def left_out(self) -> str:
        """Which members have no part in it; empty where all have."""
        if not self.untrained:
            return ""
        of = f"{len(self.seeds)} of {len(self.seeds) + len(self.untrained)} seeds"
        return f"{of}: {', '.join(self.untrained)} without a trained model; a seed that fails may be one of the worse"

    @property
    def cautions(self) -> list[str]:
        """Which members have no part in it, and why the intervals of some figures may be too short."""
        cautions = describe_cautions([one.result for one in self.figures])
        return [self.left_out, *cautions] if self.untrained else cautions

    @property
    def verdict(self) -> str:
        """The finding in the main figure, with what the seeds make of it."""
        main = self.figures[0]
        low, high = format_number(min(main.values)), format_number(max(main.values))
        spread = f"{len(self.seeds)} seeds from {low} to {high}, standard deviation {format_number(main.deviation)}"
        against = [judge_baselines(self), judge_content(self), _judge_before(self)]
        return " ".join([f"{judge_result(main.result, self.rows)} {spread}.", *filter(None, against)])


def summarise_seeds(
    fleet: str, members: Sequence[Run], seeds: Sequence[int], where: str = "", untrained: Sequence[str] = ()
) -> SeedSummary:
    """Sum up the evaluations of the members, in the folder `where` of each one's `eval/`.

    `untrained` are the members of the fleet that have no trained model.
    """
    evaluations = [read_evaluation(run, where) for run in members]
    system, one = join_seeds(fleet, evaluations), evaluations[0]
    results = system.summary.results
    compares = [partial(_compare_base, result, one, system) for result in results]
    judged = judge_apart(compares[:1], compares[1:])
    figures = []
    for result, first, against in zip(results, one.summary.results, judged, strict=True):
        values = list_means(result, system)
        whole = result.model_copy(
            update={"base": first.base, "difference": against.difference, "p_adjusted": against.p}
        )
        figures.append(SeedFigure(result=whole, values=tuple(values), deviation=statistics.stdev(values)))
    baselines = _compare_baselines(system, evaluations)
    return SeedSummary(
        fleet=fleet,
        seeds=tuple(seeds),
        runs=tuple(run.name for run in members),
        rows=len(system.rows),
        untrained=tuple(untrained),
        notice=one.notice,
        figures=tuple(figures),
        baselines=tuple(baselines),
        before=_compare_before(system, members, where),
        not_compared=tuple(
            known.name for known in one.summary.baselines if known.name not in {other.name for other in baselines}
        ),
    )


def _compare_base(result: Result, one: EvaluatedRun, system: EvaluatedRun, level: float) -> Difference | None:
    """All seeds less the base; None where it was not evaluated."""
    return compare_trainings(result, [one.base], system.seeds, system.groups, level) if one.base else None


def _compare_baselines(system: EvaluatedRun, evaluations: Sequence[EvaluatedRun]) -> list[Baseline]:
    """All seeds less each baseline that every member has; one that a training decides, as a placebo, has seeds too."""
    return [
        _compare_trainings(name, system, [one.baselines[name] for one in evaluations])
        for name in evaluations[0].baselines
        if all(name in one.baselines for one in evaluations)
    ]


def _compare_before(system: EvaluatedRun, members: Sequence[Run], where: str) -> Baseline | None:
    """All seeds less the stage before the last one, on the rows of the same section."""
    stages = read_stages(members[0].folder / "eval" / where)
    if stages is None or len(models := stages.sections[0].models) < 3:
        return None
    place = f"{where}/{stages.sections[0].name}/{models[-2]}".removeprefix("/")
    return _compare_trainings(models[-2], system, [read_evaluation(run, place).scores for run in members])


def _compare_trainings(name: str, system: EvaluatedRun, trainings: Sequence[tuple[Scores, ...]]) -> Baseline:
    """All seeds less other trainings on the same rows; what no seed changes is one system without seeds."""
    main = system.summary.headline
    seeds = () if all(one == trainings[0] for one in trainings) else tuple(trainings)
    own = system._replace(scores=trainings[0], seeds=seeds)
    difference = compare_trainings(main, seeds or trainings[:1], system.seeds, system.groups)
    return Baseline(name=name, estimates={main.figure: estimate_system(main, own)}, difference=difference)


def _judge_before(summary: SeedSummary) -> str:
    """What the last stage added to the one before it; empty without stages."""
    row = summary.row_before
    if row is None or row.difference.p is None:
        return ""
    better = "Worse" if is_shown(row.difference, row.difference.p) else "Not shown to be better"
    if is_better(row, summary.headline.less_is_better):
        better = "Better"
    change = f"{format_difference(row.difference)}, {format_probability(row.difference.p)}"
    return f"{better} than {row.name} ({format_number(row.estimate.mean)}): {change}."


def write_seeds(summary: SeedSummary, folder: Path, runs: Path = project.RUNS) -> Path:
    """Write the figures and the page into `folder`, which lies in that of all `runs`; the page's path."""
    write_text(folder / JSON, summary.model_dump_json(indent=1) + "\n")
    pages = {
        "All runs": runs / "index.html",
        f"Members of {summary.fleet}": runs / summary.fleet / "members.html",
        "Leaderboard": runs / "leaderboard.html",
    }
    links = list_pages(pages, folder / PAGE) if folder.is_relative_to(runs) else []
    write_text(folder / PAGE, render_page("comparing/seeds.html.j2", links=links, summary=summary))
    return folder / PAGE


def format_table(summary: SeedSummary) -> str:
    """The figures for 80 columns, and the verdict."""
    head = ("figure", "base", f"{len(summary.seeds)} seeds [95 %]", "difference [95 %]", "p")
    rows = [
        (
            one.result.figure,
            format_number(one.result.base.mean) if one.result.base else "-",
            format_estimate(one.result.tuned),
            format_difference(one.result.difference),
            format_p(one.result.p_adjusted),
        )
        for one in summary.figures
    ]
    parts = [fit([head, *rows])]
    if baselines := summary.rows_of_baselines:
        parts += ["", fit([(summary.headline.figure, *HEAD), *(row.cells for row in baselines)]), ""]
    if before := summary.row_before:
        titles = (summary.headline.figure, "stage before [95 %]", "last stage less it", "p")
        parts += ["", fit([titles, before.cells]), ""]
    said = [summary.verdict, *summary.power, summary.note, *summary.cautions]
    return "\n".join([*parts, *map(wrap, filter(None, said))])
