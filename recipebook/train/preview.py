"""A run's folder in; what training would make of its rows, printed, and a refusal where it could not begin.

tokens    of 1600 train rows: 50 %: 31, 90 %: 40, 95 %: 43, 99 %: 50, longest 61; sequence_len 128
          0 rows are longer
loss on   38% of the tokens; 0 rows without any, dropped
text      1600 of 1600 rows pass: evaluation asks as training writes, answers are whole and end
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from recipebook.errors import UserError
from recipebook.launch.command import build_environment
from recipebook.launch.process import POLL_SECONDS
from recipebook.progress import ProgressLine
from recipebook.recipe.keys import Recipe
from recipebook.run.progress_file import last_error, read_progress
from recipebook.terminal import print_field, print_painted
from recipebook.train.chat_template import MISSING, format_missing_template

PERCENTILES = (50, 90, 95, 99)


def run_preview(folder: Path, recipe: Recipe) -> dict[str, Any] | str:
    """The result of trainer/preview.py, which runs in a separate process, or why it failed."""
    out = folder / "preview.json"
    command = [sys.executable, "-m", "trainer.preview", "axolotl.yaml", out.name]
    environment = os.environ | build_environment(recipe)
    line = ProgressLine("tokens")
    with (folder / "preview.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                line.follow(read_progress(folder))
                time.sleep(POLL_SECONDS)
        finally:
            process.kill()
            process.wait()
            line.clear()
    return dict(json.loads(out.read_bytes())) if process.returncode == 0 else last_error(folder / "preview.log")


def print_preview(found: dict[str, Any] | str, recipe: Recipe) -> None:
    """Print the preview; raises if training could not begin. A service that trains has a tokenizer of its own."""
    if isinstance(found, str):
        if not recipe.remote:
            raise UserError(format_missing_template(recipe) if MISSING in found else f"{recipe.model.base}: {found}")
        print_field("tokens", f"cannot be shown: {found}")
        return
    if found["lengths"]:
        _print_tokens(found, recipe)
        _print_findings(found)
    if not recipe.remote and (reason := find_refusal(found, recipe)):
        raise UserError(reason)


def find_refusal(found: dict[str, Any], recipe: Recipe) -> str | None:
    """Why training would fail or learn nothing: the first row at fault, the fault, and how many rows have it."""
    training, findings = recipe.training, found["findings"]
    broken = [one for one in findings if one["kind"] == "broken"]
    total = len(found["lengths"]) + sum(one["count"] for one in broken)
    if broken:
        return f"{broken[0]['first']}: {broken[0]['text']} ({broken[0]['count']} of {total} train rows)"
    long = [length for length in found["lengths"] if length > training.max_length]
    if long and (training.too_long == "raise" or (training.too_long == "drop" and len(long) == total)):
        most = f"{long[0]} tokens, and training.max_length is {training.max_length}"
        fate = f"{len(long)} of {total} train rows are longer, the longest has {max(long)}"
        return f"{found['first_long']}: {most}: {fate} (training.too_long: {training.too_long})"
    if not sum(_list_kept(found, recipe)):
        return f"{found['first']}: no token carries loss ({total} of {total} train rows)"
    faults = [one for one in findings if not one["note"]]
    if faults and not found["passed"]:
        worst = max(faults, key=lambda one: int(one["count"]))
        return f"{worst['first']}: {worst['text']} ({worst['count']} of {total} train rows, and none passes)"
    return None


def _print_tokens(found: dict[str, Any], recipe: Recipe) -> None:
    lengths, training = found["lengths"], recipe.training
    limit = training.max_length
    cuts = statistics.quantiles(lengths, n=100, method="inclusive") if len(lengths) > 1 else lengths * 99
    quantiles = ", ".join(f"{percent} %: {cuts[percent - 1]:.0f}" for percent in PERCENTILES)
    print_field("tokens", f"of {len(lengths)} train rows: {quantiles}, longest {max(lengths)}; sequence_len {limit}")
    print_field("", _format_long(sum(length > limit for length in lengths), training.too_long))
    kept = _list_kept(found, recipe)
    tokens = sum(min(length, limit) if training.too_long == "truncate" else length for length in lengths)
    blank = sum(count == 0 for count in kept)
    print_field("loss on", f"{sum(kept) / tokens:.0%} of the tokens; {blank} rows without any, dropped")
    for number, pieces in enumerate(found["examples"], 1):
        print_painted(f"row {number}     ", pieces)


def _list_kept(found: dict[str, Any], recipe: Recipe) -> list[int]:
    """The tokens with loss of each row that is not too long to be trained on."""
    training = recipe.training
    dropped = training.max_length if training.too_long == "drop" else float("inf")
    return [count for length, count in zip(found["lengths"], found["trained"], strict=True) if length <= dropped]


def _print_findings(found: dict[str, Any]) -> None:
    total = len(found["lengths"])
    what = "evaluation asks as training writes, answers are whole and end"
    print_field("text", f"{found['passed']} of {total} rows pass: {what}")
    for one in found["findings"]:
        if one["kind"] != "broken":
            print_field("", f"{one['count']} of {total} rows: {one['text']} (first: {one['first']})")


def _format_long(count: int, too_long: str) -> str:
    fate = {"raise": "training would stop at them", "truncate": "they would be cut", "drop": "they would be dropped"}
    return f"{count} rows are longer" + (f": {fate[too_long]} (training.too_long)" if count else "")
