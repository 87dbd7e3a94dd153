"""A trained, evaluated run in; the folder of files that is published of it, `publish/` in the run's folder, out.

    README.md  adapter_config.json  adapter_model.safetensors  tokenizer.json  recipe.yaml  constraints.txt
    croissant.json  publication.json  evaluation/{summary.json, figures.json, rows.jsonl}

`publication.json` has the SHA-256 of every other file. No file has a path of this machine. Of a run with stages it is
the last model with its evaluation under the recipe's own section, and `recipe.yaml` has every stage as it ran.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from eval.comparing.evaluations import read_summary
from eval.scoring.summary import Summary
from recipebook.building import building
from recipebook.errors import UserError
from recipebook.files import copy_file, write_text
from recipebook.libraries import prepare_libraries
from recipebook.project import INSTALLATION, RUNS, shown
from recipebook.recipe.keys import Recipe
from recipebook.recipe.resolve import resolve
from recipebook.run.adapter_names import CONFIG, WEIGHTS
from recipebook.run.begun import read_config
from recipebook.run.manifest import Manifest
from recipebook.run.model_run import find_model_run
from recipebook.run.rundir import Run
from recipebook.run.stage_run import StageRun, list_trained
from release.card import render_card
from release.collected_rows import collect_rows, describe_rows
from release.croissant import describe_data
from release.privacy import leave_machine_out, refuse_private
from release.published_rows import FIGURES, ROWS, SUMMARY, PublishedFigures, PublishedRow
from release.signing import sign_folder
from release.stage_recipe import format_stages
from release.verify import list_differences

FOLDER, INDEX, CARD, RECIPE, LOCK = "publish", "publication.json", "README.md", "recipe.yaml", "constraints.txt"
TOKENIZER = (
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "chat_template.jinja",
)
ANSWERS = "evaluation/predictions.jsonl"


class Publication(NamedTuple):
    """The folder, its files' sizes by name, its card, and what of its rows is in it."""

    folder: Path
    files: dict[str, int]
    card: str
    rows: str


def find_published(query: str, runs: Path = RUNS) -> Run:
    """The run that is published under a name; of a run with stages, its last model alone."""
    found = find_model_run(query, runs)
    if not isinstance(found, StageRun):
        return found
    last = list_trained(found.top, found.top.read())[-1]
    if found.name != last.name:
        raise UserError(
            f"{shown(found.folder)} is not the run's last model, which alone is pushed: RUN={found.top.name}"
        )
    return found.top


def publish_folder(
    run: Run, name: str, *, licence: str | None = None, texts: bool = False, key: Path | None = None
) -> Publication:
    """Write the files that are published of a run as `name`; `texts` adds prompts and answers, `key` signs all."""
    manifest = run.read()
    _refuse_unfit(run, manifest)
    summary = read_summary(run)
    recipe = resolve(str(run.folder / "resolved.yaml"), None).recipe
    with building(FOLDER, run.folder) as new:
        (new / "evaluation").mkdir()
        _copy_model(run.folder / "model", new, recipe)
        copy_file(INSTALLATION / LOCK, new / LOCK)
        if manifest.pipeline:
            write_text(new / RECIPE, leave_machine_out(format_stages(run, manifest)))
        else:
            _copy_text(run.folder / "resolved.yaml", new / RECIPE)
        _copy_text(run.folder / "eval" / "summary.json", new / SUMMARY)
        rows, figures = _write_rows(run, summary, new)
        if texts:
            _copy_text(run.folder / "eval" / "predictions.jsonl", new / ANSWERS)
        write_text(new / "croissant.json", json.dumps(describe_data(manifest, licence), indent=1) + "\n")
        commit = find_commit(recipe)
        adapter_hash = _digest(new / WEIGHTS)
        card = render_card(
            manifest, recipe, summary, name=name, licence=licence, commit=commit, adapter_hash=adapter_hash
        )
        write_text(new / CARD, leave_machine_out(card))
        write_text(new / INDEX, json.dumps(_index(new, manifest, commit), indent=1) + "\n")
        refuse_private(new)
        if key:
            sign_folder(new, key)
        shutil.rmtree(run.folder / FOLDER, ignore_errors=True)
        shutil.copytree(new, run.folder / FOLDER)
    folder = run.folder / FOLDER
    files = {path.relative_to(folder).as_posix(): path.stat().st_size for path in _list_files(folder)}
    held = describe_rows(rows, figures.slices) if not texts else f"{len(rows)} rows with prompts and answers"
    return Publication(folder, files, (folder / CARD).read_text(encoding="utf-8"), held)


def find_commit(recipe: Recipe) -> str | None:
    """The commit of a base on the hub, as this machine's cache has it; None for a folder, or where it is not cached."""
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    hub = Path(os.environ.get("HF_HUB_CACHE", home / "hub"))
    name = f"models--{recipe.model.base.replace('/', '--')}"
    reference = hub / name / "refs" / (recipe.model.revision or "main")
    return reference.read_text().strip() if reference.is_file() else recipe.model.revision


def _refuse_unfit(run: Run, manifest: Manifest) -> None:
    where = shown(run.folder)
    if manifest.status != "trained":
        raise UserError(f"{where} is {manifest.status}, not trained")
    if manifest.pipeline and list_trained(run, manifest)[-1].start:
        raise UserError(
            f"{where}: the last stage's adapter sits on the model of an earlier stage, which nobody has who loads it; "
            f"make merge RUN={run.name} OUT=folder makes a whole model"
        )
    if not (run.folder / "model" / WEIGHTS).is_file():
        raise UserError(f"{where} has no {WEIGHTS}: only adapters are pushed")
    _refuse_other_weights(run, manifest)
    if not (run.folder / "eval" / "summary.json").is_file():
        raise UserError(f"{where} is not evaluated, and a card without figures says nothing: make eval RUN={run.name}")


def _refuse_other_weights(run: Run, manifest: Manifest) -> None:
    """Refuse files that are broken or another run's: the card has the figures of this run's weights."""
    prepare_libraries()
    # Here and not above: a wrong name should not wait for torch.
    from recipebook.run.adapter_files import read_adapter
    from recipebook.run.own_weights import find_other_weights

    weights = read_adapter(run.folder / "model").folder
    if fault := find_other_weights(manifest, weights):
        raise UserError(f"{shown(weights)}: {fault}")


def _write_rows(run: Run, summary: Summary, new: Path) -> tuple[list[PublishedRow], PublishedFigures]:
    """The rows, and what their figures mean; refused where they are not those of which the summary was made."""
    rows, figures = collect_rows(run, summary)
    if list_differences(rows, figures, summary):
        raise UserError(
            f"{shown(run.folder)}: another version of this code computed its figures, and its answers give others "
            f"today: make eval RUN={run.name}"
        )
    write_text(new / ROWS, "".join(f"{row.model_dump_json()}\n" for row in rows))
    write_text(new / FIGURES, figures.model_dump_json(indent=1) + "\n")
    return rows, figures


def _copy_model(model: Path, new: Path, recipe: Recipe) -> None:
    copy_file(model / WEIGHTS, new / WEIGHTS)
    config = read_config(model)
    write_text(new / CONFIG, json.dumps({**config, "base_model_name_or_path": recipe.model.base}, indent=2) + "\n")
    for pattern in TOKENIZER:
        for path in sorted(model.glob(pattern)):
            copy_file(path, new / path.name)


def _copy_text(source: Path, target: Path) -> None:
    write_text(target, leave_machine_out(source.read_text(encoding="utf-8")))


def _index(folder: Path, manifest: Manifest, commit: str | None) -> Mapping[str, Any]:
    return {
        "run": manifest.run,
        "recipe": manifest.recipe,
        "identity": manifest.identity,
        "weights": (manifest.weights or {}).get("digest"),
        "base": {"name": manifest.base, "commit": commit, "hash": manifest.hashes.get("base")},
        "versions": manifest.versions,
        "rows": {"counts": manifest.rows, "hash": manifest.hashes.get("rows")},
        "lineage": [one.model_dump(exclude={"folder"}) for one in manifest.lineage],
        "files": {path.relative_to(folder).as_posix(): _digest(path) for path in _list_files(folder)},
    }


def _list_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
