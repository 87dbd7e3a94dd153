"""One attempt at training a run: launch the trainer, follow it, check its files, and record how it ended."""

import json
import math
import os
import shutil
import tempfile
import textwrap
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from recipebook.launch import ranks
from recipebook.launch.process import Stopped, run_job, run_trainer
from recipebook.launch.silence import Silent, Watch
from recipebook.progress import ProgressLine, format_seconds
from recipebook.project import shown
from recipebook.run.diagnosis import diagnose_folder
from recipebook.run.learned import explain_unchanged, find_nothing_learned, learns_from_rewards
from recipebook.run.manifest import Attempt, Manifest, Status, format_now
from recipebook.run.progress_file import STOPPED, last_error, read_metrics, read_progress
from recipebook.run.rundir import REMOTE, Run
from recipebook.terminal import print_field
from recipebook.train.lost_rank import find_lost_rank
from recipebook.train.words import format_weights

PROBE_BYTES = 1 << 16
# How often a command starts the ranks of a training of which one is killed.
LAUNCHES = 3
LESS_MEMORY = (
    "try training.gradient_checkpointing=true, then training.batch_size=1, then lora.quantize=4bit (docs/gpu.md)"
)


class Ending(NamedTuple):
    """How an attempt ended: 0 trained, 1 failed, 130 stopped; and whether it failed since a rank was lost."""

    status: int
    lost: bool = False


def attempt(run: Run, manifest: Manifest, lock: int) -> int:
    """Train from the last whole checkpoint, or from the start; 0 trained, 1 failed, 130 stopped.

    Where one of several ranks is lost, all of them are started again.
    """
    for left in reversed(range(LAUNCHES)):
        ending = _attempt_once(run, manifest, lock)
        if not (ending.lost and left):
            break
        print_field("again", "all ranks are started again, from the last whole checkpoint")
        manifest = run.read()
    return ending.status


def _attempt_once(run: Run, manifest: Manifest, lock: int) -> Ending:
    for dropped in run.drop_broken_checkpoints():
        print_field("dropped", f"{dropped}; the trainer was ended while it wrote this checkpoint")
    print_beginning(run, manifest)
    manifest = begin(run, manifest)
    started, line, log = time.monotonic(), ProgressLine("training"), run.folder / "train.log"
    logged = log.stat().st_size if log.is_file() else 0
    watch = Watch(run.folder)
    code: int | None = None
    silent: str | None = None

    def follow(progress: dict[str, Any]) -> None:
        line.follow(progress)
        watch.follow(progress)

    try:
        code = run_trainer(list(manifest.command), manifest.environment, run.folder, lock, follow)
    except Stopped as stopped:
        return _end_stopped(run, manifest, started, str(stopped))
    except Silent as found:
        silent = str(found)
    finally:
        line.clear()
    lost = find_lost_rank(log, logged) if code else None
    if code and not lost and read_progress(run.folder).get("phase") == STOPPED:  # ranks end so where one is lost
        return _end_stopped(run, manifest, started, "SIGTERM")
    fault = silent or lost or find_fault(run.folder, code or 0)
    if fault:
        _make_room(run)
    manifest = end(run, manifest, started, "failed" if fault else "trained", fault, code)
    if fault:
        print_field("failed", fault)
        print_field("", f"the whole log: {shown(log)}")
        return Ending(1, lost is not None)
    _print_trained(run, manifest, started)
    return Ending(0)


def _print_trained(run: Run, manifest: Manifest, started: float) -> None:
    weights, took = manifest.weights or {}, format_seconds(time.monotonic() - started)
    if manifest.remote:
        print_field("trained", f"by {manifest.remote['service']}, {took}")
    else:
        print_field("trained", f"{read_progress(run.folder)['step']} steps in {took}, loss {manifest.final_loss:.4f}")
    print_field("saved", f"{format_weights(weights)}, all finite, changed by training")
    if kept := format_kept(run):
        print_field("kept", kept)
    print_field("verdict", f"{manifest.diagnosis}")


def _end_stopped(run: Run, manifest: Manifest, started: float, signal: str) -> Ending:
    end(run, manifest, started, "interrupted", f"stopped by {signal}", None)
    print_field("stopped", f"by {signal}: run the same command to resume from the last checkpoint")
    return Ending(130)


def _make_room(run: Run) -> None:
    """Remove what a failed trainer could not finish: on a full disk there would be no room to write how it ended."""
    with suppress(OSError):
        run.drop_broken_checkpoints()


def attempt_job(run: Run, manifest: Manifest, lock: int, *, rows: bool) -> int:
    """Run a stage that trains nothing; 0 done, 1 failed, 2 the user's mistake, 130 stopped."""
    print_beginning(run, manifest)
    manifest = begin(run, manifest)
    started = time.monotonic()
    try:
        code = run_job(list(manifest.command), manifest.environment, run.folder, lock)
    except Stopped as stopped:
        end(run, manifest, started, "interrupted", f"stopped by {stopped}", None)
        print_field("stopped", f"by {stopped}: run the same command to resume")
        return 130
    fault = _find_job_fault(run.folder, code, rows)
    end(run, manifest, started, "failed" if fault else "done", fault, code)
    if fault:
        print_field("failed", fault)
        return 2 if code == 2 else 1
    print_field("done", f"in {format_seconds(time.monotonic() - started)}")
    for line in _format_account(run.folder):
        print_field("", line)
    return 0


def find_fault(folder: Path, code: int) -> str | None:
    """Why the trainer's files are not a trained model; None if they are one."""
    progress = read_progress(folder)
    if progress.get("phase") == STOPPED:
        return "the trainer was stopped by SIGTERM"
    if code < 0:
        return f"the trainer was killed by signal {-code}"
    if code:
        reason = _find_refusal(folder) or _explain(last_error(folder / "train.log"))
        return f"the trainer ended with status {code}: {reason}"
    weights = _read_weights(folder)
    if not weights:
        return f"the trainer ended without saving a model: {last_error(folder / 'train.log')}"
    if not weights["finite"]:
        return "the saved weights are not finite"
    if not weights["changed"]:
        why = explain_unchanged(folder)
        return "the saved weights are those that training began with" + (f": {why}" if why else "")
    loss = read_final_loss(folder)
    if loss is None and (folder / REMOTE).is_file():
        # A service does not report its losses.
        return None
    if progress and progress["step"] < progress["steps"] and not _may_end_early(folder):
        return f"the trainer ended after step {progress['step']} of {progress['steps']}"
    if loss is None or not math.isfinite(loss) or (loss <= 0 and not learns_from_rewards(folder)):
        return f"the last logged loss is {loss}, not a finite number above 0"
    return find_nothing_learned(folder)


def _may_end_early(folder: Path) -> bool:
    """Whether its configuration lets training end before its last step; how many steps packed rows take is a guess."""
    path = folder / "axolotl.yaml"
    settings = yaml.load(path.read_bytes(), yaml.CSafeLoader) if path.is_file() else {}
    packed = settings.get("sample_packing") and "trainer.packing.PackingPlugin" not in settings.get("plugins", [])
    return bool(packed or "early_stopping_patience" in settings or settings.get("rl") == "grpo")


def _find_refusal(folder: Path) -> str | None:
    """Why nothing can be written here; on a full disk the trainer's log has no room for its own last line."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
    except OSError as error:
        return error.strerror
    return None


def _read_weights(folder: Path) -> dict[str, Any] | None:
    """What was found in the saved weights; None where that was not written, or not to its end."""
    try:
        return dict(json.loads((folder / "weights.json").read_bytes()))
    except (FileNotFoundError, ValueError):
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


def read_final_loss(folder: Path) -> float | None:
    """The last training loss in metrics.jsonl; the mean loss of a training shorter than `logging_steps`."""
    lines = read_metrics(folder / "metrics.jsonl")
    losses = [line[key] for key in ("train_loss", "loss") for line in lines if key in line]
    return float(losses[-1]) if losses else None


def format_kept(run: Run) -> str | None:
    """Which step's weights the trainer saved, where it chose the best by validation; None where they are the last."""
    checkpoints = run.checkpoints()
    state = json.loads((checkpoints[-1] / "trainer_state.json").read_bytes()) if checkpoints else {}
    if not state.get("best_global_step"):
        return None
    done = read_progress(run.folder)
    early = f"; it ended early, after {done['step']} of {done['steps']}" if done["step"] < done["steps"] else ""
    return f"the weights of step {state['best_global_step']}, the best by validation{early}"


def _find_job_fault(folder: Path, code: int, rows: bool) -> str | None:
    if code < 0:
        return f"it was killed by signal {-code}"
    if code:
        log = folder / "stage.log"
        return last_error(log) if log.is_file() else f"it ended with status {code}"
    if rows and not (folder / "rows.jsonl").is_file():
        return "it ended without writing rows.jsonl"
    return None


def _format_account(folder: Path) -> list[str]:
    """The stage's counts, in lines for a terminal."""
    path = folder / "account.json"
    account = json.loads(path.read_bytes()) if path.is_file() else {}
    return textwrap.wrap(", ".join(f"{name.replace('_', ' ')} {count}" for name, count in account.items()), 80)


def print_beginning(run: Run, manifest: Manifest) -> None:
    """Print the run's folder, and the step at which it resumes."""
    at = f", resumes at step {_find_step(run)}" if manifest.attempts else ""
    print_field("run", f"{shown(run.folder)}{at}")


def begin(run: Run, manifest: Manifest) -> Manifest:
    """Add an attempt to the manifest; an earlier one that was never closed was killed together with its runner."""
    step = _find_step(run)
    for name in ("progress.json", "weights.json"):
        (run.folder / name).unlink(missing_ok=True)
    shutil.rmtree(run.folder / ranks.FOLDER, ignore_errors=True)
    _drop_half_line(run.folder / "metrics.jsonl")
    earlier = [
        one.model_copy(update={"outcome": "killed"}) if one.outcome == "training" else one for one in manifest.attempts
    ]
    attempts = (*earlier, Attempt(started=format_now(), from_step=step, launch=manifest.launch))
    return run.write(manifest.model_copy(update={"status": "training", "reason": None, "attempts": attempts}))


def end(run: Run, manifest: Manifest, started: float, status: Status, reason: str | None, code: int | None) -> Manifest:
    """Record in the manifest how the attempt ended."""
    seconds = round(time.monotonic() - started, 2)
    last = manifest.attempts[-1].model_copy(update={"seconds": seconds, "exit_code": code, "outcome": status})
    remote = run.folder / REMOTE
    found = {
        "status": status,
        "reason": reason,
        "attempts": (*manifest.attempts[:-1], last),
        "seconds": {**manifest.seconds, "train": round(manifest.seconds.get("train", 0) + seconds, 2)},
        "final_loss": read_final_loss(run.folder),
        "diagnosis": diagnose_folder(run.folder).line if status == "trained" else None,
        "weights": _read_weights(run.folder),
        "remote": json.loads(remote.read_bytes()) if remote.is_file() else None,
        "memory_gib": _find_most_memory(run, manifest),
    }
    return run.write(manifest.model_copy(update=found))


def _find_most_memory(run: Run, manifest: Manifest) -> float | None:
    """The most of this attempt and those before it."""
    known = [value for value in (manifest.memory_gib, read_progress(run.folder).get("memory_gib")) if value is not None]
    return max(known, default=None)


def _drop_half_line(path: Path) -> None:
    """Remove a line that a killed trainer left half-written; the next trainer would append to it."""
    if path.is_file():
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)


def _find_step(run: Run) -> int:
    checkpoints = run.checkpoints()
    return int(checkpoints[-1].name.split("-")[-1]) if checkpoints else 0
