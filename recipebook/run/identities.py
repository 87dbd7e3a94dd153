"""A recipe and its rows in; the inputs that decide the outcome of its training, or the hash of them, out.

    {"training.epochs": "4", "rows": "5d0c…", "base": "77c0…", "adapter": "1f3a…", "versions.torch": "2.13.0"}

A run's folder has the same inputs: recipebook/run/earlier.py reads them there.
"""

from recipebook.recipe.keys import Recipe
from recipebook.run import provenance
from recipebook.run.begun import find_begun


def identify(recipe: Recipe, rows_digest: str) -> str:
    """The same rows, settings, base, adapter, template and versions have the same identity.

    Evaluation does not count, and nor do the processes that share the work.
    A key that stands at its default leaves no trace, so that a key that is added later changes no identity.
    """
    return provenance.digest_inputs(list_inputs(recipe, rows_digest))


def list_inputs(recipe: Recipe, rows_digest: str) -> dict[str, str]:
    """The inputs that decide the outcome of a training, by name: `training.epochs`, `rows`, `versions.torch`."""
    hashes = {
        "rows": rows_digest,
        "base": provenance.digest_base(recipe),
        "chat_template": provenance.digest_chat_template(recipe),
    }
    if begun := find_begun(recipe):
        hashes["adapter"] = begun.digest
    return provenance.join_inputs(recipe.model_dump(mode="json"), hashes, provenance.package_versions())
