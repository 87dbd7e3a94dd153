"""The report: a summary, its answers and what is known of the run in; a table for the terminal or one HTML file out.

    figure              base   tuned [95 %]          difference [95 %]      p
    exact               0.000  0.845 [0.806, 0.877]  +0.845 [0.808, 0.880]  <0.001

The HTML needs nothing else: no network, no fonts, and one script of its own, which shows any of the answers. Models'
answers and data are text in it, never markup.
"""

import heapq
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

from eval.report.answers import AnswerTable, EvaluatedAnswer, cut_text, is_right_or_wrong, pack_answers, read_table
from eval.report.baselines import HEAD, list_baselines
from eval.report.charts import plot_slices
from eval.report.effect import format_evidence
from eval.report.links import list_links
from eval.report.notes import list_limit, list_notes
from eval.report.pages import (
    format_difference,
    format_estimate,
    format_number,
    format_p,
    stream_page,
)
from eval.report.stage_summary import StageSummary, format_findings, read_stages
from eval.report.trainings import TrainingReport, read_trainings
from eval.report.transcripts import Piece, is_transcript, split_transcript
from eval.report.verdict import make_verdict
from eval.scoring.figures import Result
from eval.scoring.predictions import Prediction
from eval.scoring.summary import Summary, order_values
from eval.statistics.estimates import SIGNIFICANT
from recipebook.files import replacing
from recipebook.recipe.base_model import find_stand_in, format_notice
from recipebook.terminal import fit, format_count, wrap

# A program that asks the tuned model; a vote of several models has none.
USAGE = "use.py"
WORST = 10
BEST = 5
SCRIPT = Path(__file__).with_name("answers.js")
# Below this share of common words a diff is confetti: the two texts are shown one after the other.
ALIKE = 0.5


class ReportInput(NamedTuple):
    """Everything that a report shows. The answers are in the evaluation's `folder`, and are read one by one.

    `stages` are the models of a run with stages, side by side; `usage` is a program that asks the tuned model;
    `account` (records in, rows out, rejects by reason) and `manifest` are shown as they are, whatever their depth.
    """

    recipe: str
    run: str
    profile: str | None
    notice: str | None
    base_origin: str | None
    summary: Summary
    folder: Path
    trainings: Sequence[TrainingReport]
    account: Mapping[str, Any]
    manifest: Mapping[str, Any]
    recipe_text: str
    stages: StageSummary | None = None
    usage: str | None = None
    links: Sequence[tuple[str, str]] = ()

    @classmethod
    def read(cls, folder: Path, found: Path, place: Path | None = None) -> "ReportInput":
        """Collect the files of the run's `folder`, and of the evaluation in `found`; later they stand in `place`."""
        manifest = json.loads((folder / "manifest.json").read_bytes())
        return cls(
            recipe=manifest["recipe"],
            run=manifest["run"],
            profile=manifest["profile"],
            notice=format_notice(find_stand_in(manifest.get("base"), manifest["profile"])),
            base_origin=manifest.get("base_origin"),
            summary=Summary.model_validate_json((found / "summary.json").read_bytes()),
            folder=found,
            trainings=read_trainings(folder),
            stages=read_stages(found),
            account={"rows": manifest["rows"], "conversion": manifest["account"]},
            manifest=manifest,
            usage=(found / USAGE).read_text(encoding="utf-8") if (found / USAGE).is_file() else None,
            recipe_text=(folder / "recipe.yaml").read_text(encoding="utf-8"),
            links=list_links(folder, place or found),
        )


class Example(NamedTuple):
    """An answer to look at."""

    prediction: Prediction
    score: float | None
    base_score: float | None
    diff: tuple[Piece, ...]


def terminal_table(summary: Summary) -> str:
    """The summary for 80 columns: all figures, then the main one by slice."""
    rows = [_make_cells(result.figure, result) for result in summary.results]
    parts = [fit([("figure", "base", "tuned [95 %]", "difference [95 %]", "p"), *rows])]
    for field in dict.fromkeys(part.field for part in summary.slices):
        chosen = [part for part in summary.slices if part.field == field]
        cells = [_make_cells(f"{part.value} ({part.rows})", part.results[0]) for part in chosen]
        parts.append(fit([(f"{summary.main} by {field}", "base", "tuned [95 %]", "difference [95 %]", "p"), *cells]))
    if baselines := list_baselines(summary):
        parts.append(fit([(summary.main, *HEAD), *(row.cells for row in baselines)]))
    asked = [f"evaluated: {summary.asked.description}"] if summary.asked else []
    notes = [format_count(summary.rows, summary.part), *asked]
    notes += [summary.asked.own.note] if summary.asked and summary.asked.own else []
    notes += [*list_notes(summary), *format_evidence(summary.evidence), *list_limit(summary)]
    return "\n\n".join([*parts, "\n".join(map(wrap, notes)), wrap(make_verdict(summary))]) + "\n"


def write_report(path: Path, report: ReportInput) -> None:
    """Write report.html; it is never held as a whole."""
    with replacing(path) as file:
        for part in _stream(report):
            file.write(part.encode("utf-8", "replace"))


def render(report: ReportInput) -> str:
    """The text of report.html."""
    return "".join(_stream(report))


def _stream(report: ReportInput) -> Iterator[str]:
    summary = report.summary
    table = read_table(report.folder, summary)
    worst, best = choose_rows(summary, table)
    packed = pack_answers(report.folder, table, summary, {*worst, *best})
    return stream_page(
        "report/report.html.j2",
        script=SCRIPT,
        links=report.links,
        report=report,
        summary=summary,
        verdict=make_verdict(summary),
        slice_charts=plot_slices(summary.slices),
        worst=[_make_example(packed.kept[row], summary.main) for row in worst],
        best=[_make_example(packed.kept[row], summary.main) for row in best],
        contents=packed.contents,
        transcripts=packed.contents["transcripts"],
        packs=packed.packs,
        slices=table.slices,
        order_values=order_values,
        evidence=format_evidence(summary.evidence),
        baselines=list_baselines(summary),
        notes=list_notes(summary),
        limit=" ".join(list_limit(summary)),
        significant=SIGNIFICANT,
        format_findings=format_findings,
    )


def choose_rows(summary: Summary, table: AnswerTable) -> tuple[list[int], list[int]]:
    """The rows of the worst answers of the tuned model, and of the best of those where the base model did worse."""
    main, sign = table.tuned[summary.main], -1.0 if summary.headline.less_is_better else 1.0

    def get_key(row: int) -> tuple[float, float, int]:
        others = [column[row] for column in table.tuned.values() if not isnan(column[row])]
        return sign * main[row], sum(others) / len(others), row

    defined = [row for row in range(table.rows) if not isnan(main[row])]
    binary = is_right_or_wrong(summary, summary.headline, table)
    wrong = [row for row in defined if not binary or main[row] == 0]
    gains: dict[int, float] = {}
    if table.base:
        before = table.base[summary.main]
        gains = {row: sign * (main[row] - before[row]) for row in defined if sign * (main[row] - before[row]) > 0}
    return heapq.nsmallest(WORST, wrong, get_key), heapq.nsmallest(BEST, gains, lambda row: (-gains[row], row))


def compare_texts(reference: str, answer: str) -> tuple[Piece, ...]:
    """Diff by words and signs; texts with little in common are two whole pieces."""
    old, new = _split_words(cut_text(reference)), _split_words(cut_text(answer))
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    steps = matcher.get_opcodes() if matcher.ratio() >= ALIKE else [("replace", 0, len(old), 0, len(new))]
    pieces = []
    for kind, old_start, old_end, new_start, new_end in steps:
        missing, extra = "".join(old[old_start:old_end]), "".join(new[new_start:new_end])
        pieces += [Piece("same", extra)] if kind == "equal" else [Piece("missing", missing), Piece("extra", extra)]
    return tuple(piece for piece in pieces if piece.text)


def _make_cells(name: str, result: Result) -> tuple[str, ...]:
    base = format_number(result.base.mean) if result.base else "-"
    p = format_p(result.p_adjusted)
    return name, base, format_estimate(result.tuned), format_difference(result.difference), p


def _make_example(answer: EvaluatedAnswer, main: str) -> Example:
    prediction = answer.prediction
    return Example(
        prediction=prediction.model_copy(
            update={
                "prompt": cut_text(prediction.prompt),
                "reference": cut_text(prediction.reference),
                "prediction": cut_text(prediction.prediction),
                "baseline": None if prediction.baseline is None else cut_text(prediction.baseline),
            }
        ),
        score=answer.tuned[main],
        base_score=answer.base[main] if answer.base else None,
        diff=(
            tuple(split_transcript(cut_text(prediction.prediction)))
            if is_transcript(prediction)
            else compare_texts(prediction.reference, prediction.prediction)
        ),
    )


def _split_words(text: str) -> list[str]:
    return re.findall(r"\w+|\s+|[^\w\s]", text)
