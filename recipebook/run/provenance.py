"""Where a run comes from: commit, versions, hashes, and the identity by which the same work is recognised."""

import json
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from recipebook.files import digest
from recipebook.modules import CHAT_TEMPLATE, find
from recipebook.project import INSTALLATION, PROJECT
from recipebook.recipe.base_model import find_base
from recipebook.recipe.keys import Recipe
from recipebook.recipe.section import Section
from recipebook.run.speed import leave_speed_out

PACKAGES = ("axolotl", "torch", "transformers", "peft", "trl", "accelerate", "deepspeed", "datasets", "recipebook")
SAMPLE_BYTES = 1 << 20
# Of each file of weights, this many blocks in even steps.
BLOCKS, BLOCK_BYTES = 512, 1 << 10
CHANGES_SHOWN = 3
# `make results` writes pages after each recipe, and no run depends on any page.
NO_INPUT = ":(exclude)docs"
NOT_TRAINING = {"description", "extends", "profiles", "matrix", "data", "eval", "stages"}
# Inputs of which a hash alone is known.
BY_HASH = {"start", "rows", "base", "chat template", "adapter", "code"}
# What these keys stood at where nothing was said, before they had `auto`: runs of then spell it out, and learned the
# same as they would by `auto`.
BEFORE_AUTO = {"training.packing": "false", "training.gradient_checkpointing": "false", "training.workers": "0"}
WAYS_TO_A_SERVICE = {"url", "key", "poll_seconds", "stagger_seconds"}


@cache
def git_state(project: Path = INSTALLATION) -> dict[str, str | bool | None]:
    """The commit and whether tracked files that a run may depend on differ from it; None outside a checkout."""
    head = _git(project, "rev-parse", "HEAD")
    status = _git(project, "status", "--porcelain", "-uno", "--", ".", NO_INPUT)
    return {"commit": head, "dirty": None if head is None else bool(status)}


def describe_git(project: Path = PROJECT) -> dict[str, Any]:
    """`git_state` of the installation; under `project` that of the project, where it is a folder of its own.

    A project's untracked files count as differing from its commit: a new recipe is one.
    """
    state: dict[str, Any] = {**git_state()}
    if project == INSTALLATION:
        return state
    head = _git(project, "rev-parse", "HEAD")
    status = _git(project, "status", "--porcelain", "--", ".")
    return {**state, "project": {"commit": head, "dirty": None if head is None else bool(status)}}


@cache
def package_versions() -> dict[str, str]:
    """Versions of the packages that decide the outcome, without importing them."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def digest_base(recipe: Recipe) -> str:
    """A local model by its files' names, sizes, and first and last MiB; a hub model by name and revision."""
    base = find_base(recipe)
    if isinstance(base, str):
        return f"{base}@{recipe.model.revision or 'main'}"
    return digest_model(base)


def digest_model(folder: Path) -> str:
    """Hash a local model as `digest_base` says: reading tens of gigabytes of weights in full would take too long."""
    parts: list[bytes | str] = []
    for file in sorted(path for path in folder.iterdir() if path.is_file() and path.suffix != ".md"):
        size = file.stat().st_size
        with file.open("rb") as stream:
            parts += [file.name, str(size), stream.read(SAMPLE_BYTES)]
            stream.seek(max(SAMPLE_BYTES, size - SAMPLE_BYTES))
            parts.append(stream.read(SAMPLE_BYTES))
    return digest(*parts)


def sample_base(recipe: Recipe) -> str | None:
    """Hash small blocks from all over a local base's weights; None for a hub model.

    The ends of a file, which `digest_base` reads, are embeddings and norms: no adapter that was merged changes them.
    """
    base = find_base(recipe)
    if isinstance(base, str):
        return None
    parts: list[bytes | str] = []
    for file in sorted(base.glob("*.safetensors")):
        size = file.stat().st_size
        with file.open("rb") as stream:
            for at in range(BLOCKS):
                stream.seek(size * at // BLOCKS)
                parts.append(stream.read(BLOCK_BYTES))
    return digest(*parts)


def digest_chat_template(recipe: Recipe) -> str:
    """The chat template file's hash, or the base model's where its tokenizer brings its own."""
    if recipe.model.chat_template == "tokenizer":
        return f"tokenizer of {digest_base(recipe)}"
    return digest(find(CHAT_TEMPLATE, recipe.model.chat_template).read_text(encoding="utf-8"))


def join_inputs(data: Mapping[str, Any], hashes: Mapping[str, Any], versions: Mapping[str, str]) -> dict[str, str]:
    """The inputs of a training from a recipe's data, and from hashes and versions as a manifest has them."""
    # A service trains with versions that we do not know.
    known = {} if data.get("remote") else versions
    return {
        **drop_defaults(leave_speed_out(list_settings(data), list_defaults()[0])),
        "rows": hashes["rows"],
        "base": hashes["base"],
        "chat template": hashes["chat_template"],
        **({"adapter": hashes["adapter"]} if "adapter" in hashes else {}),
        **{f"versions.{package}": number for package, number in known.items()},
    }


def list_settings(data: Mapping[str, Any]) -> dict[str, str]:
    """The settings of a recipe that decide the outcome of a training; the rows are not among them."""
    settings = {key: value for key, value in data.items() if key not in NOT_TRAINING}
    if settings.get("remote"):
        settings["remote"] = {key: value for key, value in data["remote"].items() if key not in WAYS_TO_A_SERVICE}
    # An adapter that is trained further counts by its content, wherever it lies.
    return {key: value for key, value in flatten(settings).items() if not key.startswith("model.adapter")}


def digest_inputs(inputs: Mapping[str, str]) -> str:
    """The identity of a run or stage with these inputs."""
    return digest(json.dumps(inputs, sort_keys=True))


def flatten(value: Any, path: str = "") -> dict[str, str]:
    """`{"lora": {"r": 8}}` to `{"lora.r": "8"}`; lists stay whole."""
    if isinstance(value, dict) and value:
        inner = [flatten(item, f"{path}.{key}" if path else str(key)) for key, item in value.items()]
        return {key: item for part in inner for key, item in part.items()}
    return {path: json.dumps(value, sort_keys=True)}


def drop_defaults(inputs: Mapping[str, str]) -> dict[str, str]:
    """Inputs without the keys at their default; an optional section without other keys keeps its bare name.

    `{"training.epochs": "3", "lora.r": "32", "rows": "5d0c…"}` to `{"lora": "{}", "rows": "5d0c…"}`
    """
    defaults, sections = list_defaults()
    kept = {
        key: value
        for key, value in inputs.items()
        if not _is_default(defaults.get(key), value) and BEFORE_AUTO.get(key) != value
    }
    for section in sections:
        inside = f"{section}."
        if any(key.startswith(inside) for key in inputs) and not any(key.startswith(inside) for key in kept):
            kept[section] = "{}"
    return kept


@cache
def list_defaults() -> tuple[dict[str, str], tuple[str, ...]]:
    """The default of each key of a recipe that has one, as `flatten` writes it; and the sections that may be absent."""
    sections: list[str] = []
    return _list_defaults(Recipe, "", sections), tuple(sections)


def _list_defaults(model: type[BaseModel], path: str, sections: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, field in model.model_fields.items():
        key = f"{path}{name}"
        inner = [kind for kind in (field.annotation, *get_args(field.annotation)) if _is_section(kind)]
        if not field.is_required():
            default = field.get_default(call_default_factory=True)
            found |= flatten(default.model_dump(mode="json") if isinstance(default, BaseModel) else default, key)
        for kind in inner:
            found |= _list_defaults(kind, f"{key}.", sections)
            if field.default is None:
                sections.append(key)
    return found


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def _is_default(default: str | None, value: str) -> bool:
    # 3 and 3.0 are one number, however the recipe wrote it.
    return default is not None and (default == value or bool(json.loads(default) == json.loads(value)))


def format_changes(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """`training.epochs: 4, was 3; lora.r: 8, was 16`"""
    changed = [key for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key)]
    defaults, _ = list_defaults()
    changes = [
        _format_change(key, before.get(key, defaults.get(key)), after.get(key, defaults.get(key)))
        for key in changed[:CHANGES_SHOWN]
    ]
    return "; ".join(changes) + (f"; and {len(changed) - CHANGES_SHOWN} more" if len(changed) > CHANGES_SHOWN else "")


def _format_change(key: str, before: str | None, after: str | None) -> str:
    if key in BY_HASH or key.startswith(("stage ", "file ")):
        return {"start": "the stage that it starts from"}.get(key, key) + " changed"
    return f"{key}: {after or 'not set'}, was {before or 'not set'}"


def _git(project: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(project), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
