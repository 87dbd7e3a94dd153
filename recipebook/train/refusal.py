"""Rows and a recipe in; nothing out, or why training would fail on them or learn nothing, before the engine is started.

    samples/chats.jsonl#12: 812 tokens, and training.max_length is 512: 3 of 1600 train rows are longer, the longest
    has 940 (training.max_length=940 takes them all)

`make plan` and `make train` ask the same. What was found is kept in `.cache/fit`, under the hash of what decides it.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from recipebook import project
from recipebook.building import building
from recipebook.data.dataset import Dataset
from recipebook.errors import UserError
from recipebook.files import digest, digest_file, write_text
from recipebook.launch.command import build_environment
from recipebook.recipe.batches import divide_batch
from recipebook.recipe.keys import Recipe
from recipebook.run import provenance
from recipebook.run.progress_file import REFUSED
from recipebook.shell.address import require_episodes
from recipebook.train.chat_template import MISSING, format_missing_template
from recipebook.train.opening import write_files
from recipebook.train.preview import PartPreview, Preview, Previewed, Unseen, needs_whole_engine, run_previews
from recipebook.train.steps import find_idle_step

# What of a recipe decides how its rows are written; the whole engine also checks the rest.
SEEN: dict[str, Any] = {"model": True, "training": {"method", "max_length", "too_long", "train_on", "span_weights"}}
# What decides how many packed rows a step takes.
PACKED: dict[str, Any] = {
    "training": {"batch_size", "gradient_accumulation", "global_batch"},
    "launch": {"processes", "machines"},
}
# Axolotl packs no more than this number of rows into one.
MOST_PACKED = 200
CHECKED = {"model", "training", "lora", "preference", "rl", "launch", "axolotl"}


class Candidate(NamedTuple):
    """Rows that a recipe is to be trained on."""

    recipe: Recipe
    dataset: Dataset


def refuse_unfit(recipe: Recipe, dataset: Dataset) -> None:
    """Raise where training would fail on these rows; a service that trains has a tokenizer of its own."""
    if recipe.training.method == "grpo":
        # The first episode may come hours later, after a warm start.
        require_episodes(recipe.rl.base)
    if reason := find_reasons([Candidate(recipe, dataset)])[0]:
        raise UserError(reason)


def refuse_idle_step(recipe: Recipe, dataset: Dataset) -> None:
    """Raise where the one step of a training would change nothing."""
    if reason := find_idle_step(recipe, dataset.rows["train"]):
        raise UserError(reason)


def find_reasons(candidates: Sequence[Candidate]) -> list[str | None]:
    """Why training would fail, for each; those that are not known yet are looked at in one process."""
    keys = ["" if one.recipe.remote else _name(one) for one in candidates]
    idle = [find_idle_step(one.recipe, one.dataset.rows["train"]) for one in candidates]
    known = {"": None, **{key: found.reason for key in keys if (found := _recall(key))}}
    unknown = {key: one for key, one in zip(keys, candidates, strict=True) if key not in known}
    groups: dict[str, dict[str, Candidate]] = {}
    for key, one in unknown.items():
        # The whole engine keeps what it knows of a configuration, so that each has a process of its own.
        own = key if needs_whole_engine(one.recipe) else ""
        groups.setdefault(json.dumps([own, build_environment(one.recipe)]), {})[key] = one
    for group in groups.values():
        try:
            known |= _look(group)
        except OSError:
            # A full disk, most often: the training itself says so.
            known |= dict.fromkeys(group)
    return [reason or known[key] for reason, key in zip(idle, keys, strict=True)]


def keep_reason(candidate: Candidate, reason: str | None) -> None:
    """Note what a look at the rows came to."""
    folder = project.CACHE / "fit"
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / _name(candidate), json.dumps({"reason": reason}))


def find_refusal(found: Preview | Unseen, recipe: Recipe) -> str | None:
    """Why training would fail or learn nothing: the first row at fault, the fault, and how many rows have it."""
    if isinstance(found, Unseen):
        if found.text.startswith(REFUSED):
            return found.text
        return format_missing_template(recipe) if MISSING in found.text else f"{recipe.model.base}: {found.text}"
    reasons = (_find_fault(part, name, recipe) for name, part in found.items())
    return next((reason for reason in reasons if reason), None) or _find_nothing_learned(found["train"], recipe)


def _find_fault(part: PartPreview, name: str, recipe: Recipe) -> str | None:
    """A row on which the engine would stop."""
    training, total = recipe.training, part.looked_at
    if part.broken:
        worst = part.broken[0]
        return f"{worst.first}: {worst.text} ({worst.count} of {total} {name} rows)"
    lengths = [*part.lengths, *part.others]
    long = [length for length in lengths if length > training.max_length]
    # Without any row of validation the engine trains, and evaluates nothing meanwhile.
    none_left = training.too_long == "drop" and len(long) == total and name == "train"
    if long and (training.too_long == "raise" or none_left):
        most = f"{long[0]} tokens, and training.max_length is {training.max_length}"
        fate = f"{len(long)} of {total} {name} rows are longer, the longest has {max(long)}"
        return f"{part.first_long}: {most}: {fate} (training.max_length={max(long)} takes them all)"
    return None


def _find_nothing_learned(part: PartPreview, recipe: Recipe) -> str | None:
    total = part.looked_at
    if not sum(part.list_kept(recipe)):
        return f"{part.first}: no token carries loss ({total} of {total} train rows)"
    faults = [one for one in part.findings if not one.note]
    if faults and not part.passed:
        worst = max(faults, key=lambda one: one.count)
        return f"{worst.first}: {worst.text} ({worst.count} of {total} train rows, and none passes)"
    return _find_no_step(part, recipe) if recipe.training.packing is True else None


def _find_no_step(part: PartPreview, recipe: Recipe) -> str | None:
    """Why packing leaves too few rows for one step; Axolotl leaves out a last batch that is not full."""
    limit = recipe.training.max_length
    taken = divide_batch(recipe.training, recipe.launch.ranks).rows
    lengths = [length for length in part.lengths if length <= limit or recipe.training.too_long == "truncate"]
    # Other kinds of attention take the rows of a step as one long row, which is always full.
    attends = any("attn" in key or "attention" in key for key in recipe.axolotl)
    if attends or part.rows > min(len(part.lengths), MOST_PACKED):
        return None
    packed = _pack([min(length, limit) for length in lengths], limit)
    if packed >= taken:
        return None
    return (
        f"{part.first}: packing makes {packed} of {part.rows} train rows, and {taken} are taken at a time: no step "
        "would be made (training.packing=false, or training.batch_size=1)"
    )


def _pack(lengths: Sequence[int], limit: int) -> int:
    """The number of packed rows: the longest first, each into the first that has room, as Axolotl packs."""
    rooms: list[int] = []
    for length in sorted(lengths, reverse=True):
        place = next((at for at, room in enumerate(rooms) if room >= length), None)
        if place is None:
            rooms.append(limit - length)
        else:
            rooms[place] -= length
    return len(rooms)


def _look(candidates: Mapping[str, Candidate]) -> dict[str, str | None]:
    """Look at the rows of some candidates, each of which goes by its name."""
    reasons: dict[str, str | None] = {}
    with ExitStack() as stack:
        wanted = []
        for recipe, dataset in candidates.values():
            folder = stack.enter_context(building("plan", project.CACHE))
            write_files(folder, recipe, dataset)
            wanted.append(Previewed(folder, recipe))
        for (key, one), found in zip(candidates.items(), run_previews(wanted), strict=True):
            # Where the look itself broke, nothing is known: the training may begin.
            broke = isinstance(found, Unseen) and not found.certain
            reasons[key] = None if broke else find_refusal(found, one.recipe)
            if not isinstance(found, Unseen):
                keep_reason(one, reasons[key])
    return reasons


class _Kept(NamedTuple):
    reason: str | None


def _recall(key: str) -> _Kept | None:
    try:
        return _Kept(json.loads((project.CACHE / "fit" / key).read_bytes())["reason"])
    except (OSError, ValueError, KeyError):
        return None


def _name(candidate: Candidate) -> str:
    """The hash of all that decides what is found: rows, base, template, settings, versions, and code."""
    recipe, dataset = candidate
    whole = needs_whole_engine(recipe)
    settings = recipe.model_dump_json(include=CHECKED) if whole else recipe.model_dump_json(include=SEEN)
    packed = recipe.model_dump_json(include=PACKED) if recipe.training.packing is True else ""
    versions = json.dumps(provenance.package_versions())
    base, template = provenance.digest_base(recipe), provenance.digest_chat_template(recipe)
    return digest(dataset.rows_digest, base, template, settings, packed, versions, _digest_code())


@functools.cache
def _digest_code() -> str:
    modules = sorted((project.INSTALLATION / "trainer").glob("*.py"))
    own = [Path(__file__), project.INSTALLATION / "recipebook" / "text" / "chat.py", *modules]
    return digest(*(digest_file(path) for path in own))
