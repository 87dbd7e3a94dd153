"""Prompts in; both models' answers to them, and the likelihoods of the given answers, out.

The base model's answers are cached by model, template, prompts, settings, device and precision, so that ten adapters on
one base need them only once. A metric with `MEASURES` (see eval/scoring/score.py) needs likelihoods; if all metrics do,
nothing is generated.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.asking.answers import Answers, Measures, ModelAnswer
from eval.asking.compared import choose_placebo, find_before, load_compared
from eval.asking.prompts import Prompt, digest_prompts
from eval.scoring.baselines import BEFORE, PLACEBO
from eval.scoring.score import load_metric
from recipebook import project
from recipebook.errors import UserError
from recipebook.files import digest, write_text
from recipebook.libraries import prepare_libraries
from recipebook.project import shown
from recipebook.recipe.base_model import find_base
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.figures import measures_answers
from recipebook.recipe.keys import Recipe
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import Run
from recipebook.text.chat import apply_settings, list_end_tokens

if TYPE_CHECKING:
    from eval.asking.generate import GeneratedAnswer
    from eval.asking.kept_base import KeptBase
    from eval.asking.likelihood import Likelihood


def ask(
    run: Run,
    manifest: Manifest,
    recipe: Recipe,
    prompts: list[Prompt],
    weights: Path,
    kept: "KeptBase | None" = None,
) -> Answers:
    """Return the answers of the tuned model in `weights` and of its base, whose answers may come from the cache.

    With `kept`, the base stays loaded from one run to the next. Weights that are not the run's own, and those that
    change nothing, are refused, before anything is generated where they alone prove it.
    """
    prepare_libraries(find_base(recipe))
    # Here and not above: a wrong name should not wait for torch.
    from eval.asking import generate
    from eval.asking.effect import Effect
    from recipebook.run.own_weights import check_own

    check_own(run, manifest, recipe, weights)
    placebo = choose_placebo(run, recipe)
    tokenizer = generate.load_tokenizer(find_tokenizer(run, recipe))
    _check_template(run, recipe, manifest, tokenizer.chat_template)
    if not any(prompt.preference for prompt in prompts):
        # Preferences are written without them.
        apply_settings(tokenizer, recipe.axolotl.get("chat_template_kwargs"))
    references = [generate.format_reference(tokenizer, prompt) for prompt in prompts]
    # A stage's adapter may sit on a model that is not the base: then the base has to be loaded for itself.
    by_vllm = {} if run.start else _ask_vllm(tokenizer, prompts, weights, recipe)
    under, revision = (run.start, None) if run.start else (find_base(recipe), recipe.model.revision)
    loaded = (kept.put_on if kept else generate.load_tuned)(weights, under, revision)
    engine = "vllm" if by_vllm else "transformers"
    known = find_kept_answers(manifest, recipe.eval, prompts, engine, tokenizer, find_playing(recipe))
    try:
        effect = Effect.measure(loaded, shown(weights), tokenizer, prompts, recipe.eval.generation.batch_size)
        base = _recall(known)
        if base is None:
            base = _ask_base(None if run.start else loaded.model, tokenizer, prompts, recipe, by_vllm.get("base"))
            write_text(known, json.dumps([asdict(answer) for answer in base]))
        baselines = _ask_baselines(run, manifest, recipe, prompts, tokenizer, None if run.start else loaded.model)
        # Last: merging leaves no base behind.
        model = generate.merge(loaded.model)
        effect = effect.check(model, tokenizer)
        tuned = _ask_one(model, tokenizer, prompts, recipe, "tuned", by_vllm.get("tuned"))
    finally:
        if kept:
            kept.take_off(loaded.model)
    del loaded, model  # before the next one takes memory
    for name, folder in _list_compared(run, recipe, placebo):
        answers = _ask_one(load_compared(folder, recipe), tokenizer, prompts, recipe, name, None)
        baselines[name] = [one.text for one in answers]
    engine = engine if _wants_text(recipe.eval) else ""
    return Answers(
        engine=engine,
        references=references,
        tuned=[*map(_refer, tuned, base, prompts)],
        base=[*map(_refer, base, base, prompts)],
        evidence=effect.collect(base, tuned, engine),
        baselines=baselines,
    )


def _list_compared(run: Run, recipe: Recipe, placebo: Run | None) -> Iterator[tuple[str, Path]]:
    """The other trained adapters whose answers stand beside the tuned model's."""
    if placebo:
        yield PLACEBO, placebo.folder / "model"
    if (before := find_before(run)) and all(measures_answers(name) for name in recipe.eval.metrics):
        yield BEFORE, before


def _ask_baselines(
    run: Run, manifest: Manifest, recipe: Recipe, prompts: list[Prompt], tokenizer: Any, model: Any
) -> dict[str, list[str]]:
    """The answers of the baselines that the recipe names; an adapter on `model` is switched off."""
    from eval.asking import generate
    from eval.asking.baselines import add_examples, answer_without_model, read_train

    wanted = recipe.eval.baselines
    if not (wanted.few_shot or wanted.nearest or wanted.majority):
        return {}
    train = read_train(run, recipe.eval.turns)
    given = [generate.format_reference(tokenizer, one) for one in train]
    found = answer_without_model(wanted, prompts, train, given)
    if wanted.few_shot:
        longer = add_examples(prompts, train, wanted.few_shot)
        known = find_kept_answers(manifest, recipe.eval, longer, "transformers", tokenizer)
        answers = _recall(known)
        if answers is None:
            answers = _ask_base(model, tokenizer, longer, recipe, None)
            write_text(known, json.dumps([asdict(answer) for answer in answers]))
        found["few_shot"] = [one.text for one in answers]
    return found


def _recall(known: Path) -> list[ModelAnswer] | None:
    """The base's answers from the cache; None where it has none."""
    return [ModelAnswer(**answer) for answer in json.loads(known.read_bytes())] if known.is_file() else None


def find_tokenizer(run: Run, recipe: Recipe) -> Path | str:
    """The tokenizer saved with the weights; a service may send the adapter alone, and then it is the base model's."""
    saved = run.folder / "model"
    return find_base(recipe) if recipe.remote and not (saved / "tokenizer_config.json").is_file() else saved


def _check_template(run: Run, recipe: Recipe, manifest: Manifest, template: str) -> None:
    """Refuse a chat template other than the one of the training."""
    from eval.asking import generate

    trained, found = manifest.hashes["chat_template"], digest(template)
    if recipe.model.chat_template == "tokenizer":
        trained = digest(generate.load_tokenizer(find_base(recipe)).chat_template)
    if trained != found:
        raise UserError(
            f"{shown(run.folder / 'model')}: its chat template has the hash {found}, the training's had {trained}"
        )


def _ask_vllm(
    tokenizer: Any, prompts: list[Prompt], weights: Path, recipe: Recipe
) -> "dict[str, list[GeneratedAnswer]]":
    """The answers of `tuned` and `base` by vLLM; an empty dict where transformers generates."""
    from eval.asking import generate_vllm

    if find_playing(recipe) or not (_wants_text(recipe.eval) and generate_vllm.is_wanted(recipe.eval.generation)):
        return {}
    base, revision = str(find_base(recipe)), recipe.model.revision
    return generate_vllm.generate_both(weights, base, revision, tokenizer, prompts, recipe.eval.generation)


def _ask_base(
    model: Any, tokenizer: Any, prompts: list[Prompt], recipe: Recipe, answers: "list[GeneratedAnswer] | None"
) -> list[ModelAnswer]:
    from eval.asking import generate

    without_adapter: AbstractContextManager[None] = nullcontext()
    if hasattr(model, "disable_adapter"):
        without_adapter = model.disable_adapter()
    else:
        model = generate.load_base(str(find_base(recipe)), recipe.model.revision)
    with without_adapter:
        return _ask_one(model, tokenizer, prompts, recipe, "base", answers)


def _ask_one(
    model: Any,
    tokenizer: Any,
    prompts: list[Prompt],
    recipe: Recipe,
    label: str,
    answers: "list[GeneratedAnswer] | None",
) -> list[ModelAnswer]:
    """Generate, unless `answers` are given, and measure the likelihoods that the metrics need; or play the tasks."""
    from eval.asking import generate

    settings = recipe.eval
    if playing := find_playing(recipe):
        from eval.asking.episodes import play_tasks

        return play_tasks(model, tokenizer, prompts, playing, settings.generation, label)
    found = [ModelAnswer()] * len(prompts)
    if _wants_text(settings):
        answers = answers or generate.generate(model, tokenizer, prompts, settings.generation, label)
        found = [ModelAnswer(answer.text, answer.new_tokens, answer.truncated) for answer in answers]
    wanted = _list_measures(settings)
    measured = [_measure(model, tokenizer, prompts, name, settings, label) for name in wanted]
    if not measured:
        return found
    merged = [{key: value for part in parts for key, value in part.items()} for parts in zip(*measured, strict=True)]
    return [
        ModelAnswer(one.text, one.new_tokens, one.truncated, measures)
        for one, measures in zip(found, merged, strict=True)
    ]


def find_playing(recipe: Recipe) -> Any:
    """The options of the metric for which the model plays episodes; None where there is none."""
    for name, given in recipe.eval.metrics.items():
        metric: Any = load_metric(name)
        if getattr(metric, "PLAYS", False):
            return metric.Options(**metric.fill_options(given, recipe))
    return None


def _wants_text(settings: Evaluation) -> bool:
    return any(not hasattr(load_metric(name), "MEASURES") for name in settings.metrics)


def _list_measures(settings: Evaluation) -> list[str]:
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


def _refer(one: ModelAnswer, base: ModelAnswer, prompt: Prompt) -> ModelAnswer:
    """`one` with the base model's log-probabilities of a preference added, as the reference of its rewards."""
    names = ("answer",) if prompt.labelled else ("chosen", "rejected")
    if one.measures is None or base.measures is None or names[-1] not in one.measures:
        return one
    beside = {f"reference_{name}": base.measures[name] for name in names}
    return ModelAnswer(one.text, one.new_tokens, one.truncated, {**one.measures, **beside})


def find_kept_answers(
    manifest: Manifest, settings: Evaluation, prompts: list[Prompt], engine: str, tokenizer: Any, playing: Any = None
) -> Path:
    """The file with the base model's answers, whether it is there or not."""
    from eval.asking import generate

    # The first end is the base's own.
    ends = list_end_tokens(tokenizer)[1:]
    texts = [text for prompt in prompts if (text := generate.find_own_text(tokenizer, prompt))]
    key = digest(
        manifest.hashes["base"],
        manifest.hashes["chat_template"],
        digest_prompts(prompts),
        settings.generation.model_dump_json(exclude={"engine"}),
        json.dumps([engine, _wants_text(settings), _list_measures(settings), *ends, *texts]),
        *([playing.model_dump_json()] if playing else []),
        generate.describe_precision(),
        version("torch"),
        version("transformers"),
    )
    return project.CACHE / "baselines" / f"{key}.json"
