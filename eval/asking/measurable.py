"""Settings of an evaluation and its prompts in; nothing out, or why the one cannot be measured on the other.

    no test row has 'mood' in its meta to slice by; they have: category, origin

`make eval` asks before a model is loaded, and `make plan` before anything is trained.
"""

from collections import Counter
from collections.abc import Sequence

from eval.asking.prompts import Prompt
from eval.scoring.score import list_figures, load_metric
from recipebook.errors import UserError
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.figures import measures_answers, name_figures
from recipebook.suggestions import offer


def check_prompts(settings: Evaluation, prompts: Sequence[Prompt]) -> None:
    """Refuse slices and units by fields that the prompts do not have, and metrics that cannot measure the prompts."""
    _check_fields(settings, prompts)
    _check_metrics(settings, prompts)


def _check_fields(settings: Evaluation, prompts: Sequence[Prompt]) -> None:
    known = Counter(field for prompt in prompts for field in prompt.meta)
    for field in settings.slices:
        if field not in known:
            fields = ", ".join(sorted(known)) or "nothing"
            raise UserError(f"no {settings.part} row has {field!r} in its meta to slice by; they have: {fields}")
    for field in settings.unit:
        if known[field] < len(prompts):
            first = next(prompt for prompt in prompts if field not in prompt.meta)
            raise UserError(f"eval.unit: {first.id} has no {field!r} in its meta; it has: {', '.join(first.meta)}")


def _check_metrics(settings: Evaluation, prompts: Sequence[Prompt]) -> None:
    of_pairs = [name for name in settings.metrics if "rejected" in getattr(load_metric(name), "MEASURES", ())]
    labelled = next((prompt for prompt in prompts if prompt.labelled), None)
    of_texts = [name for name in settings.metrics if not hasattr(load_metric(name), "MEASURES")]
    if labelled and of_texts:
        raise UserError(
            f"{labelled.id} is an answer with a label, which may be a bad one to be like; metric '{of_texts[0]}' takes "
            "every answer for a good one: preference and likelihood measure answers with a label"
        )
    _check_published(settings)
    wanted = settings.baselines
    of_likelihoods = next((name for name in settings.metrics if name not in of_texts), None)
    if of_likelihoods and (wanted.few_shot or wanted.nearest or wanted.majority):
        raise UserError(
            f"eval.baselines: metric '{of_likelihoods}' measures likelihoods of given answers; baselines give their own"
        )
    if settings.placebo and (other := next((name for name in settings.metrics if not measures_answers(name)), None)):
        raise UserError(
            f"eval.placebo: the placebo gives answers of its own, and metric '{other}' does not compare answers"
        )
    playing = next((name for name in settings.metrics if getattr(load_metric(name), "PLAYS", False)), None)
    if settings.variants and playing:
        raise UserError(f"eval.variants: metric '{playing}' plays episodes, whose prompts come from their tasks")
    single = next((prompt for prompt in prompts if prompt.rejected is None and not prompt.labelled), None)
    if of_pairs and single:
        raise UserError(f"{single.id} is no pair, and metric '{of_pairs[0]}' measures pairs")


def _check_published(settings: Evaluation) -> None:
    """Refuse figures that the metrics do not have, and values that these cannot have, such as per cent of a share."""
    named = name_figures(settings.metrics)
    for figure, value in settings.published.figures.items() if settings.published else ():
        if figure not in named:
            raise UserError(f"eval.published.figures: no figure '{figure}'{offer(figure, [*named])}")
        metric, name = named[figure]
        if list_figures(load_metric(metric))[name].share and not 0 <= value <= 1:
            instead = f"; {value:g} per cent is {value / 100:g}" if 1 < value <= 100 else ""
            raise UserError(
                f"eval.published.figures.{figure}: {value:g} is not between 0 and 1, as {figure} is{instead}"
            )
