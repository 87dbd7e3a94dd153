"""A trainer's reports in the run's folder: its progress (progress.json), its losses (metrics.jsonl), and why it ended
(train.log)."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# What a launcher of several processes puts before each line.
RANK = re.compile(r"^\[rank\d+\]: ?", re.MULTILINE)
# What gloo and NCCL say of another rank that has ended.
GONE = re.compile(r"[Cc]onnection (closed|reset) by peer|remote process exited")
# What libraries in C++ say at the end of a process, whatever ended it.
LEAKS = re.compile(r"nanobind: |- leaked |- \.\.\. skipped remainder|See https://nanobind\.")
Curve = dict[int, float]
STOPPED = "stopped"
"""The phase of a training that was asked to end, and has saved a checkpoint."""
TEMPLATED, REFERENCES = "templated.jsonl", "references.json"
"""Rows of which a preview of the training writes the references, and these references."""
REFUSED = "Axolotl refuses the recipe's settings: "
"""How a preview begins where no base and no row is at fault."""
HELD_OUT, LENGTHS = "held-out.jsonl", "lengths.json"
"""Rows of which a preview of the training counts the tokens, and these counts."""


def read_progress(folder: Path) -> dict[str, Any]:
    """The trainer's last progress report; empty before the first, and where the file is damaged."""
    try:
        found = json.loads((folder / "progress.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) and {"step", "steps"} <= found.keys() else {}


def write_progress(path: Path, phase: str, step: int, steps: int, **more: float | None) -> None:
    """Replace the progress file at `path`; of `more`, such as the loss, what is not known is null."""
    fact = {"phase": phase, "step": step, "steps": steps, **more, "time": time.time()}
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(fact), encoding="utf-8")
    temporary.replace(path)


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The whole lines of metrics.jsonl, each an object with its step; none where nothing was logged."""
    if not path.is_file():
        return []
    # What comes after the last line feed was being written when the trainer was killed, or found the disk full.
    found = map(_read_line, path.read_bytes().split(b"\n")[:-1])
    return [line for line in found if isinstance(line, dict) and isinstance(line.get("step"), int)]


def _read_line(line: bytes) -> Any:
    """What a line holds; None of one that found no room, with the next attempt's first line behind it."""
    try:
        return json.loads(line)
    except ValueError:
        return None


def read_curve(lines: Sequence[Mapping[str, Any]], key: str) -> Curve:
    """One figure by step; of a step that was trained again after a resume, the last one counts."""
    found = {int(line["step"]): float(line[key]) for line in lines if key in line}
    return dict(sorted(found.items()))


def measure_log(log: Path) -> int:
    """Its bytes so far; what an attempt logs comes after them."""
    return log.stat().st_size if log.is_file() else 0


def read_from(log: Path, since: int) -> str:
    """The log's text after its first `since` bytes."""
    with log.open("rb") as file:
        file.seek(since)
        return file.read().decode("utf-8", errors="replace")


def last_error(log: Path, since: int = 0) -> str:
    """The most likely error, on one line: the last exception in the log after `since` bytes, else its last line."""
    text = RANK.sub("", read_from(log, since))
    lines = [line for each in text.splitlines() if (line := each.strip()) and not LEAKS.match(line)]
    endings = ("Error", "Exception", "Interrupt")
    # The launcher's own error comes last and says only that a process failed.
    errors = [at for at, line in enumerate(lines) if line.split(":")[0].endswith(endings) and "ChildFailed" not in line]
    # Where a rank ends of an error, the others end of its end.
    errors = [at for at in errors if not GONE.search(lines[at])] or errors
    if not lines:
        return "the log is empty"
    if not errors:
        return lines[-1][:300]
    # Axolotl's validation says which key is wrong on the lines after the exception's.
    more = 3 if "validation error" in lines[errors[-1]] else 1
    return " ".join(lines[errors[-1] : errors[-1] + more])[:300]
