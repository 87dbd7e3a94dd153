"""A run and a folder of weights in; nothing out, or the reason why the weights or the base are not the run's own.

    runs/robot-lora-20261121-093000/model: these are not the weights that the run saved (digest 5d0c…, it was 77c0…),
    but those of runs/robot-lora-20261120-141503

Any adapter can be put on any base of the same shapes. What the manifest and `axolotl.yaml` have recorded at the
training tells them apart.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recipebook.errors import UserError
from recipebook.project import shown
from recipebook.recipe.base_model import STAND_INS, find_base, find_stand_in, read_origin
from recipebook.recipe.keys import Recipe
from recipebook.run import rundir
from recipebook.run.adapter_files import AdapterFiles, read_adapter
from recipebook.run.adapter_names import CONFIG, SCALES
from recipebook.run.manifest import Manifest
from recipebook.run.provenance import digest_base, sample_base
from recipebook.run.resolved import read_settings
from recipebook.run.rundir import Run
from recipebook.run.weights import check_weights, read_tensors

DIGEST_CHARS = 12
# The share of an adapter in a base that it was merged into is 1. In its own base a trained one's is about 0, but chance
# makes it anything where an adapter is small: the share explains that a base is another, and does not prove it.
NEAR_ONE = 0.25


def check_own(run: Run, manifest: Manifest, recipe: Recipe, weights: Path) -> None:
    """Refuse weights in the folder `weights` that are not the run's own, and a base that it was not trained on.

    Checkpoints have no digest, and whole models would take long to read for it.
    """
    files = read_adapter(weights) if (weights / CONFIG).is_file() else None
    if fault := _find_other_base(manifest, recipe, files):
        raise UserError(f"{shown(run.folder)}: {fault}")
    if files is None:
        return
    if weights == run.folder / "model" and (fault := find_other_weights(manifest, weights)):
        raise UserError(f"{shown(weights)}: {fault}")
    if fault := next(_find_other_scales(files.config, read_settings(run.folder)), None):
        raise UserError(f"{shown(weights / CONFIG)}: {fault}")


def find_other_weights(manifest: Manifest, weights: Path) -> str | None:
    """Why weights are not those that the run saved; None where they are, or where it has no digest of them."""
    known: str | None = (manifest.weights or {}).get("digest")
    found = check_weights(weights, None)["digest"]
    if known is None or known == found:
        return None
    digests = f"digest {found[:DIGEST_CHARS]}, it was {known[:DIGEST_CHARS]}"
    return f"these are not the weights that the run saved ({digests}){_name_owner(found)}"


def measure_share(files: AdapterFiles, base: Path) -> float:
    """How much of an adapter a base's weights contain: Σ <W, BA> / Σ <BA, BA> over the modules, without a scale."""
    of_weights, of_itself = 0.0, 0.0
    for name, weight in read_tensors(base):
        a, b = files.pairs.get(name.removesuffix(".weight"), (None, None))
        if a is not None and b is not None and weight.shape == (len(b), a.shape[-1]):
            a, b = a.double(), b.double()
            of_weights += float(((b.T @ weight.double()) * a).sum())
            of_itself += float(((b.T @ b) * (a @ a.T)).sum())
    return of_weights / of_itself if of_itself else 0.0


def _find_other_base(manifest: Manifest, recipe: Recipe, files: AdapterFiles | None) -> str | None:
    base, name = find_base(recipe), recipe.model.base
    if isinstance(base, Path) and not base.is_dir():
        stand_in = find_stand_in(name)
        return f"its base {name} is gone" + (f": make {STAND_INS[stand_in].goal} puts it there" if stand_in else "")
    hashes = (("base", digest_base(recipe)), ("base_weights", sample_base(recipe)))
    differing = [(now, then) for key, now in hashes if (then := manifest.hashes.get(key)) not in (None, now)]
    if not differing:
        return None
    before, after = manifest.base_origin, read_origin(name)
    origin = (
        f": its weights were those of {before or name}, and are now those of {after or name}" if before != after else ""
    )
    fault = f"the base {name} is not the one that it was trained on{origin}"
    scale = _find_scale(files.config) if files else None
    if files and scale and isinstance(base, Path) and abs(measure_share(files, base) / scale - 1) < NEAR_ONE:
        return f"{fault}: it contains the adapter already, which would be added twice"
    found, known = (str(one)[:DIGEST_CHARS] for one in differing[0])
    return f"{fault} (hash {found}, it was {known}); put that one back, or train again"


def _find_scale(config: Mapping[str, Any]) -> float | None:
    """PEFT's factor of B·A; None where each module has its own."""
    if config.get("alpha_pattern") or config.get("rank_pattern") or not config.get("r"):
        return None
    rank = float(config["r"])
    return float(config.get("lora_alpha", 0)) / (math.sqrt(rank) if config.get("use_rslora") else rank)


def _name_owner(digest: str) -> str:
    """The run that saved the weights, in words; empty where none is known."""
    for run, manifest in rundir.list_readable():
        for work in (manifest, *manifest.pipeline):
            if (work.weights or {}).get("digest") == digest:
                return f", but those of {shown(run.folder)}"
    return ""


def _find_other_scales(config: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    # An adapter that was trained further keeps the scale of its first training.
    if "lora_model_dir" in settings or settings.get("lora_alpha") is None:
        return
    for name, key, default in SCALES:
        found, wanted = config.get(name, default), settings.get(key)
        wanted = default if wanted is None else wanted
        if found != wanted:
            yield f"{name} is {found}, and the run was trained with {wanted}: B·A would act with another scale"
