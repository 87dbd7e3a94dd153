"""The files that a trainer or a stage left and its exit code in; why that is no result, or None, out.

find_fault(run.folder, code=1)  →  TrainingFault("the trainer ended with status 1: ValueError: …")

A training may end before its last step where its validation loss ended it: progress.json says so.
"""

import json
import math
import signal
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from recipebook.run.learned import explain_unchanged, find_nothing_learned, learns_from_rewards
from recipebook.run.progress_file import STOPPED, last_error, read_metrics, read_progress
from recipebook.run.resolved import read_settings
from recipebook.run.rundir import REMOTE
from recipebook.train.lost_rank import find_failed_rank

PROBE_BYTES = 1 << 16
LESS_MEMORY = (
    "try training.gradient_checkpointing=true, then training.batch_size=1, then lora.quantize=4bit (docs/gpu.md)"
)


class TrainingFault(NamedTuple):
    """Why a training has no result; whether a rank was lost, or the trainer ended with a checkpoint as it was asked."""

    reason: str
    lost: bool = False
    stopped: bool = False


def find_fault(folder: Path, code: int, since: int = 0) -> TrainingFault | None:
    """Why the trainer's files are not a trained model; None if they are one.

    What earlier attempts wrote into the log, the bytes before `since`, does not count.
    """
    # First: where a rank fails, the others are asked to end, and say so in the progress file.
    if code > 0 and (rank := find_failed_rank(folder / "train.log", since)):
        return TrainingFault(rank.reason, lost=rank.lost)
    # By the signal itself where it came before the trainer could answer it.
    if code == -signal.SIGTERM or read_progress(folder).get("phase") == STOPPED:
        return TrainingFault("the trainer was stopped by SIGTERM", stopped=True)
    reason = _explain_status(folder, code, since) if code else _find_missing(folder, since)
    return TrainingFault(reason) if reason else None


def _explain_status(folder: Path, code: int, since: int) -> str:
    if code < 0:
        return f"the trainer was killed by signal {-code}"
    reason = _find_refusal(folder) or _explain(last_error(folder / "train.log", since))
    return f"the trainer ended with status {code}: {reason}"


def _find_missing(folder: Path, since: int) -> str | None:
    """What a trained model needs and a trainer that ended well did not leave; None if everything is there."""
    progress, weights = read_progress(folder), read_weights(folder)
    short = (
        progress and progress["step"] < progress["steps"] and not progress.get("early") and not _guesses_steps(folder)
    )
    if not weights:
        where = f" after step {progress['step']} of {progress['steps']}" if short else ""
        return f"the trainer ended{where} without saving a model: {last_error(folder / 'train.log', since)}"
    if not weights["finite"]:
        return "the saved weights are not finite"
    if not weights["changed"]:
        why = explain_unchanged(folder)
        return "the saved weights are those that training began with" + (f": {why}" if why else "")
    loss = read_final_loss(folder)
    if loss is None and (folder / REMOTE).is_file():
        # A service does not report its losses.
        return None
    if short:
        return f"the trainer ended after step {progress['step']} of {progress['steps']}"
    if loss is None or not math.isfinite(loss) or (loss <= 0 and not learns_from_rewards(folder)):
        return f"the last logged loss is {loss}, not a finite number above 0"
    return find_nothing_learned(folder)


def find_job_fault(folder: Path, code: int, rows: bool) -> str | None:
    """Why a stage that trains nothing has not done its work; None if it has."""
    if code < 0:
        return f"it was killed by signal {-code}"
    if code:
        log = folder / "stage.log"
        return last_error(log) if log.is_file() else f"it ended with status {code}"
    if rows and not (folder / "rows.jsonl").is_file():
        return "it ended without writing rows.jsonl"
    return None


def read_final_loss(folder: Path) -> float | None:
    """The last training loss in metrics.jsonl; the mean loss of a training shorter than `logging_steps`."""
    lines = read_metrics(folder / "metrics.jsonl")
    losses = [line[key] for key in ("train_loss", "loss") for line in lines if key in line]
    return float(losses[-1]) if losses else None


def read_weights(folder: Path) -> dict[str, Any] | None:
    """What was found in the saved weights; None where that was not written, or not to its end."""
    try:
        return dict(json.loads((folder / "weights.json").read_bytes()))
    except (FileNotFoundError, ValueError):
        return None


def _guesses_steps(folder: Path) -> bool:
    """Whether the number of its steps was a guess, as with packed rows and with episodes."""
    settings = read_settings(folder)
    packed = settings.get("sample_packing") and "trainer.packing.PackingPlugin" not in settings.get("plugins", [])
    return bool(packed or settings.get("rl") == "grpo")


def _find_refusal(folder: Path) -> str | None:
    """Why nothing can be written here; on a full disk the trainer's log has no room for its own last line."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
    except OSError as error:
        return error.strerror
    return None


def _explain(error: str) -> str:
    """Exceptions that a recipe can mend, with what to change; `make plan` names the row of a template's."""
    kind, _, text = error.partition(": ")
    if kind.startswith("jinja2."):
        return f"the chat template raises: {text} (make plan names the row)"
    if kind.endswith("OutOfMemoryError"):
        return f"the GPU's memory ran out; {LESS_MEMORY}"
    if "inline_container" in text or "PytorchStreamWriter" in text:
        return "a checkpoint could not be written, as on a full disk (df -h)"
    return error
