"""The report: a summary, its answers and what is known of the run in; a table for the terminal or one HTML file out.

    figure              base   tuned [95 %]          difference [95 %]      p
    exact               0.000  0.845 [0.806, 0.877]  +0.845 [0.808, 0.880]  <0.001

The HTML needs nothing else: no network, no scripts, no fonts. Models' answers and data are text in it, never
markup.
"""

import json
import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

from eval.report.charts import plot_slices
from eval.report.effect import format_evidence
from eval.report.notes import list_limit, list_notes
from eval.report.pages import (
    format_difference,
    format_estimate,
    format_number,
    format_p,
    render_page,
)
from eval.report.stage_summary import StageSummary, format_findings, read_stages
from eval.report.trainings import TrainingReport, read_trainings
from eval.report.verdict import make_verdict
from eval.scoring.predictions import Prediction, read_predictions
from eval.scoring.score import read_scores
from eval.scoring.summary import Result, Scores, Summary
from eval.statistics.estimates import SIGNIFICANT
from recipebook.recipe.base_model import find_stand_in, format_notice
from recipebook.terminal import fit, wrap

# A program that asks the tuned model; a vote of several models has none.
USAGE = "use.py"
WORST = 10
BEST = 5
# Longer texts are cut in the page, with a note: comparing them takes time that grows with the square.
SHOWN_CHARS = 2_000
# Below this share of common words a diff is confetti: the two texts are shown one after the other.
ALIKE = 0.5


class ReportInput(NamedTuple):
    """Everything that a report shows. Scores are in the order of the predictions; `base` is None without a base model.

    `stages` are the models of a run with stages, side by side; `usage` is a program that asks the tuned model;
    `account` (records in, rows out, rejects by reason) and `manifest` are shown as they are, whatever their depth.
    """

    recipe: str
    run: str
    profile: str | None
    notice: str | None
    base_origin: str | None
    summary: Summary
    predictions: Sequence[Prediction]
    tuned: Sequence[Scores]
    base: Sequence[Scores] | None
    trainings: Sequence[TrainingReport]
    account: Mapping[str, Any]
    manifest: Mapping[str, Any]
    recipe_text: str
    stages: StageSummary | None = None
    usage: str | None = None

    @classmethod
    def read(cls, folder: Path, found: Path) -> "ReportInput":
        """Collect the files of the run's `folder`, and of the evaluation in `found`."""
        manifest = json.loads((folder / "manifest.json").read_text())
        tuned, base = read_scores(found / "scores.jsonl")
        return cls(
            recipe=manifest["recipe"],
            run=manifest["run"],
            profile=manifest["profile"],
            notice=format_notice(find_stand_in(manifest.get("base"), manifest["profile"])),
            base_origin=manifest.get("base_origin"),
            summary=Summary.model_validate_json((found / "summary.json").read_text()),
            predictions=read_predictions(found / "predictions.jsonl"),
            tuned=tuned,
            base=base,
            trainings=read_trainings(folder),
            stages=read_stages(found),
            account={"rows": manifest["rows"], "conversion": manifest["account"]},
            manifest=manifest,
            usage=(found / USAGE).read_text() if (found / USAGE).is_file() else None,
            recipe_text=(folder / "recipe.yaml").read_text(),
        )


class Piece(NamedTuple):
    """A part of a diff: in both texts, in the answer alone, or in the reference alone."""

    kind: str
    text: str


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
    asked = [f"evaluated: {summary.asked.description}"] if summary.asked else []
    notes = [f"{summary.rows} {summary.part}", *asked]
    notes += [summary.asked.own.note] if summary.asked and summary.asked.own else []
    notes += [*list_notes(summary), *format_evidence(summary.evidence), *list_limit(summary)]
    return "\n\n".join([*parts, "\n".join(map(wrap, notes)), make_verdict(summary)]) + "\n"


def render(report: ReportInput) -> str:
    """Make report.html."""
    worst, best = choose_examples(report)
    return render_page(
        "report/report.html.j2",
        report=report,
        summary=report.summary,
        verdict=make_verdict(report.summary),
        slice_charts=plot_slices(report.summary.slices),
        worst=worst,
        best=best,
        evidence=format_evidence(report.summary.evidence),
        notes=list_notes(report.summary),
        limit=" ".join(list_limit(report.summary)),
        significant=SIGNIFICANT,
        format_findings=format_findings,
    )


def choose_examples(report: ReportInput) -> tuple[list[Example], list[Example]]:
    """The worst answers of the tuned model, and the best of those where the base model did worse."""
    main = report.summary.main
    sign = -1.0 if report.summary.headline.less_is_better else 1.0

    def get_key(row: int) -> tuple[float, float, int]:
        others = [value for value in report.tuned[row].values() if value is not None]
        return sign * (report.tuned[row][main] or 0.0), sum(others) / len(others), row

    def get_gain(row: int) -> float:
        tuned, base = report.tuned[row][main], report.base[row][main] if report.base else None
        return sign * (tuned - base) if tuned is not None and base is not None else 0.0

    defined = [row for row, scores in enumerate(report.tuned) if scores[main] is not None]
    wrong = [row for row in defined if not report.summary.headline.binary or report.tuned[row][main] == 0]
    gained = [row for row in defined if get_gain(row) > 0]
    return (
        [_make_example(report, row) for row in sorted(wrong, key=get_key)[:WORST]],
        [_make_example(report, row) for row in sorted(gained, key=lambda row: (-get_gain(row), row))[:BEST]],
    )


def compare_texts(reference: str, answer: str) -> tuple[Piece, ...]:
    """Diff by words and signs; texts with little in common are two whole pieces."""
    old, new = _split_words(_cut(reference)), _split_words(_cut(answer))
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


def _make_example(report: ReportInput, row: int) -> Example:
    prediction = report.predictions[row]
    return Example(
        prediction=prediction.model_copy(
            update={
                "prompt": _cut(prediction.prompt),
                "reference": _cut(prediction.reference),
                "prediction": _cut(prediction.prediction),
                "baseline": None if prediction.baseline is None else _cut(prediction.baseline),
            }
        ),
        score=report.tuned[row][report.summary.main],
        base_score=report.base[row][report.summary.main] if report.base else None,
        diff=compare_texts(prediction.reference, prediction.prediction),
    )


def _split_words(text: str) -> list[str]:
    return re.findall(r"\w+|\s+|[^\w\s]", text)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}… ({len(text) - SHOWN_CHARS} more characters)"
