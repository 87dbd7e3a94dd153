"""Prompts and one model in; its answers, and the likelihoods of the given answers that the metrics need, out.

ask_one(model, tokenizer, prompts, recipe, "tuned") → [ModelAnswer(text="robot.stop()", new_tokens=5, …), …]
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eval.asking.answers import Measures, ModelAnswer
from eval.asking.prompts import Prompt
from eval.scoring.rows_of_answers import VARIANT
from eval.scoring.score import load_metric
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.keys import Recipe

if TYPE_CHECKING:
    from eval.asking.generate import GeneratedAnswer
    from eval.asking.likelihood import Likelihood


def ask_one(
    model: Any,
    tokenizer: Any,
    prompts: list[Prompt],
    recipe: Recipe,
    label: str,
    answers: "list[GeneratedAnswer] | None" = None,
) -> list[ModelAnswer]:
    """Generate, unless `answers` are given, and measure the likelihoods that the metrics need; or play the tasks."""
    from eval.asking import generate

    settings = recipe.eval
    if playing := find_playing(recipe):
        from eval.asking.episodes import play_tasks

        return play_tasks(model, tokenizer, prompts, playing, settings.generation, label)
    found = [ModelAnswer()] * len(prompts)
    if wants_text(settings):
        answers = answers or generate.generate(model, tokenizer, prompts, settings.generation, label)
        found = [ModelAnswer(answer.text, answer.new_tokens, answer.truncated) for answer in answers]
    wanted = list_measures(settings)
    if not wanted:
        return found
    # Likelihoods of given answers are the same whatever was sampled.
    keys = [(prompt.own.id, prompt.meta.get(VARIANT)) for prompt in prompts]
    once = dict(zip(keys, prompts, strict=True))
    measured = [_measure(model, tokenizer, [*once.values()], name, settings, label) for name in wanted]
    merged = [{key: value for part in parts for key, value in part.items()} for parts in zip(*measured, strict=True)]
    by_key = dict(zip(once, merged, strict=True))
    return [
        ModelAnswer(one.text, one.new_tokens, one.truncated, by_key[key]) for one, key in zip(found, keys, strict=True)
    ]


def find_playing(recipe: Recipe) -> Any:
    """The options of the metric for which the model plays episodes; None where there is none."""
    for name, given in recipe.eval.metrics.items():
        metric: Any = load_metric(name)
        if getattr(metric, "PLAYS", False):
            return metric.Options(**metric.fill_options(given, recipe))
    return None


def wants_text(settings: Evaluation) -> bool:
    """Whether a metric needs answers, and not only the likelihoods of given ones."""
    return any(not hasattr(load_metric(name), "MEASURES") for name in settings.metrics)


def list_measures(settings: Evaluation) -> list[str]:
    """The names of the likelihoods that the metrics need: `chosen`, `rejected`, `answer`, `spans`."""
    named = [name for metric in settings.metrics for name in getattr(load_metric(metric), "MEASURES", ())]
    return list(dict.fromkeys(named))


def _measure(
    model: Any, tokenizer: Any, prompts: Sequence[Prompt], name: str, settings: Evaluation, label: str
) -> list[Measures]:
    """`{name: log-probability, name_tokens: count}` of each prompt's given answer, or of its spans by their kinds.

    An answer with a label is measured under the name `answer`, in place of `chosen` and `rejected`.
    """
    from eval.asking import generate, likelihood
    from eval.asking.span_likelihood import measure_spans

    given = [
        (prompt, answer)
        for prompt in prompts
        if (answer := prompt.rejected if name == "rejected" else prompt.answer) is not None
    ]
    texts = [generate.write(tokenizer, prompt, answer) for prompt, answer in given]
    size, shown_as = settings.generation.batch_size, f"{label} {name}"
    if name == "spans":
        return [_flatten(parts) for parts in measure_spans(model, tokenizer, texts, size, shown_as)]
    measured = likelihood.measure(model, tokenizer, texts, size, shown_as) if texts else []
    found = {
        prompt.id: _flatten({"answer" if prompt.labelled else name: one})
        for (prompt, _), one in zip(given, measured, strict=True)
    }
    return [found.get(prompt.id, {}) for prompt in prompts]


def _flatten(likelihoods: "Mapping[str, Likelihood]") -> Measures:
    """The measures by the names that predictions.jsonl has."""
    found: Measures = {}
    for name, one in likelihoods.items():
        found |= {name: one.log_probability, f"{name}_tokens": one.tokens}
    return found
