"""What a fleet over training seeds came to against its base: the evaluated members in; a table and a page out.

    figure  base   5 seeds [95 %]        difference [95 %]      p
    exact   0.000  0.834 [0.791, 0.877]  +0.834 [0.791, 0.877]  <0.001

    exact: tuned 83.4 % …; 5 seeds from 0.821 to 0.851, standard deviation 0.012.

`runs/<fleet>/seeds.json` has the same figures, and `seeds.html` shows them.
"""

import statistics
from collections.abc import Sequence
from pathlib import Path

from eval.comparing.evaluations import read_answers, read_evaluation
from eval.comparing.seeds import compare_trainings, join_seeds, list_means
from eval.report.pages import format_difference, format_estimate, format_number, format_p, render_page
from eval.report.verdict import judge_result
from eval.scoring.summary import Result
from eval.statistics.families import adjust_rest
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
    baselines: tuple[str, ...] = ()
    """Those of the members' own reports, a placebo among them."""

    @property
    def note(self) -> str:
        """Where baselines are compared; empty without any."""
        if not self.baselines:
            return ""
        return f"{', '.join(self.baselines)}: not compared with all seeds together; each seed's own report does it"

    @property
    def verdict(self) -> str:
        """The finding in the main figure, with what the seeds make of it."""
        main = self.figures[0]
        low, high = format_number(min(main.values)), format_number(max(main.values))
        spread = f"{len(self.seeds)} seeds from {low} to {high}, standard deviation {format_number(main.deviation)}"
        return f"{judge_result(main.result, self.rows)} {spread}."


def summarise_seeds(fleet: str, members: Sequence[Run], seeds: Sequence[int], where: str = "") -> SeedSummary:
    """Sum up the evaluations of the members, in the folder `where` of each one's `eval/`."""
    system = join_seeds(fleet, [read_evaluation(run, where) for run in members])
    base = [answer.base for answer in read_answers(members[0], where) if answer.base is not None]
    first_summary = read_evaluation(members[0], where).summary
    before = first_summary.results
    figures = []
    for result, first in zip(system.summary.results, before, strict=True):
        against = compare_trainings(result, [base], system.seeds, system.groups) if base else None
        values = list_means(result, system)
        whole = result.model_copy(update={"base": first.base, "difference": against})
        figures.append(SeedFigure(result=whole, values=tuple(values), deviation=statistics.stdev(values)))
    adjusted = adjust_rest([one.result.difference.p if one.result.difference else None for one in figures])
    return SeedSummary(
        fleet=fleet,
        seeds=tuple(seeds),
        runs=tuple(run.name for run in members),
        rows=len(system.rows),
        figures=tuple(
            one.model_copy(update={"result": one.result.model_copy(update={"p_adjusted": p})})
            for one, p in zip(figures, adjusted, strict=True)
        ),
        baselines=tuple(one.name for one in first_summary.baselines),
    )


def write_seeds(summary: SeedSummary, folder: Path) -> Path:
    """Write the figures and the page into `folder`; the page's path."""
    write_text(folder / JSON, summary.model_dump_json(indent=1) + "\n")
    write_text(folder / PAGE, render_page("comparing/seeds.html.j2", summary=summary))
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
    return "\n".join([fit([head, *rows]), wrap(summary.verdict), *([wrap(summary.note)] if summary.note else [])])
