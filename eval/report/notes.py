"""What a reader of an evaluation's figures must know beside them: a summary in, lines out.

3 of 400 answers of tuned and 377 of base were cut off at the limit of new tokens
tool_precision: of 100 rows 10 of tuned, 100 of base, 10 of both; undefined for the others
nll: intervals may be too short: 12 values without bounds are few: a rare large one may be missing
p of exact is its own; those of the other 11 figures are adjusted by Holm, and all their differences lie in their
intervals 95 times in 100
this test set was evaluated 12 times, with 7 models: if this one was chosen by that, p must be below 0.0071 in place of
0.05, and its figure looks too good
one training seed: another may differ
"""

import math
import statistics
from collections.abc import Iterable, Sequence

from eval.report.baselines import list_published
from eval.report.pages import format_number, list_detectable
from eval.scoring.baselines import BEFORE
from eval.scoring.figures import Result
from eval.scoring.looks import Looks
from eval.scoring.rows_of_answers import VARIANT
from eval.scoring.summary import Summary
from eval.statistics.intervals import LEVEL
from recipebook.terminal import format_count

WITH_BEFORE = "before is the model with the adapter that this training went on from; base has no adapter"
TOGETHER = "and all their differences lie in their intervals 95 times in 100"
ONE_SEED = "one training seed: another may differ"


def list_notes(summary: Summary) -> list[str]:
    """Lines on answers that were cut off, on undefined figures, on weak intervals and on p-values."""
    notes = [_count_truncated(summary)] if summary.generated else []
    notes += [summary.asked.reference] if summary.asked and summary.asked.reference else []
    notes += summary.asked.lengths if summary.asked else ()
    notes += group_notes((result.figure, _count_rows(result, summary.rows)) for result in summary.results)
    notes += describe_cautions(summary.results)
    notes += _describe_variants(summary)
    notes += [WITH_BEFORE] if any(one.name == BEFORE for one in summary.baselines) else []
    notes += list_published(summary)
    notes += [format_looks(summary.looks)] if summary.looks else []
    return [*notes, *_describe_p(summary), *([ONE_SEED] if summary.with_base and not _is_vote(summary) else [])]


def format_looks(looks: Looks) -> str:
    """How often the test set was evaluated, and what that does to the p-value of the best of several models."""
    models = f"{looks.models} models" if looks.models > 1 else "this model alone"
    times = f"{looks.evaluations} times" if looks.evaluations > 1 else "once"
    said = f"this test set was evaluated {times}, with {models}"
    if looks.models == 1:
        return said
    level = f"p must be below {looks.level:.2g} in place of {LEVEL:g}"
    return f"{said}: if this one was chosen by that, {level}, and its figure looks too good"


def list_limit(summary: Summary) -> list[str]:
    """How many rows a limit drew, if there is one, and the differences that go unnoticed with its rows."""
    drawn, main = summary.asked.drawn if summary.asked else None, summary.headline
    power = list_detectable(summary.main, main.binary, main.difference, main.p_adjusted)
    if drawn is None:
        return power
    verb, colon = "was" if drawn.rows == 1 else "were", ":" if power else ""
    return [f"{drawn.rows} of {drawn.of} {summary.part} {verb} evaluated (eval.limit){colon}", *power]


def format_limits(summaries: Sequence[Summary]) -> list[str]:
    """What a limit costs several models, in lines: the model with the least power, or none known. Else no line."""
    limited = [summary for summary in summaries if summary.asked and summary.asked.drawn]
    worst = max(limited, key=lambda one: math.inf if (least := _get_detectable(one)) is None else least, default=None)
    return list_limit(worst) if worst else []


def _get_detectable(summary: Summary) -> float | None:
    difference = summary.headline.difference
    return difference.detectable if difference else None


def _describe_variants(summary: Summary) -> list[str]:
    """How far the main figure of each model is apart between the variants of the prompt, where there are some."""
    parts = [part for part in summary.slices if part.field == VARIANT]
    found = []
    for system in ("tuned", "base"):
        estimates = {part.value: getattr(part.results[0], system) for part in parts}
        means = {name: one.mean for name, one in estimates.items() if one and one.mean is not None}
        if len(means) > 1:
            by_mean = sorted(means, key=lambda name: means[name])
            low, high = by_mean[0], by_mean[-1]
            deviation = format_number(statistics.stdev(means.values()))
            ends = f"from {format_number(means[low])} ({low}) to {format_number(means[high])} ({high})"
            found.append(f"{system} {ends}, standard deviation {deviation}")
    return [f"{summary.main} over {len(parts)} variants of the prompt: {'; '.join(found)}"] if found else []


def _count_truncated(summary: Summary) -> str:
    base = "" if summary.truncated_base is None else f" and {summary.truncated_base} of base"
    asked = summary.answers or summary.rows
    verb = "was" if not base and 1 in (summary.truncated, asked) else "were"
    answers = f"{summary.truncated} of {format_count(asked, 'answers')} of tuned{base}"
    return f"{answers} {verb} cut off at the limit of new tokens"


def _count_rows(result: Result, rows: int) -> str:
    """The rows that have a figure; empty where all have it for both models."""
    counts = {"tuned": result.tuned.n}
    if result.base and result.difference:
        counts |= {"base": result.base.n, "both": result.difference.n}
    if set(counts.values()) == {rows}:
        return ""
    if not any(counts.values()):
        return f"undefined in {'all ' if rows > 1 else ''}{format_count(rows, 'rows')}"
    if len(set(counts.values())) == 1:
        return f"{result.tuned.n} of {format_count(rows, 'rows')}, undefined for the others"
    listed = ", ".join(f"{count} of {name}" for name, count in counts.items())
    return f"of {format_count(rows, 'rows')} {listed}; undefined for the others"


def describe_cautions(results: Sequence[Result]) -> list[str]:
    """Why intervals may be too short, with the figures of which that is so."""
    return group_notes((result.figure, caution) for result in results for caution in _list_cautions(result))


def _list_cautions(result: Result) -> list[str]:
    """Why the intervals of a figure may be too short."""
    given = (one.caution for one in (result.tuned, result.base, result.difference) if one)
    cautions = dict.fromkeys(part for one in given for part in one.split("; ") if part)
    return [f"intervals may be too short: {one}" for one in cautions]


def _describe_p(summary: Summary) -> list[str]:
    tested = sum(result.p_adjusted is not None for result in summary.results)
    if tested < 2:
        return []
    others = f"those of the other {tested - 1} figures are adjusted by Holm, {TOGETHER}"
    if tested == 2:
        others = "so is that of the other figure"
    fields = dict.fromkeys(part.field for part in summary.slices)
    by_field = [f"by {field}: p is adjusted by Holm, {TOGETHER}" for field in fields]
    return [f"p of {summary.main} is its own; {others}", *by_field]


def _is_vote(summary: Summary) -> bool:
    """Whether several trainings voted (eval/vote.py)."""
    return any(part.field == "votes" for part in summary.slices)


def group_notes(notes: Iterable[tuple[str, str]]) -> list[str]:
    """One line for all figures of which the same is to be said."""
    figures: dict[str, list[str]] = {}
    for figure, note in notes:
        if note:
            figures.setdefault(note, []).append(figure)
    return [f"{', '.join(named)}: {note}" for note, named in figures.items()]
