"""One attempt at training a run: launch the trainer, follow it, check its files, and record how it ended."""

import json
import os
import shutil
import textwrap
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from recipebook.launch import ranks
from recipebook.launch.process import Stopped, run_job, run_trainer
from recipebook.launch.silence import Silent, Watch
from recipebook.progress import ProgressLine, format_seconds
from recipebook.project import shown
from recipebook.run.diagnosis import diagnose_folder
from recipebook.run.manifest import Attempt, Manifest, Status, format_now
from recipebook.run.progress_file import measure_log, read_progress
from recipebook.run.rundir import REMOTE, Run
from recipebook.run.successes import NewCollections, format_course, read_stats
from recipebook.terminal import format_decimals, print_field
from recipebook.train.fault import TrainingFault, find_fault, find_job_fault, read_final_loss, read_weights
from recipebook.train.launch_failure import find_elsewhere
from recipebook.train.words import format_weights

# How often a command starts the ranks of a training of which one is killed.
LAUNCHES = 3


class Ending(NamedTuple):
    """How an attempt ended: 0 trained, 1 failed, 130 stopped; and whether it failed since a rank was lost."""

    status: int
    lost: bool = False


def attempt(run: Run, manifest: Manifest, lock: int) -> int:
    """Train from the last whole checkpoint, or from the start; 0 trained, 1 failed, 130 stopped.

    Where one of several ranks is lost, all of them are started again.
    """
    for left in reversed(range(LAUNCHES)):
        ending = _attempt_once(run, manifest, lock, again=left > 0)
        if not (ending.lost and left):
            break
        print_field("again", "all ranks are started again, from the last whole checkpoint")
        manifest = run.read()
    return ending.status


def _attempt_once(run: Run, manifest: Manifest, lock: int, *, again: bool) -> Ending:
    """`again`: where a rank is lost, another attempt follows."""
    for dropped in run.drop_broken_checkpoints():
        print_field("dropped", f"{dropped}; the trainer was ended while it wrote this checkpoint")
    print_beginning(run, manifest)
    manifest = begin(run, manifest)
    started, line, log = time.monotonic(), ProgressLine("training"), run.folder / "train.log"
    logged = measure_log(log)
    watch, collections = Watch(run.folder), NewCollections(run.folder)
    code: int | None = None
    silent: Silent | None = None

    def follow(progress: dict[str, Any]) -> None:
        line.follow(progress)
        watch.follow(progress)
        _print_played(collections, line)

    try:
        code = run_trainer(list(manifest.command), manifest.environment, run.folder, lock, follow)
    except Stopped as stopped:
        return _end_stopped(run, manifest, started, str(stopped))
    except Silent as found:
        silent = found
    finally:
        line.clear()
        _print_played(collections, line)
    fault = _find_fault(run, manifest, logged, code or 0, silent)
    if fault and fault.stopped:
        return _end_stopped(run, manifest, started, "SIGTERM")
    if fault:
        _make_room(run)
        end(run, manifest, started, "failed", fault.reason, code, again=again and fault.lost)
        print_field("failed", fault.reason)
        print_field("", f"the whole log: {shown(log)}")
        return Ending(1, fault.lost)
    manifest = end(run, manifest, started, "trained", None, code)
    _print_trained(run, manifest, started)
    return Ending(0)


def _find_fault(run: Run, manifest: Manifest, logged: int, code: int, silent: Silent | None) -> TrainingFault | None:
    """Why there is no trained model: a rank of another machine, one here that is silent, or the trainer itself."""
    failed = code != 0 or silent is not None
    if failed and (elsewhere := find_elsewhere(run.folder, logged, manifest.launch, silent)):
        return TrainingFault(elsewhere.reason, lost=elsewhere.lost)
    return TrainingFault(str(silent)) if silent else find_fault(run.folder, code, logged)


def _print_played(collections: NewCollections, line: ProgressLine) -> None:
    for text in collections.read():
        line.clear()
        print_field("played", text)


def _print_trained(run: Run, manifest: Manifest, started: float) -> None:
    weights, took = manifest.weights or {}, format_seconds(time.monotonic() - started)
    if manifest.remote:
        print_field("trained", f"by {manifest.remote['service']}, {took}")
    else:
        loss = "" if manifest.final_loss is None else f", loss {format_decimals(manifest.final_loss, 4)}"
        print_field("trained", f"{read_progress(run.folder)['step']} steps in {took}{loss}")
    print_field("saved", f"{format_weights(weights)}, all finite, changed by training")
    if kept := format_kept(run):
        print_field("kept", kept)
    if played := read_stats(run.folder):
        print_field("success", format_course(played))
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
    fault = find_job_fault(run.folder, code, rows)
    end(run, manifest, started, "failed" if fault else "done", fault, code)
    if fault:
        print_field("failed", fault)
        return 2 if code == 2 else 1
    print_field("done", f"in {format_seconds(time.monotonic() - started)}")
    for line in _format_account(run.folder):
        print_field("", line)
    return 0


def format_kept(run: Run) -> str | None:
    """Which step's weights the trainer saved, where it chose the best by validation; None where they are the last."""
    checkpoints = run.checkpoints()
    state = json.loads((checkpoints[-1] / "trainer_state.json").read_bytes()) if checkpoints else {}
    if not state.get("best_global_step"):
        return None
    done = read_progress(run.folder)
    early = f"; it ended early, after {done['step']} of {done['steps']}" if done["step"] < done["steps"] else ""
    return f"the weights of step {state['best_global_step']}, the best by validation{early}"


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


def end(
    run: Run,
    manifest: Manifest,
    started: float,
    status: Status,
    reason: str | None,
    code: int | None,
    *,
    again: bool = False,
) -> Manifest:
    """Record in the manifest how the attempt ended.

    `again`: another follows at once, for which other machines wait; so the run is still in training.
    """
    seconds = round(time.monotonic() - started, 2)
    last = manifest.attempts[-1].model_copy(update={"seconds": seconds, "exit_code": code, "outcome": status})
    remote = run.folder / REMOTE
    found = {
        "status": "training" if again else status,
        "reason": reason,
        "attempts": (*manifest.attempts[:-1], last),
        "seconds": {**manifest.seconds, "train": round(manifest.seconds.get("train", 0) + seconds, 2)},
        "final_loss": read_final_loss(run.folder),
        "diagnosis": diagnose_folder(run.folder).line if status == "trained" else None,
        "weights": read_weights(run.folder),
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
