"""How Axolotl will see the rows: their lengths, which of their tokens carry loss, and whether evaluation asks the same.

    python -m trainer.preview FOLDER…

writes `preview.json` into each run's folder: for each part of the data, `train` and `validation`, `{"rows", "lengths",
"trained", "others", "passed", "examples": [[["robot", true], …], …], "first", "first_long", "findings"}`: how many rows
there are; of the first ones, tokens a row, and trained tokens a row as they are once long rows are cut; tokens of other
rows that are looked at (trainer/chosen_rows.py); how many rows pass the checks of trainer/checks.py; the first rows in
pieces of text with whether they are trained on; the first row, and the first that is too long; and what is found in
rows that do not pass, or why they cannot be written at all: `{"kind": "broken", "text": "the chat template raises: …",
"count": 12, "first": "x.json#3"}`. Where nothing can be seen, `preview.txt` says why. `progress.json` shows its
progress. Of rows in `templated.jsonl`, the references that evaluation will read are written to `references.json`, and
the tokens of the prompts in `held-out.jsonl` to `lengths.json`.

With `--whole`, Axolotl completes and checks the configuration: for what a recipe sets in its `axolotl` section.
"""

import argparse
import errno
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError
from pydantic import ValidationError

from recipebook.errors import on_one_line
from recipebook.run.progress_file import HELD_OUT, LENGTHS, REFERENCES, REFUSED, TEMPLATED, write_progress
from recipebook.suggestions import shorten
from trainer.checks import NOTE, NOTES
from trainer.chosen_rows import choose_rows, count_rows, list_words
from trainer.light import load_light, load_whole, stand_in
from trainer.references import write_lengths, write_references

if TYPE_CHECKING:
    from trainer.looks import Look, Row

# Of validation only those matter that cannot be written, or are too long.
FIRST_ROWS = {"train": 20_000, "validation": 2_000}
LONGEST_ROWS = 1_000
REPORT_EVERY = 500
EXAMPLES = 2
# What the machine refuses says nothing of the rows: a full disk, a limit, no memory.
SHORTAGES = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO}


class NoTemplateError(Exception):
    """The base's tokenizer has no chat template."""


def preview(config: Path, load: Callable[[Path], tuple[Any, Any]]) -> dict[str, Any]:
    """Look at the rows of each part; `load` returns the configuration and the tokenizer."""
    # Late, like all imports of transformers here: what stands in for parts of the engine must be there before.
    from trainer.looks import open_look

    cfg, tokenizer = load_templated(config, load)
    if Path(TEMPLATED).is_file():
        write_references(Path(TEMPLATED), Path(REFERENCES), tokenizer)
    if Path(HELD_OUT).is_file():
        write_lengths(Path(HELD_OUT), Path(LENGTHS), tokenizer)
    look = open_look(cfg, tokenizer)
    words = list_words(str(tokenizer.chat_template))
    parts = {"train": cfg.datasets, "validation": cfg.test_datasets}
    return {
        name: look_at_part(Path(sets[0]["path"]), FIRST_ROWS[name], look, cfg.sequence_len, words)
        for name, sets in parts.items()
        if sets
    }


def load_templated(config: Path, load: Callable[[Path], tuple[Any, Any]]) -> tuple[Any, Any]:
    """The configuration and a tokenizer that has a chat template."""
    try:
        return load(config)
    except ValueError as error:
        if "chat_template is null" in str(error):
            raise NoTemplateError("the base has no chat template") from None
        raise


def look_at_part(
    path: Path, most: int, look: "Callable[[Row], Look]", limit: int, words: Sequence[str]
) -> dict[str, Any]:
    """What is seen of one file of rows, of the first `most` and some others; one of over `limit` tokens is too long.

    `words` are those that the chat template may look for.
    """
    tally, rows = RowTally(look, limit), count_rows(path)
    for number, (line, first) in enumerate(choose_rows(path, most, LONGEST_ROWS, words)):
        if number % REPORT_EVERY == 0:
            write_progress(Path("progress.json"), "tokens", number, rows)
        tally.add(json.loads(line), first=first)
    return {"rows": rows, **tally.report()}


class RowTally:
    """What was seen of the rows so far."""

    def __init__(self, look: "Callable[[Row], Look]", limit: int) -> None:
        self.look = look
        self.limit = limit
        self.seen: dict[str, Any] = {"lengths": [], "trained": [], "others": [], "examples": [], "passed": 0}
        self.seen |= {"first": None, "first_long": None}
        self.findings: dict[Any, dict[str, Any]] = {}

    def add(self, row: "Row", *, first: bool = True) -> None:
        """Look at a row, which is one of the first or another; one that cannot be written is a finding."""
        seen, origin = self.seen, row["meta"]["origin"]
        try:
            one = self.look(row)
        except MemoryError:
            raise
        except Exception as error:  # whatever a template or a tokenizer does
            self._count([("broken", _describe(error) + self._advise(row))], origin)
            return
        if first:
            seen["lengths"].append(one.length)
            seen["trained"].append(one.trained)
        else:
            seen["others"].append(one.length)
        if len(seen["examples"]) < EXAMPLES:
            seen["examples"].append(one.show())
        seen["first"] = seen["first"] or origin
        if one.length > self.limit:
            seen["first_long"] = seen["first_long"] or origin
        self._count(one.findings, origin)
        seen["passed"] += all(found.kind in NOTES for found in one.findings)

    def report(self) -> dict[str, Any]:
        """What the runner reads."""
        return {**self.seen, "findings": list(self.findings.values())}

    def _count(self, found: "Iterable[tuple[str, str]]", origin: str) -> None:
        for kind, text in found:
            entry = {"kind": kind, "text": text, "note": kind in NOTES, "count": 0, "first": origin}
            # Notes quote the template, whose words may be others in every row.
            self.findings.setdefault(NOTE if kind == NOTE else (kind, text), entry)["count"] += 1

    def _advise(self, row: "Row") -> str:
        """What to do where it is the system turn that the template refuses."""
        rest = [one for one in row["messages"] if one["role"] != "system"]
        if len(rest) == len(row["messages"]):
            return ""
        try:
            self.look({**row, "messages": rest, "spans": []})
        except Exception:
            return ""
        return "; it takes no system turn: set model.system to fold or drop"


def _describe(error: Exception) -> str:
    raises = "the chat template raises: "
    what = raises if isinstance(error, TemplateError) else f"cannot be written as text: {type(error).__name__}: "
    return " ".join(f"{what}{error}".split())


def write_preview(folder: Path, load: Callable[[Path], tuple[Any, Any]]) -> None:
    """Write what is seen of the rows in a run's folder, or into preview.txt why nothing can be."""
    os.chdir(folder)
    try:
        seen = preview(Path("axolotl.yaml"), load)
    except (ImportError, AttributeError, MemoryError):
        raise
    except Exception as error:  # whatever a base, its tokenizer or a configuration does
        if isinstance(error, OSError) and error.errno in SHORTAGES:
            raise
        traceback.print_exc()
        Path("preview.txt").write_text(shorten(on_one_line(_format_error(error)), 300), encoding="utf-8")
    else:
        Path("preview.json").write_text(json.dumps(seen), encoding="utf-8")


def _format_error(error: Exception) -> str:
    """Axolotl's own words for settings that it refuses, without those of its validator around them."""
    if isinstance(error, ValidationError):
        faults = [str(one["msg"]).removeprefix("Value error, ") for one in error.errors()]
        return f"{REFUSED}{'; '.join(faults)}"
    return f"{type(error).__name__}: {error}"


def main() -> None:
    """Write the previews."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--whole", action="store_true")
    given = parser.parse_args()
    if not given.whole:
        stand_in()
    try:
        for folder in given.folders:
            write_preview(folder, load_whole if given.whole else load_light)
    except (ImportError, AttributeError):
        if given.whole:
            raise
        # Another version of the engine, of which a look needs more.
        os.execv(sys.executable, [sys.executable, "-m", "trainer.preview", "--whole", *map(str, given.folders)])


if __name__ == "__main__":
    main()
