"""How a trained run is evaluated: what it keeps of its recipe in, with the `eval` section that the recipe has now, out.

An `eval` section is no part of what was trained, so that an edit of it counts for runs that are there already. The
other sections are those of the training, as `resolved.yaml` in the run's folder has them. Where the recipe's file is
gone, so is the newer section, and the run's own counts.
"""

from collections.abc import Sequence
from pathlib import Path

from recipebook.errors import UserError
from recipebook.modules import PROFILE, describe_missing
from recipebook.project import PROJECT
from recipebook.recipe.layers import find_recipe, read_layers
from recipebook.recipe.merging import replace_section
from recipebook.recipe.places import Document
from recipebook.recipe.resolve import Resolved, join_layers, merge_layers
from recipebook.recipe.stages import join_stage

SECTION = "eval"


def resolve_evaluated(
    kept: Path,
    source: str,
    profile: str | None,
    trained_with: Sequence[str],
    overrides: Sequence[str],
    stage: str | None = None,
) -> Resolved:
    """The recipe in the file `kept`, its `eval` section from the recipe `source` (a name or a file), and `overrides`.

    `profile` and the overrides `trained_with` apply to the section as they did at the training; `stage` names the one
    whose section it is.
    """
    layers = read_layers(str(kept), None, overrides, PROJECT)
    if now := _read_now(source, profile, trained_with, stage):
        replace_section(layers.recipe, SECTION, now)
    return merge_layers(layers)


def _read_now(source: str, profile: str | None, trained_with: Sequence[str], stage: str | None) -> Document | None:
    """The recipe as it is written now; None where it, its profile or the stage is gone."""
    if not _is_there(source) or (profile and describe_missing(PROFILE, profile)):
        return None
    layers = read_layers(source, profile, trained_with, PROJECT)
    return join_stage(layers, stage) if stage else join_layers(layers)


def _is_there(source: str) -> bool:
    try:
        return bool(find_recipe(source))
    except UserError:
        return False
