"""A run's folder in; what training would make of its rows out, and the same as lines of the plan.

tokens    of 1600 train rows: 50 %: 31, 90 %: 40, 95 %: 43, 99 %: 50, longest 61; sequence_len 128
          0 rows are longer
loss on   38% of the tokens; 0 rows without any, dropped
text      1600 of 1600 rows pass: evaluation asks as training writes, answers are whole and end
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

from recipebook.frozen import Frozen
from recipebook.launch.command import build_environment
from recipebook.launch.process import POLL_SECONDS, list_inherited
from recipebook.progress import ProgressLine
from recipebook.recipe.keys import Recipe
from recipebook.run.progress_file import last_error, read_progress
from recipebook.terminal import print_field, print_painted
from recipebook.train.kinds import LEARNS_FROM

PERCENTILES = (50, 90, 95, 99)
# Under these, Axolotl's own checks have nothing to say of a recipe without an `axolotl` section.
USUAL_OPTIMIZERS = ("adamw_torch", "adamw_torch_fused", "adamw_bnb_8bit", "sgd")


class TextFault(Frozen):
    """What is wrong with the text of some rows, how many, and the first of them; a note is no fault."""

    kind: str
    text: str
    note: bool
    count: int
    first: str


class PartPreview(Frozen):
    """What is seen of the rows of one part, as trainer/preview.py says."""

    rows: int
    lengths: tuple[int, ...]
    trained: tuple[int, ...]
    others: tuple[int, ...] = ()
    passed: int
    examples: tuple[tuple[tuple[str, bool], ...], ...] = ()
    first: str | None = None
    first_long: str | None = None
    findings: tuple[TextFault, ...] = ()

    @property
    def broken(self) -> tuple[TextFault, ...]:
        """Why some rows cannot be written as text at all."""
        return tuple(one for one in self.findings if one.kind == "broken")

    @property
    def looked_at(self) -> int:
        """How many rows were looked at."""
        return len(self.lengths) + len(self.others) + sum(one.count for one in self.broken)

    def list_kept(self, recipe: Recipe) -> list[int]:
        """The tokens with loss of each of the first rows that is not too long to be trained on."""
        dropped = recipe.training.max_length if recipe.training.too_long == "drop" else float("inf")
        return [count for length, count in zip(self.lengths, self.trained, strict=True) if length <= dropped]


class Unseen(NamedTuple):
    """Why there is no preview; `certain` where a base or a configuration is at fault, and not the look itself."""

    text: str
    certain: bool


Preview = dict[str, PartPreview]
_PREVIEW: TypeAdapter[Preview] = TypeAdapter(Preview)


class Previewed(NamedTuple):
    """A recipe whose rows are to be looked at, and the folder in which the trainer's input lies."""

    folder: Path
    recipe: Recipe


def run_previews(wanted: Sequence[Previewed]) -> list[Preview | Unseen]:
    """What trainer/preview.py sees in several folders, or why it cannot."""
    if not wanted:
        return []
    with previewing(wanted) as wait:
        return wait()


@contextmanager
def previewing(wanted: Sequence[Previewed]) -> Iterator[Callable[[], list[Preview | Unseen]]]:
    """Run trainer/preview.py in a separate process; inside, the function that waits for what it sees in each folder.

    The recipes share their environment, and what they need of the engine.
    """
    first = wanted[0]
    whole = ["--whole"] if needs_whole_engine(first.recipe) else []
    command = [sys.executable, "-m", "trainer.preview", *whole, *(str(one.folder.resolve()) for one in wanted)]
    with (first.folder / "preview.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=first.folder,
            env=list_inherited() | build_environment(first.recipe),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield lambda: _wait(process, wanted)
        finally:
            process.kill()
            process.wait()


def needs_whole_engine(recipe: Recipe) -> bool:
    """Whether Axolotl must complete and check the configuration, which takes some ten seconds of a processor."""
    training, quantized = recipe.training, recipe.lora and recipe.lora.quantize
    usual = training.method in LEARNS_FROM and training.optimizer in USUAL_OPTIMIZERS
    return bool(recipe.axolotl or quantized) or not usual


def print_preview(part: PartPreview, recipe: Recipe) -> None:
    """Print what is seen of the rows of train."""
    if not part.lengths:
        return
    lengths, training = part.lengths, recipe.training
    limit = training.max_length
    cuts = statistics.quantiles(lengths, n=100, method="inclusive") if len(lengths) > 1 else lengths * 99
    quantiles = ", ".join(f"{percent} %: {cuts[percent - 1]:.0f}" for percent in PERCENTILES)
    some = f"the first {len(lengths)} of {part.rows}" if len(lengths) < part.rows and part.others else len(lengths)
    print_field("tokens", f"of {some} train rows: {quantiles}, longest {max(lengths)}; sequence_len {limit}")
    print_field("", _format_long([*lengths, *part.others], recipe))
    kept = part.list_kept(recipe)
    tokens = sum(min(length, limit) if training.too_long == "truncate" else length for length in lengths)
    blank = sum(count == 0 for count in kept)
    print_field("loss on", f"{sum(kept) / tokens:.0%} of the tokens; {blank} rows without any, dropped")
    for number, pieces in enumerate(part.examples, 1):
        print_painted(f"row {number}     ", pieces)
    _print_findings(part)


def _wait(process: subprocess.Popen[bytes], wanted: Sequence[Previewed]) -> list[Preview | Unseen]:
    first, line = wanted[0].folder, ProgressLine("tokens")
    try:
        while process.poll() is None:
            line.follow(read_progress(first))
            time.sleep(POLL_SECONDS)
    finally:
        line.clear()
    return [_read(one.folder, first / "preview.log") for one in wanted]


def _read(folder: Path, log: Path) -> Preview | Unseen:
    """The preview of one folder; why there is none, as the process wrote it there or, where it broke, into its log."""
    try:
        return _PREVIEW.validate_json((folder / "preview.json").read_bytes())
    except (FileNotFoundError, ValueError):
        fault = folder / "preview.txt"
        text = fault.read_text(encoding="utf-8") if fault.is_file() else ""
        return Unseen(text, True) if text else Unseen(last_error(log), False)


def _print_findings(part: PartPreview) -> None:
    total = len(part.lengths) + len(part.others)
    what = "evaluation asks as training writes, answers are whole and end"
    print_field("text", f"{part.passed} of {total} rows pass: {what}")
    for one in part.findings:
        if one.kind != "broken":
            print_field("", f"{one.count} of {total} rows: {one.text} (first: {one.first})")


def _format_long(lengths: Iterable[int], recipe: Recipe) -> str:
    count = sum(length > recipe.training.max_length for length in lengths)
    fate = {"raise": "training would stop at them", "truncate": "they would be cut", "drop": "they would be dropped"}
    return f"{count} rows are longer" + (f": {fate[recipe.training.too_long]} (training.too_long)" if count else "")
