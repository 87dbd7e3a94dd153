"""`make human-eval-results`: the results of a study, in the terminal and as a page.

quality, 1 to 5
  base             2.41 [2.30, 2.52]
  tuned            3.11 [3.00, 3.22]
  tuned - base    +0.70 [0.60, 0.80]  p <0.001
"""

from collections.abc import Sequence
from pathlib import Path

from eval.human import SCALES
from eval.human.results import Agreement, Results, sum_up
from eval.human.returned import find_files, read_returned
from eval.human.study import FOLDER, read_keys
from eval.report.pages import format_p, render_page
from eval.statistics.estimates import SIGNIFICANT, Difference, Estimate
from recipebook import project
from recipebook.errors import UserError
from recipebook.files import write_text
from recipebook.project import shown
from recipebook.run import rundir
from recipebook.terminal import format_decimals

# Krippendorff, Content Analysis, 2004, section 11.4.2: reliable, and enough for tentative conclusions.
RELIABLE = 0.8
TENTATIVE = 0.667
ONE_PERSON = "one evaluator: another may judge otherwise"
NOTES = (
    "in brackets 95 % intervals: of means over conversations, of differences and",
    "choices over conversations and evaluators; p is adjusted by Holm over all",
    "above, and all differences and choices lie in their intervals 95 times in 100",
)


def print_results(query: str, sources: Sequence[Path], runs: Path = project.RUNS) -> int:
    """Read the forms, print the results and write them beside the forms."""
    run = rundir.find(query, runs)
    keys = read_keys(run)
    if not keys:
        raise UserError(f"{shown(run.folder)} has no study: make human-eval RUN={run.name}")
    if not sources and len(keys) > 1:
        offered = ", ".join(shown(run.folder / FOLDER / study / "returned") for study in keys)
        raise UserError(f"{shown(run.folder)} has {len(keys)} studies; IN names the files of one, such as {offered}")
    folders = sources or [run.folder / FOLDER / study / "returned" for study in keys]
    results = sum_up(read_returned(find_files(folders), keys))
    folder = run.folder / FOLDER / results.study
    write_text(folder / "results.json", results.model_dump_json(indent=1) + "\n")
    write_text(folder / "results.html", render(results))
    print(terminal_table(results))
    print(f"page: {shown(folder / 'results.html')}")
    return 0


def terminal_table(results: Results) -> str:
    """All figures for 80 columns."""
    names = [*results.systems, *(f"{one.second} - {one.first}" for one in results.preferences)]
    width = max(len(name) for name in names)
    lines: list[str] = []
    for scale in SCALES:
        lines.append(f"{scale}, 1 to 5")
        for rating in (one for one in results.ratings if one.scale == scale):
            lines.append(f"  {rating.system:{width}}   {format_rating(rating.estimate)}")
        for one in (one for one in results.comparisons if one.scale == scale):
            change = f"{format_change(one.difference)}  p {format_p(one.p_adjusted)}"
            lines.append(f"  {f'{one.second} - {one.first}':{width}}  {change}")
            lines += [f"  {'':{width}}  {without}"] if (without := format_range(one.without, "+.2f")) else []
        lines.append("")
    lines.append("chosen where one of the two was")
    for preference in results.preferences:
        rate = f"{format_rating(preference.rate)} of {preference.choices}  p {format_p(preference.p_adjusted)}"
        lines.append(f"  {f'{preference.second} to {preference.first}':{width + 1}}  {rate}")
        lines += [f"  {'':{width + 1}}  {without}"] if (without := format_range(preference.without, ".2f")) else []
    judged = len(results.evaluators) * results.conversations
    lines += [f"  no difference: {results.undecided} of {judged} judgements{format_undecided(results)}", ""]
    lines += ["agreement (Krippendorff's alpha)"]
    lines += [f"  {one.scale or 'choice':12}  {format_agreement(one)}" for one in results.agreements]
    lines += [ONE_PERSON] if len(results.evaluators) == 1 else []
    lines += ["", f"{len(results.evaluators)} of {results.forms} forms, {results.conversations} conversations each"]
    return "\n".join([*lines, *NOTES])


def format_agreement(one: Agreement) -> str:
    """`0.71 [0.58, 0.84]: for tentative conclusions`"""
    if one.alpha is None:
        return "-: takes two evaluators and two different ratings"
    word = "reliable" if one.alpha >= RELIABLE else "for tentative conclusions" if one.alpha >= TENTATIVE else "low"
    return f"{format_decimals(one.alpha, 2)}{_format_interval(one.low, one.high)}: {word}"


def format_range(without: tuple[float, float] | None, form: str) -> str:
    """`without any one evaluator: +0.55 to +0.85`; empty for a single evaluator."""
    return "" if without is None else f"without any one evaluator: {without[0]:{form}} to {without[1]:{form}}"


def format_undecided(results: Results) -> str:
    """`, a share of 0.12 [0.05, 0.24]`"""
    share = results.undecided_share
    return "" if share is None or share.mean is None else f", a share of {format_rating(share)}"


def render(results: Results) -> str:
    """The figures as a page."""
    return render_page(
        "human/results.html.j2",
        results=results,
        scales=SCALES,
        rating=format_rating,
        change=format_change,
        agreement=format_agreement,
        spread=format_range,
        undecided=format_undecided(results),
        one_person=ONE_PERSON if len(results.evaluators) == 1 else "",
        find=lambda items, scale: [one for one in items if one.scale == scale],
        judged=len(results.evaluators) * results.conversations,
        significant=SIGNIFICANT,
        reliable=RELIABLE,
        tentative=TENTATIVE,
    )


def format_rating(estimate: Estimate) -> str:
    """`2.41 [2.30, 2.52]`; some hundred ratings are worth no more than two digits."""
    if estimate.mean is None:
        return "-"
    return f"{format_decimals(estimate.mean, 2)}{_format_interval(estimate.low, estimate.high)}"


def format_change(difference: Difference) -> str:
    """`+0.70 [0.60, 0.80]`"""
    if difference.mean is None:
        return "-"
    return f"{format_decimals(difference.mean, 2, '+')}{_format_interval(difference.low, difference.high)}"


def _format_interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" [{format_decimals(low, 2)}, {format_decimals(high, 2)}]"
