"""Prompts in; both models' answers to them, and the likelihoods of the given answers, out.

The base model's answers are cached by model, template, prompts, settings, device and precision, so that ten adapters on
one base need them only once. A metric with `MEASURES` (see eval/scoring/score.py) needs likelihoods; if all metrics do,
nothing is generated.
"""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from eval.asking.answers import Answers, ModelAnswer
from eval.asking.compared import choose_placebo, find_before, load_compared
from eval.asking.layout import PLAIN, Layout, choose_layout
from eval.asking.one_model import ask_one, find_playing, list_measures, wants_text
from eval.asking.own_tokenizer import load_own_tokenizer
from eval.asking.prompts import Prompt, digest_prompts
from eval.asking.sharding import SharedWork, choose_gpus, sharing
from eval.scoring.baselines import BEFORE, PLACEBO
from recipebook import project
from recipebook.files import digest, write_text
from recipebook.libraries import prepare_libraries
from recipebook.project import shown
from recipebook.recipe.base_model import find_base, read_context
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.figures import measures_answers
from recipebook.recipe.keys import Recipe
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import Run
from recipebook.text.chat import list_end_tokens

if TYPE_CHECKING:
    from eval.asking.effect import Effect
    from eval.asking.generate import GeneratedAnswer
    from eval.asking.kept_base import KeptBase


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
    from recipebook.run.own_weights import check_own

    check_own(run, manifest, recipe, weights)
    placebo = choose_placebo(run, recipe)
    tokenizer = load_own_tokenizer(run, manifest, recipe, prompts)
    both = _ask_both(run, manifest, recipe, prompts, weights, tokenizer, kept)
    for name, folder in _list_compared(run, recipe, placebo):
        answers = ask_one(load_compared(folder, recipe), tokenizer, prompts, recipe, name)
        both.baselines[name] = [one.text for one in answers]
    engine = both.engine if wants_text(recipe.eval) else ""
    return Answers(
        engine=engine,
        references=[generate.format_reference(tokenizer, prompt) for prompt in prompts],
        tuned=[*map(refer, both.tuned, both.base, prompts)],
        base=[*map(refer, both.base, both.base, prompts)],
        evidence=both.effect.collect(both.base, both.tuned, engine),
        baselines=both.baselines,
        lengths=tuple(both.lengths),
    )


class _Both(NamedTuple):
    """What one loaded model answered, with its adapter and without."""

    engine: str
    base: list[ModelAnswer]
    tuned: list[ModelAnswer]
    baselines: dict[str, list[str]]
    lengths: list[str]
    effect: "Effect"


def _ask_both(
    run: Run,
    manifest: Manifest,
    recipe: Recipe,
    prompts: list[Prompt],
    weights: Path,
    tokenizer: Any,
    kept: "KeptBase | None",
) -> _Both:
    """Load the adapter on what it was trained on, and ask the two; the memory is free again when this returns."""
    from eval.asking import generate
    from eval.asking.effect import Effect
    from eval.asking.lengths import describe_lengths

    # A stage's adapter may sit on a model that is not the base: then the base has to be loaded for itself.
    by_vllm = {} if run.start else _ask_vllm(tokenizer, prompts, weights, recipe)
    under, revision = (run.start, None) if run.start else (find_base(recipe), recipe.model.revision)
    layout = choose_layout(recipe, recipe.model.base)
    loaded = (kept.put_on if kept else generate.load_tuned)(weights, under, revision, layout=layout)
    work = SharedWork(weights, str(under), revision, layout, tokenizer, recipe, prompts)
    try:
        lengths = describe_lengths(tokenizer, prompts, recipe, read_context(loaded.model.config.to_dict()))
        effect = Effect.measure(loaded, shown(weights), tokenizer, prompts, recipe.eval.generation.batch_size)
        both = _ask_loaded(run, manifest, work, loaded.model, effect, by_vllm)
    finally:
        if kept:
            kept.take_off(loaded.model)
    return both._replace(lengths=[*lengths, *both.lengths])


def _ask_loaded(
    run: Run,
    manifest: Manifest,
    work: SharedWork,
    loaded: Any,
    effect: "Effect",
    by_vllm: "dict[str, list[GeneratedAnswer]]",
) -> _Both:
    """Ask the base, unless its answers are kept, then the tuned model, on as many GPUs as there are batches for."""
    from eval.asking import generate

    recipe, tokenizer, prompts = work.recipe, work.tokenizer, work.prompts
    engine, below = "vllm" if by_vllm else "transformers", None if run.start else loaded
    known = find_kept_answers(manifest, recipe.eval, prompts, engine, tokenizer, find_playing(recipe), work.layout)
    base = _recall(known)
    labels = ("base", "tuned") if base is None and below else ("tuned",)
    with sharing(work, labels, [] if by_vllm else choose_gpus(work, loaded)) as shares:
        if base is None:
            base = shares.ask("base", lambda own: _ask_base(below, tokenizer, own, recipe, by_vllm.get("base")))
            write_text(known, json.dumps([asdict(answer) for answer in base]))
        context = read_context(loaded.config.to_dict())
        baselines, lengths = _ask_baselines(run, manifest, recipe, prompts, tokenizer, below, context)
        # Last: merging leaves no base behind.
        model = generate.merge(loaded, recipe.eval.generation.adapter)
        effect = effect.check(model, tokenizer)
        tuned = shares.ask("tuned", lambda own: ask_one(model, tokenizer, own, recipe, "tuned", by_vllm.get("tuned")))
    return _Both(engine, base, tuned, baselines, lengths, effect)


def _list_compared(run: Run, recipe: Recipe, placebo: Run | None) -> Iterator[tuple[str, Path]]:
    """The other trained adapters whose answers stand beside the tuned model's."""
    if placebo:
        yield PLACEBO, placebo.folder / "model"
    if (before := find_before(run)) and all(measures_answers(name) for name in recipe.eval.metrics):
        yield BEFORE, before


def ask_base(run: Run, manifest: Manifest, recipe: Recipe, prompts: list[Prompt], tokenizer: Any) -> list[ModelAnswer]:
    """The answers of a run's base alone, from the cache where it has them."""
    layout = choose_layout(recipe, recipe.model.base)
    known = find_kept_answers(manifest, recipe.eval, prompts, "transformers", tokenizer, find_playing(recipe), layout)
    answers = _recall(known)
    if answers is None:
        answers = _ask_base(None, tokenizer, prompts, recipe, None)
        write_text(known, json.dumps([asdict(answer) for answer in answers]))
    return answers


def _ask_baselines(
    run: Run,
    manifest: Manifest,
    recipe: Recipe,
    prompts: list[Prompt],
    tokenizer: Any,
    model: Any,
    context: int | None,
) -> tuple[dict[str, list[str]], list[str]]:
    """The answers of the baselines that the recipe names, and lines on prompts that are too long for `context`.

    An adapter on `model` is switched off.
    """
    from eval.asking import generate
    from eval.asking.baselines import add_examples, answer_without_model, read_train
    from eval.asking.lengths import describe_longer

    wanted = recipe.eval.baselines
    if not (wanted.few_shot or wanted.nearest or wanted.majority):
        return {}, []
    train = read_train(run, recipe.eval.turns)
    given = [generate.format_reference(tokenizer, one) for one in train]
    found, lengths = answer_without_model(wanted, prompts, train, given), list[str]()
    if wanted.few_shot:
        longer = add_examples(prompts, train, wanted.few_shot)
        lengths = describe_longer(tokenizer, longer, recipe, context)
        layout = choose_layout(recipe, recipe.model.base)
        known = find_kept_answers(manifest, recipe.eval, longer, "transformers", tokenizer, layout=layout)
        answers = _recall(known)
        if answers is None:
            answers = _ask_base(model, tokenizer, longer, recipe, None)
            write_text(known, json.dumps([asdict(answer) for answer in answers]))
        found["few_shot"] = [one.text for one in answers]
    return found, lengths


def _recall(known: Path) -> list[ModelAnswer] | None:
    """The base's answers from the cache; None where it has none."""
    return [ModelAnswer(**answer) for answer in json.loads(known.read_bytes())] if known.is_file() else None


def _ask_vllm(
    tokenizer: Any, prompts: list[Prompt], weights: Path, recipe: Recipe
) -> "dict[str, list[GeneratedAnswer]]":
    """The answers of `tuned` and `base` by vLLM; an empty dict where transformers generates."""
    from eval.asking import generate_vllm

    if find_playing(recipe) or not (wants_text(recipe.eval) and generate_vllm.is_wanted(recipe.eval.generation)):
        return {}
    base, revision = str(find_base(recipe)), recipe.model.revision
    layout = choose_layout(recipe, recipe.model.base)
    return generate_vllm.generate_both(weights, base, revision, tokenizer, prompts, recipe.eval.generation, layout)


def _ask_base(
    model: Any, tokenizer: Any, prompts: list[Prompt], recipe: Recipe, answers: "list[GeneratedAnswer] | None"
) -> list[ModelAnswer]:
    from eval.asking import generate

    without_adapter: AbstractContextManager[None] = nullcontext()
    if hasattr(model, "disable_adapter"):
        without_adapter = model.disable_adapter()
    else:
        layout = choose_layout(recipe, recipe.model.base)
        model = generate.load_base(str(find_base(recipe)), recipe.model.revision, layout)
    with without_adapter:
        return ask_one(model, tokenizer, prompts, recipe, "base", answers)


def refer(one: ModelAnswer, base: ModelAnswer, prompt: Prompt) -> ModelAnswer:
    """`one` with the base model's log-probabilities of a preference added, as the reference of its rewards."""
    names = ("answer",) if prompt.labelled else ("chosen", "rejected")
    if one.measures is None or base.measures is None or names[-1] not in one.measures:
        return one
    beside = {f"reference_{name}": base.measures[name] for name in names}
    return ModelAnswer(one.text, one.new_tokens, one.truncated, {**one.measures, **beside})


def find_kept_answers(
    manifest: Manifest,
    settings: Evaluation,
    prompts: list[Prompt],
    engine: str,
    tokenizer: Any,
    playing: Any = None,
    layout: Layout = PLAIN,
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
        settings.generation.describe("engine", "adapter"),
        json.dumps([engine, wants_text(settings), list_measures(settings), *ends, *texts]),
        *([playing.model_dump_json()] if playing else []),
        generate.describe_precision(layout),
        version("torch"),
        version("transformers"),
    )
    return project.CACHE / "baselines" / f"{key}.json"
