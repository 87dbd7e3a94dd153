"""From predictions to scores: one metric on one file, or a run's whole evaluation.

`score_file` takes `{"prediction", "reference", …}` lines from any system and writes one line each:

    {"id": "samples/robot.json#12", "scores": {"exact": 1.0, "parses": 1.0, "order": null}}

`evaluate_predictions` takes the lines of a run, tuned answer beside base answer, and writes scores.jsonl:

    {"id": "samples/robot.json#12", "tuned": {"exact": 1.0}, "base": {"exact": 0.0}}

and summary.json. Figures of several metrics that share a name are named `<metric>.<figure>`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, cast

from pydantic import BaseModel

from eval.scoring.evaluated_rows import EvaluatedRows
from eval.scoring.evidence import Evidence
from eval.scoring.figures import DIRECTIONS, Figure, estimate_figure, mean_of_answers
from eval.scoring.flat_metrics import write_flat_metrics
from eval.scoring.looks import Looks
from eval.scoring.predictions import Prediction, read_predictions
from eval.scoring.rows_of_answers import Scores, average_rows, has_several, take_rows
from eval.scoring.score_range import check_range
from eval.scoring.summary import Summary, summarise
from recipebook.errors import UserError
from recipebook.files import replacing, write_text
from recipebook.modules import METRIC, load
from recipebook.options import check_options
from recipebook.progress import ProgressLine
from recipebook.project import shown
from recipebook.recipe.figures import name_figures

# Answers of each model that a metric scores at a time: all at once would take as much memory again.
BLOCK = 10_000


class Metric(Protocol):
    """A module of eval/metrics/: its options, its figures with a line each, the names of those that are 0 or 1.

    `score` returns one dict a prediction, with every figure; None where a figure is not defined (0/0), never 0.
    A module may also have
    - `LESS_IS_BETTER`, `MORE_IS_BETTER`: names of figures. One that leaves the range from 0 to 1 must be in one of the
      two or in `UNTESTED`, else scoring is refused; within the range, more is better unless the first names it;
    - `LEAST`: the least value that a figure of one of the three can have, below which no interval reaches;
    - `SAME_FOR_BASE`: figures that every answer of a base model has the same value of, by definition;
    - `UNTESTED`: figures without a p-value, such as counts;
    - `list_evadable(options)`: names of figures that an answer can leave undefined, such as the precision of calls in
      one without calls; they cannot be `eval.main`;
    - `name_scales(options)`: figures whose unit the options decide, each with the unit; values in different units are
      not compared;
    - `fill_options(given, recipe)`: the options that an evaluated recipe's other sections decide, where it gives none;
    - `VERSION`: raised when figures of the same name come to mean something else: earlier results are not compared;
    - `RATIOS`: figures whose mean is a sum of others divided by a sum of others (eval/statistics/ratios.py);
    - `EXPONENTIALS`: those of the ratios that are e to the power of the quotient;
    - `MEASURES`: the texts of a row whose likelihood is measured, instead of generating an answer: `answer`, `spans`
      of it, or `chosen` and `rejected`;
    - `PLAYS`: the model plays each row's task in a box (eval/asking/episodes.py), and the metric reads what came of it;
    - `check(options, root)`: raises UserError where a file that the options name cannot be used (`make check`);
    - `make_reader(options)`: returns a function that maps equal answers to equal values (eval/vote.py).
    """

    Options: type[BaseModel]
    FIGURES: Mapping[str, str]
    BINARY: frozenset[str]

    def score(self, predictions: Sequence[Prediction], options: Any) -> list[Scores]:
        """Score each prediction on its own."""


class Scored(NamedTuple):
    """The scores of each answer, and the meaning of the figures."""

    figures: dict[str, Figure]
    tuned: list[Scores]
    base: list[Scores] | None


def load_metric(name: str) -> Metric:
    """Import a metric by its file's name."""
    return cast(Metric, load(METRIC, name))


def list_figures(metric: Metric, options: BaseModel | None = None) -> dict[str, Figure]:
    """A metric's figures by name; which of them an answer can evade is known with the options only."""
    # Most metrics have none of these.
    less_is_better = getattr(metric, "LESS_IS_BETTER", frozenset[str]())
    untested = getattr(metric, "UNTESTED", frozenset[str]())
    same_for_base = getattr(metric, "SAME_FOR_BASE", frozenset[str]())
    ratios = getattr(metric, "RATIOS", {})
    stated = _list_stated(metric)
    least: Mapping[str, float] = getattr(metric, "LEAST", {})
    exponentials = getattr(metric, "EXPONENTIALS", frozenset[str]())
    evadable = metric.list_evadable(options) if options and hasattr(metric, "list_evadable") else frozenset[str]()
    scales = metric.name_scales(options) if options and hasattr(metric, "name_scales") else {}
    return {
        key: Figure(
            explanation=f"{text} ({scales[key]})" if key in scales else text,
            scale=scales.get(key, ""),
            binary=key in metric.BINARY,
            share=key not in stated,
            least=least.get(key),
            same_for_base=key in same_for_base,
            less_is_better=key in less_is_better,
            ratio=ratios.get(key),
            exponential=key in exponentials,
            untested=key in untested,
            evadable=key in evadable,
        )
        for key, text in metric.FIGURES.items()
    }


def score(name: str, predictions: Sequence[Prediction], options: BaseModel) -> list[Scores]:
    """Score answers by a metric; refuse a figure beyond 0 to 1 that states no direction: it could mean either."""
    metric = load_metric(name)
    stated = _list_stated(metric)
    found = metric.score(predictions, options)
    for item, scores in zip(predictions, found, strict=True):
        for figure, value in scores.items():
            if value is not None and not 0 <= value <= 1 and figure not in stated:
                raise UserError(
                    f"metric {name}: figure '{figure}' is {value:g} for {item.id}, beyond 0 to 1; "
                    f"it must be named in one of {', '.join(DIRECTIONS)}"
                )
    return found


def read_options(name: str, options: Mapping[str, Any]) -> BaseModel:
    """Check a metric's options as a recipe or `--set` gives them."""
    return check_options(load_metric(name).Options, options, f"metric {name}")


def score_file(name: str, source: Path, out: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """Score a predictions file into `out`, one line an answer; return the aggregates."""
    metric, settings = load_metric(name), read_options(name, options)
    predictions = read_predictions(source)
    scores = score(name, predictions, settings)
    _write_lines(out, [{"id": item.id, "scores": one} for item, one in zip(predictions, scores, strict=True)])
    rows, means, several = take_rows(predictions), average_rows(predictions, scores), has_several(predictions)
    groups = [item.group for item in rows]
    return {
        "metric": name,
        "n": len(rows),
        **({"answers": len(predictions)} if several else {}),
        "figures": {
            key: estimate_figure(key, mean_of_answers(figure) if several else figure, means, groups).model_dump(
                exclude_defaults=True
            )
            for key, figure in list_figures(metric, settings).items()
        },
    }


def evaluate_predictions(
    predictions_path: Path,
    metrics: Mapping[str, Mapping[str, Any]],
    slices: Sequence[str],
    main: str | None,
    seed: int,
    out_dir: Path,
    conditions: Mapping[str, str] = MappingProxyType({}),
    asked: EvaluatedRows | None = None,
    evidence: Evidence | None = None,
    looks: Looks | None = None,
) -> Summary:
    """Score a run's predictions, write scores.jsonl, summary.json and test_metrics.json, and sum up.

    `conditions` are hashes that must be equal before two results may be compared; `evidence` says that the tuned model
    is another than its base, `looks` how often the test set was evaluated.
    """
    settings = {name: read_options(name, options) for name, options in metrics.items()}
    predictions = read_predictions(predictions_path)
    scored = score_predictions(predictions, settings)
    summary = summarise(predictions, scored.tuned, scored.base, scored.figures, slices, seed, main)
    summary = summary.model_copy(
        update={"conditions": dict(conditions), "asked": asked, "evidence": evidence, "looks": looks}
    )
    _write_lines(out_dir / "scores.jsonl", _list_lines(predictions, scored))
    write_text(out_dir / "summary.json", summary.model_dump_json(indent=1) + "\n")
    write_flat_metrics(out_dir, summary)
    return summary


def read_scores(path: Path) -> tuple[list[Scores], list[Scores] | None]:
    """Read back scores.jsonl: tuned, and base where the run has it; refused where a figure cannot have its score."""
    try:
        lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        tuned = [line["tuned"] for line in lines]
        base = [line["base"] for line in lines] if "base" in lines[0] else None
        check_range(path, [line["id"] for line in lines], zip(tuned, base or tuned, strict=True))
    except (ValueError, LookupError, TypeError, AttributeError):
        raise UserError(f"{shown(path)}: holds no scores of an evaluation; make eval writes it anew") from None
    return tuned, base


def score_predictions(predictions: Sequence[Prediction], settings: Mapping[str, BaseModel]) -> Scored:
    """Score tuned answers, and the base model's where there are some, with every metric."""
    named = {(metric, figure): name for name, (metric, figure) in name_figures(settings).items()}
    tuned: list[Scores] = [{} for _ in predictions]
    base: list[Scores] = [{} for _ in predictions]
    # A float for each value, and not for each row.
    values: dict[float | None, float | None] = {}
    with_base, line = predictions[0].baseline is not None, ProgressLine("score")
    for metric in settings:
        module = load_metric(metric)
        names = {figure: named[metric, figure] for figure in module.FIGURES}
        for start in range(0, len(predictions), BLOCK):
            line.draw(start, len(predictions), f"  {metric}")
            items = predictions[start : start + BLOCK]
            answers = [_swap(item) for item in items] if with_base else []
            # Both models' answers together: a metric reads their references once.
            found = score(metric, [*items, *answers], settings[metric])
            for kept, new in zip([*tuned[start : start + BLOCK], *base[start : start + BLOCK]], found, strict=False):
                kept.update({names[figure]: values.setdefault(value, value) for figure, value in new.items()})
        line.clear()
    return Scored(list_all_figures(settings), tuned, base if with_base else None)


def list_all_figures(settings: Mapping[str, BaseModel]) -> dict[str, Figure]:
    """The figures of several metrics, by the names that they have together."""
    named = {(metric, figure): name for name, (metric, figure) in name_figures(settings).items()}
    figures: dict[str, Figure] = {}
    for metric, options in settings.items():
        module = load_metric(metric)
        names = {figure: named[metric, figure] for figure in module.FIGURES}
        figures |= {names[key]: _rename_parts(one, names) for key, one in list_figures(module, options).items()}
    return figures


def _list_lines(predictions: Sequence[Prediction], scored: Scored) -> Iterator[dict[str, Any]]:
    """The lines of scores.jsonl."""
    for at, (item, one) in enumerate(zip(predictions, scored.tuned, strict=True)):
        yield {"id": item.id, "tuned": one, **({"base": scored.base[at]} if scored.base is not None else {})}


def _list_stated(metric: Metric) -> frozenset[str]:
    """The figures whose direction the metric states; all others are shares."""
    return frozenset[str]().union(*(getattr(metric, group, ()) for group in DIRECTIONS))


def _rename_parts(figure: Figure, names: Mapping[str, str]) -> Figure:
    if figure.ratio is None:
        return figure
    top, bottom = (tuple(names[part] for part in parts) for parts in figure.ratio)
    return figure.model_copy(update={"ratio": (top, bottom)})


def _swap(item: Prediction) -> Prediction:
    """The base model's answer, to be scored like a tuned one's."""
    return item.model_copy(update={"prediction": item.baseline, "measures": item.baseline_measures})


def _write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    with replacing(path) as file:
        for line in lines:
            file.write(json.dumps(line).encode() + b"\n")
