"""A run in; its tokenizer with the chat template of its training, as its prompts are rendered, out.

Loading the tokenizer refuses a template that was changed since: the model would read other prompts than it learned.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.asking.prompts import Prompt
from recipebook.errors import UserError, take_first_line
from recipebook.files import digest
from recipebook.project import shown
from recipebook.recipe.base_model import find_base
from recipebook.recipe.keys import Recipe
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import Run
from recipebook.text.chat import apply_settings


def find_tokenizer(run: Run, recipe: Recipe) -> Path | str:
    """The tokenizer saved with the weights; a service may send the adapter alone, and then it is the base model's."""
    saved = run.folder / "model"
    return find_base(recipe) if recipe.remote and not (saved / "tokenizer_config.json").is_file() else saved


def load_own_tokenizer(run: Run, manifest: Manifest, recipe: Recipe, prompts: Sequence[Prompt]) -> Any:
    """The tokenizer that renders these prompts as training did; a chat template of another kind is refused."""
    tokenizer = load_whole_tokenizer(find_tokenizer(run, recipe))
    _check_template(run, recipe, manifest, tokenizer.chat_template)
    if not any(prompt.preference for prompt in prompts):
        # Preferences are written without them.
        apply_settings(tokenizer, recipe.axolotl.get("chat_template_kwargs"))
    return tokenizer


def load_whole_tokenizer(place: Path | str) -> Any:
    """A tokenizer with its chat template; refused where its files are damaged or missing.

    Of missing files transformers makes a tokenizer that has no tokens but its special ones.
    """
    # Here and not above: a wrong name should not wait for transformers.
    from eval.asking import generate

    where = shown(place) if isinstance(place, Path) else place
    try:
        tokenizer = generate.load_tokenizer(place)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{where}: its tokenizer cannot be read: {take_first_line(error)}") from None
    if set(tokenizer.get_vocab()) <= set(tokenizer.all_special_tokens):
        raise UserError(f"{where}: its tokenizer has no tokens; is tokenizer.json missing?")
    if not tokenizer.chat_template:
        raise UserError(f"{where}: its tokenizer has no chat template; is chat_template.jinja missing?")
    return tokenizer


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
