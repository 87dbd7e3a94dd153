"""The folders in `runs/` in; a table of the runs, newest first, with headline figures, out."""

from pathlib import Path

from recipebook import project
from recipebook.errors import UserError
from recipebook.progress import format_seconds
from recipebook.run import rundir
from recipebook.run.headline import read_headline
from recipebook.run.manifest import Manifest
from recipebook.run.progress_file import read_progress
from recipebook.run.rundir import Run
from recipebook.terminal import align, format_decimals

KILLED, UNREADABLE = "killed", "unreadable"
HEAD = ("run", "status", "loss", "verdict", "took", "main figure: tuned (base)")


def print_runs(runs: Path = project.RUNS) -> int:
    """Print the table."""
    lines = [make_line(run) for run in rundir.list_runs(runs)]
    if not lines:
        print("no runs yet: make train RECIPE=robot-lora makes one")
        return 0
    print(align([HEAD, *lines]))
    return 0


def make_line(run: Run) -> tuple[str, ...]:
    """The cells of a run below HEAD."""
    try:
        manifest = run.read()
        headline = read_headline(run.folder / "eval" / "summary.json")
    except UserError as error:
        return run.name, UNREADABLE, "", "", "", str(error)
    loss = "" if manifest.final_loss is None else format_decimals(manifest.final_loss, 4)
    took = sum(attempt.seconds or 0 for attempt in manifest.attempts)
    verdict = (manifest.diagnosis or "").partition(":")[0]
    return run.name, _format_status(run, manifest), loss, verdict, format_seconds(took), headline


def find_status(run: Run, manifest: Manifest) -> str:
    """The manifest's status, or `killed` where it says that the run is being trained and no process holds the run."""
    return KILLED if manifest.status == "training" and not run.is_held() else manifest.status


def _format_status(run: Run, manifest: Manifest) -> str:
    if (status := find_status(run, manifest)) != "training":
        return status
    stage = next((entry.name for entry in manifest.pipeline if entry.status == "training"), None)
    fact = read_progress(run.folder / "stages" / stage if stage else run.folder)
    phase = f"training {stage}" if stage else "training"
    return f"{phase} {fact['step']}/{fact['steps']}" if fact else phase
