"""A trained run in; its weights, recipe and held-out prompts, and its model as its evaluation loads it, out.

    trained = find_trained("robot-lora")     # cheap: a wrong name does not wait for torch
    opened = open_model(trained)             # model and tokenizer; refused if the adapter does nothing

Of a run with stages it is the model of the last one, or of the one that is named: `dial-dpo/sft`.
"""

from pathlib import Path
from typing import Any, NamedTuple

from eval.asking.layout import choose_layout
from eval.asking.own_tokenizer import load_own_tokenizer
from eval.asking.prompts import Prompt, read_prompts
from eval.opening import PARTS, find_weights, read_recipe
from recipebook import project
from recipebook.errors import UserError
from recipebook.libraries import prepare_libraries
from recipebook.project import shown
from recipebook.recipe.base_model import find_base
from recipebook.recipe.keys import Recipe
from recipebook.run.acting import Acting
from recipebook.run.manifest import Manifest
from recipebook.run.model_run import find_model_run
from recipebook.run.rundir import Run

# transformers' own annotations do not fit how models and tokenizers are used.
Model = Any
Tokenizer = Any


class FoundModel(NamedTuple):
    """A model that a run, a stage or a checkpoint has, not loaded yet."""

    run: Run
    manifest: Manifest
    recipe: Recipe
    weights: Path
    prompts: list[Prompt]
    """Of the held-out rows; of train rows where none are held out."""

    @property
    def name(self) -> str:
        """By which commands find it again: the run's, with the stage's behind it if it is of one."""
        return self.manifest.run

    @property
    def base(self) -> tuple[Path | str, str | None]:
        """The model that an adapter sits on, and its revision."""
        return (self.run.start, None) if self.run.start else (find_base(self.recipe), self.recipe.model.revision)


class OpenedModel(NamedTuple):
    """A model that was shown to differ from its base, ready to answer."""

    model: Model
    tokenizer: Tokenizer
    acting: Acting | None


def find_trained(
    query: str, checkpoint: int | None = None, overrides: tuple[str, ...] = (), runs: Path = project.RUNS
) -> FoundModel:
    """The model that a name stands for (recipebook/run/model_run.py); `overrides` change its `eval` section."""
    run = find_model_run(query, runs)
    manifest = run.read()
    weights, recipe = find_weights(run, checkpoint), read_recipe(run, overrides)
    return FoundModel(run, manifest, recipe, weights, _read_prompts(run, recipe))


def open_model(trained: FoundModel) -> OpenedModel:
    """Load it as its evaluation does, its adapter merged in float32; refused where it is not the run's, or its base."""
    run, manifest, recipe, weights, prompts = trained
    prepare_libraries(trained.base[0])
    # Here and not above: a wrong name should not wait for torch.
    from eval.asking import generate
    from eval.asking.effect import Effect
    from recipebook.run.own_weights import check_own

    check_own(run, manifest, recipe, weights)
    tokenizer = load_own_tokenizer(run, manifest, recipe, prompts)
    tuned = generate.load_tuned(weights, *trained.base, layout=choose_layout(recipe, recipe.model.base))
    effect = Effect.measure(tuned, shown(weights), tokenizer, prompts, recipe.eval.generation.batch_size)
    model = generate.merge(tuned.model)
    effect.check(model, tokenizer)
    return OpenedModel(model, tokenizer, tuned.acting)


def _read_prompts(run: Run, recipe: Recipe) -> list[Prompt]:
    for part in dict.fromkeys((recipe.eval.part, *reversed(PARTS))):
        path = run.folder / "data" / f"{part}.jsonl"
        if path.is_file() and (prompts := read_prompts(path, recipe.eval.turns)):
            return prompts
    raise UserError(f"{shown(run.folder / 'data')} has no rows, on which the model is compared with its base")
