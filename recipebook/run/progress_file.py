"""A trainer's reports in the run's folder: its progress (progress.json), and why it ended (train.log)."""

import json
from pathlib import Path
from typing import Any


def read_progress(folder: Path) -> dict[str, Any]:
    """The trainer's last progress report; empty before the first."""
    try:
        return dict(json.loads((folder / "progress.json").read_bytes()))
    except FileNotFoundError:
        return {}


def last_error(log: Path) -> str:
    """The most likely error, on one line: the log's last exception, else its last line."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    endings = ("Error", "Exception", "Interrupt")
    # The launcher's own error comes last and says only that a process failed.
    errors = [at for at, line in enumerate(lines) if line.split(":")[0].endswith(endings) and "ChildFailed" not in line]
    if not lines:
        return "the log is empty"
    if not errors:
        return lines[-1][:300]
    # Axolotl's validation says which key is wrong on the lines after the exception's.
    more = 3 if "validation error" in lines[errors[-1]] else 1
    return " ".join(lines[errors[-1] : errors[-1] + more])[:300]
