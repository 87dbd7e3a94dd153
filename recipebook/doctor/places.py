"""Where a training writes: may it, and is there room?

check_places(recipe)    → [MachineFinding("write", "runs, .cache"), MachineFinding("disk", "212 GiB free in runs")]
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from recipebook import project
from recipebook.doctor.finding import MachineFinding
from recipebook.project import shown
from recipebook.recipe.base_model import find_base
from recipebook.recipe.keys import Recipe
from recipebook.train.shapes import find_shape

GIB = 2**30
# Rows, logs and an adapter's checkpoints.
LEAST_GIB = 5.0
# A weight in a checkpoint of full fine-tuning: itself and its two moments, in 4 bytes each.
CHECKPOINT_BYTES = 12


def check_places(recipe: Recipe | None) -> list[MachineFinding]:
    """Write access, and the free disk of the folders that a training fills."""
    return [_check_write(), *_check_room(recipe)]


def _check_write() -> MachineFinding:
    places = [project.RUNS, project.CACHE, _find_hub_cache()]
    for place in places:
        folder = _find_existing(place)
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            return MachineFinding("write", f"{shown(place)}: {error.strerror}", f"write access to {folder}")
    return MachineFinding("write", ", ".join(map(shown, places)))


def _check_room(recipe: Recipe | None) -> Iterator[MachineFinding]:
    """A line for each disk."""
    needs = {project.RUNS: LEAST_GIB + _measure_checkpoints(recipe), _find_hub_cache(): _measure_base(recipe)}
    disks: dict[int, tuple[Path, float]] = {}
    for place, gib in needs.items():
        folder = _find_existing(place)
        device = folder.stat().st_dev
        first, wanted = disks.get(device, (place, 0.0))
        disks[device] = (first, wanted + gib)
    for place, wanted in disks.values():
        free = shutil.disk_usage(_find_existing(place)).free / GIB
        text = f"{free:.0f} GiB free in {shown(place)}, about {wanted:.0f} needed"
        cure = f"make room, or a link from {shown(place)} to a larger disk" if free < wanted else None
        yield MachineFinding("disk", text, cure)


def _measure_base(recipe: Recipe | None) -> float:
    """GiB of a base that would be downloaded; 0 where it is a folder, or of a shape that is not known."""
    shape = find_shape(recipe.model.base) if recipe and isinstance(find_base(recipe), str) else None
    return 2 * (shape.linear + shape.embeddings) / GIB if shape else 0.0


def _measure_checkpoints(recipe: Recipe | None) -> float:
    """GiB of full fine-tuning's checkpoints, the one that is being written among them; an adapter's are small."""
    shape = find_shape(recipe.model.base) if recipe and recipe.lora is None else None
    if recipe is None or shape is None:
        return 0.0
    return CHECKPOINT_BYTES * (shape.linear + shape.embeddings) * (recipe.training.keep_checkpoints + 1) / GIB


def _find_hub_cache() -> Path:
    home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")


def _find_existing(path: Path) -> Path:
    """The folder itself, or the nearest above it that exists."""
    return next(folder for folder in (path, *path.parents) if folder.exists())
