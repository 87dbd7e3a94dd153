"""A base model's name on the hub in; nothing out, or one line that says why it cannot be loaded, before any work.

    model.base: no model 'Qwen/Qwen9' on the hub, and no folder of that name; a private one needs `hf auth login`

The model's config.json is asked for, which the hub's cache keeps, so that later trainings need no network.
"""

from recipebook.errors import UserError, on_one_line
from recipebook.libraries import leave_unreachable_hub
from recipebook.recipe.base_model import find_base
from recipebook.recipe.keys import Recipe
from recipebook.suggestions import shorten


def check_base(recipe: Recipe) -> None:
    """Refuse a recipe whose base, where it is no folder, cannot be loaded from the hub; a service has its own bases."""
    base = find_base(recipe)
    if recipe.remote is None and isinstance(base, str):
        check_hub_base(base, recipe.model.revision)


def check_hub_base(base: str, revision: str | None) -> None:
    """Refuse a base that is not on the hub, that needs a login, or that no network reaches."""
    leave_unreachable_hub()
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    name = shorten(on_one_line(base), 100)
    try:
        hf_hub_download(base, "config.json", revision=revision)
    except GatedRepoError:
        reason = f"{name} needs a login: accept its terms on https://huggingface.co/{name}, then `hf auth login`"
    except RepositoryNotFoundError:
        reason = f"no model '{name}' on the hub, and no folder of that name; a private one needs `hf auth login`"
    except RevisionNotFoundError:
        reason = f"{name} has no revision '{shorten(on_one_line(str(revision)))}' on the hub"
    except LocalEntryNotFoundError:
        reason = f"no network reaches the hub, whose cache does not have '{name}', and there is no folder of that name"
    except EntryNotFoundError:
        reason = f"{name} on the hub has no config.json, so it is no model of transformers"
    except HFValidationError:
        reason = f"no folder '{name}', and no name of a model on the hub, such as Qwen/Qwen2.5-0.5B-Instruct"
    else:
        return
    raise UserError(f"model.base: {reason}")
