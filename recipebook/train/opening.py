"""A recipe and this machine to a folder that is ready to be launched: everything of a run but the training."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from recipebook import hardware, project
from recipebook.data.dataset import Dataset
from recipebook.data.marks import has_masked
from recipebook.data.overlap import HELD_OUT
from recipebook.data.units import UNITS
from recipebook.files import copy_file, digest, digest_file, write_text
from recipebook.launch.command import build_command, build_environment
from recipebook.launch.relaunch import describe_launch, read_launch, refuse_half_resume, rewrite_launch
from recipebook.launch.render import Inputs, render_axolotl, render_deepspeed
from recipebook.launch.script import write_launch_files
from recipebook.project import name_path
from recipebook.recipe.base_model import read_origin
from recipebook.recipe.keys import Recipe
from recipebook.recipe.resolve import Resolved
from recipebook.run import provenance
from recipebook.run.adapter_names import CONFIG, WEIGHTS
from recipebook.run.begun import BEGUN, find_begun, list_lineage
from recipebook.run.manifest import Manifest, format_now
from recipebook.run.rundir import Run
from recipebook.train.settle import find_device, settle

# A process tokenises about a thousand rows a second.
ROWS_PER_TOKENIZER = 10_000


@dataclass(frozen=True)
class Beginning:
    """The weights that training starts with, from the run's folder, where they are not the recipe's base alone."""

    base: str | None = None
    adapter: str | None = None


FRESH = Beginning()


def place_rows(folder: Path, dataset: Dataset) -> None:
    """The rows of each part, in `data/`: those of train as a link, the others as the run's own copies.

    A run can be evaluated for as long as it is there; only a training needs the cache.
    """
    (folder / "data").mkdir()
    for part in dataset.rows:
        path = folder / "data" / f"{part}.jsonl"
        if part == "train":
            path.symlink_to(_point(dataset.path(part), folder / "data"))
        else:
            copy_file(dataset.path(part), path)
    if (dataset.folder / UNITS).is_file():
        copy_file(dataset.folder / UNITS, folder / "data" / UNITS)


def write_files(folder: Path, recipe: Recipe, dataset: Dataset, beginning: Beginning | None = None) -> None:
    """Write the trainer's input and what starts it: the rows, `axolotl.yaml`, `launch.sh`, more where it is used.

    Without a `beginning` it is the recipe's: its base, and the adapter in `model.adapter` where that lies.
    """
    if beginning is None:
        begun = find_begun(recipe)
        beginning = Beginning(adapter=_point(begun.folder, folder)) if begun else FRESH
    device = find_device()
    place_rows(folder, dataset)
    inputs = _name_inputs(recipe, dataset, folder, beginning)
    settled = settle(recipe, device).recipe
    write_text(folder / "axolotl.yaml", render_axolotl(settled, inputs, gpu=device.gpu, bf16=device.bf16))
    deepspeed = render_deepspeed(recipe, gpu=device.gpu)
    if deepspeed:
        write_text(folder / "deepspeed.json", deepspeed)
    if recipe.remote is None:
        write_launch_files(folder, recipe, build_environment(recipe))


def open_run(
    run: Run,
    resolved: Resolved,
    overrides: Sequence[str],
    dataset: Dataset,
    identity: str,
    beginning: Beginning | None = None,
) -> Manifest:
    """Fill a new run's folder and write its first manifest; without a `beginning`, the recipe's own."""
    recipe, folder = resolved.recipe, run.folder
    beginning = beginning or _copy_begun(recipe, folder)
    begun = begin_manifest(run, resolved, overrides, identity)
    write_files(folder, recipe, dataset, beginning)
    prepared = describe_prepared(recipe, dataset, build_command(recipe))
    prepared["hashes"]["axolotl.yaml"] = digest_file(folder / "axolotl.yaml")
    return run.write(begun.model_copy(update=prepared))


def _copy_begun(recipe: Recipe, folder: Path) -> Beginning:
    """The adapter of `model.adapter` as the run's own copy: what it names may be gone when the run is evaluated."""
    begun = find_begun(recipe)
    if begun is None:
        return FRESH
    (folder / BEGUN).mkdir()
    for name in (CONFIG, WEIGHTS):
        copy_file(begun.folder / name, folder / BEGUN / name)
    return Beginning(adapter=BEGUN)


def describe_prepared(recipe: Recipe, dataset: Dataset, command: Sequence[str]) -> dict[str, Any]:
    """The fields that a run's manifest, or a stage's entry, gains when it is ready: its data and how it is started."""
    begun = find_begun(recipe)
    return {
        "lineage": list_lineage(begun),
        "hashes": {
            **({"adapter": begun.digest} if begun else {}),
            "sources": dataset.sources,
            "rows": dataset.rows_digest,
            "parts": {str(part): digest_file(dataset.path(part)) for part in HELD_OUT},
            "base": provenance.digest_base(recipe),
            "base_weights": provenance.sample_base(recipe),
            "chat_template": provenance.digest_chat_template(recipe),
        },
        "account": dataset.account.model_dump(mode="json"),
        "rows": {str(part): count for part, count in dataset.rows.items()},
        "command": tuple(command),
        "environment": build_environment(recipe),
        "launch": describe_launch(recipe.launch),
    }


def reopen_run(run: Run, manifest: Manifest, recipe: Recipe, command: Sequence[str] = ()) -> Manifest:
    """The manifest of a run to resume, its command (a training's, if not given) and environment built anew.

    An earlier version of the code may have been started by another command, and the run by other processes.
    """
    if manifest.status == "trained":
        return manifest
    started = {"command": tuple(command or build_command(recipe)), "environment": build_environment(recipe)}
    if command or recipe.remote:
        return manifest.model_copy(update=started)
    hashes = manifest.hashes
    refuse_half_resume(run, recipe.launch)
    # Also where one process takes fewer rows at a time than before, since they did not fit.
    changed = rewrite_launch(run.folder, settle(recipe, find_device()).recipe)
    if changed or read_launch(run.folder) != recipe.launch:
        write_text(run.folder / "resolved.yaml", dump_recipe(recipe))
        hashes = {**hashes, "axolotl.yaml": digest_file(run.folder / "axolotl.yaml")}
    write_launch_files(run.folder, recipe, build_environment(recipe))
    return manifest.model_copy(update={**started, "hashes": hashes, "launch": describe_launch(recipe.launch)})


def begin_manifest(run: Run, resolved: Resolved, overrides: Sequence[str], identity: str) -> Manifest:
    """Copy the recipe into the run's folder; returns a manifest (identity, versions, hardware), not yet written."""
    copy_file(resolved.source, run.folder / "recipe.yaml")
    write_text(run.folder / "resolved.yaml", dump_recipe(resolved.recipe))
    return Manifest(
        run=run.name,
        recipe=resolved.name,
        source=name_path(resolved.source.absolute()),
        status="prepared",
        identity=identity,
        created=format_now(),
        profile=resolved.profile,
        base=resolved.recipe.model.base,
        base_origin=read_origin(resolved.recipe.model.base),
        overrides=tuple(overrides),
        git=provenance.describe_git(),
        versions=provenance.package_versions(),
        hardware=hardware.detect(),
    )


def _name_inputs(recipe: Recipe, dataset: Dataset, folder: Path, beginning: Beginning) -> Inputs:
    """Paths from the folder. Axolotl's key of prepared data ignores the files' content, so the folder's name has it."""
    settings = recipe.model_dump_json(include={"model", "training"})
    key = digest(dataset.rows_digest, provenance.digest_base(recipe), provenance.digest_chat_template(recipe), settings)
    return Inputs(
        train="data/train.jsonl",
        validation="data/validation.jsonl" if dataset.rows["validation"] else None,
        prepared=_point(project.CACHE / "prepared" / key, folder),
        tokenizers=_count_tokenizers(dataset.rows["train"]),
        base=beginning.base,
        adapter=beginning.adapter,
        masked=any(has_masked(dataset.path(part)) for part in dataset.rows if part != "test"),
    )


def _point(path: Path, folder: Path) -> str:
    """From a folder to a path, also where runs/ or .cache is a link to another disk."""
    return os.path.relpath(path.resolve(), folder.resolve())


def _count_tokenizers(rows: int) -> int:
    """Processes that tokenise; 0 is the trainer's own, as each of them imports everything again (some 10 seconds)."""
    return min(hardware.detect().cores, rows // ROWS_PER_TOKENIZER) if rows >= 2 * ROWS_PER_TOKENIZER else 0


def dump_recipe(recipe: Recipe) -> str:
    """The recipe as YAML, defaults included, so that a later version's defaults do not change it."""
    data = recipe.model_dump(mode="json", exclude={"extends", "profiles", "stages"})
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
