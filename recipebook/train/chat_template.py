"""Whether a base in a folder has a chat template, known before the engine is started: a recipe in, an error out.

model.base: models/mine has no chat template: set model.chat_template to one of templates/chat: chatml, instruct
"""

import json
from pathlib import Path

from recipebook.errors import UserError
from recipebook.modules import CHAT_TEMPLATE, list_names
from recipebook.recipe.base_model import find_base
from recipebook.recipe.keys import Recipe

MISSING = "has no chat template"


def require_template(recipe: Recipe) -> None:
    """Refuse a base without a chat template, where the recipe names none."""
    base = find_base(recipe)
    if recipe.remote:
        # A service has templates of its own.
        return
    if recipe.model.chat_template == "tokenizer" and isinstance(base, Path) and not has_chat_template(base):
        raise UserError(format_missing_template(recipe))


def format_missing_template(recipe: Recipe) -> str:
    """The message about a base whose tokenizer brings no chat template."""
    names = ", ".join(list_names(CHAT_TEMPLATE))
    return (
        f"model.base: {recipe.model.base} {MISSING}: set model.chat_template to one of templates/chat: {names}, "
        "or add your own there"
    )


def has_chat_template(folder: Path) -> bool:
    """Whether a model's folder holds a chat template, in one of the places where transformers looks."""
    if (folder / "chat_template.jinja").is_file() or (folder / "chat_template.json").is_file():
        return True
    try:
        return bool(json.loads((folder / "tokenizer_config.json").read_bytes()).get("chat_template"))
    except (OSError, ValueError, AttributeError):
        # What is wrong with such a file, the trainer says.
        return True
