"""The models of a run's stages side by side: one evaluation a model in; figures and neighbours' differences out.

    SectionSummary(name="sft", main="tool_accuracy", rows=236, description="test rows, …", models=("base", …),
                   figures=(StageFigure(figure="tool_accuracy", estimates=(Estimate(mean=0.0, …), …),
                                        steps=(StepDifference(difference=Difference(mean=0.83, …), …), …)), …))

Each step is the difference from one model to the next, row by row. P-values of the main figure are adjusted by Holm
over the steps, those of the other figures over all steps and figures; the intervals of each hold together.
`stages.json` in the evaluation's folder holds them.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice, pairwise
from pathlib import Path

from pydantic import AliasChoices, Field

from eval.report.pages import format_difference, format_number, format_p, format_probability, is_shown
from eval.scoring.figures import Result, compare_figure
from eval.scoring.predictions import read_predictions
from eval.scoring.rows_of_answers import average_rows, take_rows
from eval.scoring.score import read_scores
from eval.scoring.summary import Summary
from eval.statistics.estimates import Difference, Estimate
from eval.statistics.judging import Judged, judge_apart
from recipebook.frozen import Frozen
from recipebook.terminal import fit, wrap

BASE = "base"
FILE = "stages.json"
ADJUSTED = (
    "p of the main figure is adjusted by Holm over its steps, p of the others over all steps and figures, "
    "and all differences of each lie in their intervals 95 times in 100"
)


class StepDifference(Frozen):
    """From one model to the next."""

    difference: Difference
    p_adjusted: float | None


class StageFigure(Frozen):
    """One figure of all models, the base first."""

    figure: str
    explanation: str
    less_is_better: bool
    estimates: tuple[Estimate, ...]
    steps: tuple[StepDifference, ...]


class SectionSummary(Frozen):
    """All models under one `eval` section, evaluated on the same rows."""

    name: str
    main: str
    rows: int
    description: str = Field(validation_alias=AliasChoices("description", "told"))
    """`test rows, the last turn of each, …`; earlier versions wrote it as `told`."""
    models: tuple[str, ...]
    figures: tuple[StageFigure, ...]


class StageSummary(Frozen):
    """The whole evaluation of a run with stages."""

    sections: tuple[SectionSummary, ...]


def read_stages(folder: Path) -> StageSummary | None:
    """The summary of stages in an evaluation's folder; None where the run has no stages."""
    path = folder / FILE
    return StageSummary.model_validate_json(path.read_bytes()) if path.is_file() else None


def summarise_section(name: str, folders: dict[str, Path], summaries: dict[str, Summary]) -> SectionSummary:
    """Compare the models, by the scores in their folders; the base model's are beside each."""
    first = summaries[next(iter(summaries))]
    read = {model: read_scores(folder / "scores.jsonl") for model, folder in folders.items()}
    predictions = read_predictions(next(iter(folders.values())) / "predictions.jsonl")
    groups = [item.group for item in take_rows(predictions)]
    base = next(iter(read.values()))[1]
    assert base is not None, folders
    answered = {BASE: base, **{model: tuned for model, (tuned, _) in read.items()}}
    scores = {model: average_rows(predictions, one) for model, one in answered.items()}
    steps = list(pairwise(scores.values()))
    compares = [
        partial(compare_figure, result.figure, result, one, other, groups)
        for result in first.results
        for one, other in steps
    ]
    judged = iter(judge_apart(compares[: len(steps)], compares[len(steps) :]))
    figures = [
        _make_figure(result, [summary.results[at] for summary in summaries.values()], islice(judged, len(steps)))
        for at, result in enumerate(first.results)
    ]
    description = first.asked.description if first.asked else "rows"
    return SectionSummary(
        name=name,
        main=first.main,
        rows=first.rows,
        description=description,
        models=tuple(scores),
        figures=tuple(figures),
    )


def format_section(section: SectionSummary) -> str:
    """The section for 80 columns: every model's mean, then each step."""
    means = [(row.figure, *(format_number(estimate.mean) for estimate in row.estimates)) for row in section.figures]
    parts = [f"{section.rows} {section.description} (stage {section.name})", fit([("mean", *section.models), *means])]
    for at, (before, after) in enumerate(pairwise(section.models)):
        steps = [(row.figure, row.steps[at]) for row in section.figures]
        cells = [(name, format_difference(step.difference), format_p(step.p_adjusted)) for name, step in steps]
        parts.append(fit([(f"{before} to {after}", "difference [95 %]", "p"), *cells]))
    return "\n\n".join([*parts, "\n".join(map(wrap, [*format_findings(section), ADJUSTED]))]) + "\n"


def format_findings(section: SectionSummary) -> list[str]:
    """What each step did to the main figure, in words."""
    row = section.figures[0]
    return [
        f"{before} to {after}: {row.figure} {_judge(step, row.less_is_better)}"
        for (before, after), step in zip(pairwise(section.models), row.steps, strict=True)
    ]


def _judge(step: StepDifference, less_is_better: bool) -> str:
    mean, p = step.difference.mean, step.p_adjusted
    if mean is None or p is None:
        return "is not defined for both"
    change = format_difference(step.difference)
    if not is_shown(step.difference, p):
        return f"a difference is not shown: {change} ({format_probability(p)})"
    better = (mean < 0) == less_is_better
    return f"is {'better' if better else 'worse'} by {change}, unlikely if the two were alike ({format_probability(p)})"


def _make_figure(result: Result, tuned: Sequence[Result], steps: Iterable[Judged]) -> StageFigure:
    assert result.base is not None, result.figure
    return StageFigure(
        figure=result.figure,
        explanation=result.explanation,
        less_is_better=result.less_is_better,
        estimates=(result.base, *(one.tuned for one in tuned)),
        steps=tuple(StepDifference(difference=one.difference, p_adjusted=one.p) for one in steps if one.difference),
    )
