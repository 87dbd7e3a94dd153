"""`make results`: every recipe trained and evaluated under the profiles, and its record stored as soon as it is there.

    robot-lora      tiny: exact 0.834 [0.801, 0.862], base 0.000; trained in 7:10, evaluated in 1:02  [12/34]
    persona-unified tiny: failed: the trainer was killed by signal 9  [13/34]

Each training and evaluation is a command of its own, so that a failure is one line. What is trained or evaluated
already, with the settings that the recipe has now, is not done again: after an interruption the same command goes on.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from eval.opening import PART
from eval.report.pages import format_estimate, format_number
from eval.results.collecting import collect
from eval.results.records import MEMBERS, PROFILES, Failure, RecipeRecord, list_measured, read_results, store
from eval.results.trained import TrainedRecipe, find_trained, trains_fleet
from recipebook.errors import UserError
from recipebook.launch.process import POLL_SECONDS, Stopped, signals_raise
from recipebook.modules import PROFILE, find
from recipebook.progress import ProgressLine, format_seconds
from recipebook.project import CACHE, PROJECT, shown
from recipebook.run.progress_file import last_error
from recipebook.suggestions import offer
from recipebook.terminal import print_field

LOGS = CACHE / "results"
PAGE = PROJECT / "docs" / "results.md"


class Failed(Exception):
    """Why a recipe has no result."""


def measure_recipes(recipe: str | None, profile: str | None) -> int:
    """Train and evaluate; 0 all have a record, 1 some failed, 130 stopped."""
    names = _choose(recipe)
    profiles = [profile] if profile else list(PROFILES)
    for one in profiles:
        find(PROFILE, one, PROJECT)
    work = [(name, one) for one in profiles for name in names]
    line, failed = ProgressLine("results"), 0
    try:
        with signals_raise():
            for done, (name, one) in enumerate(work):
                outcome = _measure(name, one, line, (done, len(work)))
                store(one, outcome)
                failed += isinstance(outcome, Failure)
                line.clear()
                width = max(map(len, names))
                print(f"{name:<{width}}  {one}: {format_outcome(outcome)}  [{done + 1}/{len(work)}]")
    except Stopped as stopped:
        line.clear()
        print_field("stopped", f"by {stopped}: run the same command to resume")
        return 130
    finally:
        _write_page()
    return int(failed > 0)


def format_outcome(outcome: RecipeRecord | Failure) -> str:
    """`exact 0.834 [0.801, 0.862], base 0.000; trained in 7:10, evaluated in 1:02`"""
    if isinstance(outcome, Failure):
        return f"failed: {outcome.reason}"
    result, seconds = outcome.result, outcome.evaluation_seconds
    base = f", {outcome.start or 'base'} {format_number(result.base.mean)}" if result.base else ""
    evaluated = "" if seconds is None else f", evaluated in {format_seconds(seconds)}"
    trained = f"trained in {format_seconds(outcome.training_seconds)}"
    return f"{result.figure} {format_estimate(result.tuned)}{base}; {trained}{evaluated}"


def find_reason(log: Path, status: int) -> str:
    """Why a command failed: the last line in which it says so, else its last error."""
    if status < 0:
        return f"it was killed by signal {-status}"
    marks = ("failed ", "not evaluated: ")
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    said = [line for line in lines if line.startswith(marks[0]) or marks[1] in line]
    return said[-1].removeprefix(marks[0]).strip() if said else last_error(log)


def _write_page() -> None:
    """Write docs/results.md, and docs/all.md that holds it, by a process of its own: nothing here imports docs/."""
    done = subprocess.run(
        [sys.executable, "-m", "docs.generate"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    lines = done.stderr.strip().splitlines() or [f"docs.generate ended with status {done.returncode}"]
    print_field("page", shown(PAGE) if done.returncode == 0 else f"not written: {lines[-1]}")


def _choose(recipe: str | None) -> list[str]:
    names = list_measured()
    if recipe is not None and recipe not in names:
        raise UserError(f"no recipe '{recipe}' that has metrics{offer(recipe, names)}")
    return [recipe] if recipe else names


def _measure(recipe: str, profile: str, line: ProgressLine, at: tuple[int, int]) -> RecipeRecord | Failure:
    """Train and evaluate one recipe, as far as it is not done, and read its record."""
    log = LOGS / f"{profile}-{recipe.replace('/', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    try:
        trained = _find_or_none(recipe, profile)
        if trained is None or not trained.is_evaluated():
            limit = ["--limit", str(MEMBERS)] if trains_fleet(recipe, profile) else []
            if status := _run(["train", recipe, "--profile", profile, *limit], log, line, at):
                raise Failed(find_reason(log, status))
            trained = find_trained(recipe, profile)
        if trained is None:
            raise Failed(f"not all of it is trained; see {shown(log)}")
        seconds = _find_known_seconds(trained)
        if not trained.is_evaluated():
            seconds = _evaluate(trained, log, line, at)
        return collect(trained, seconds)
    except (Failed, UserError) as fault:
        reason = str(fault).splitlines()[0]
        return Failure(recipe=recipe, date=date.today().isoformat(), reason=reason)


def _find_or_none(recipe: str, profile: str) -> TrainedRecipe | None:
    """What is trained already; what is wrong with the recipe, or not there yet, is for `make train` to report."""
    try:
        return find_trained(recipe, profile)
    except UserError:
        return None


def _evaluate(trained: TrainedRecipe, log: Path, line: ProgressLine, at: tuple[int, int]) -> float:
    """Evaluate a recipe's models; the seconds that it took.

    Whether all are evaluated is what counts, and not the status: a fleet may have members without test rows.
    """
    overrides = list(dict.fromkeys(one for model in trained.models for one in model.list_overrides()))
    # Every member on the same part, where `make eval` would choose one of them.
    part = f"{PART}{trained.models[0].settings.part}"
    settings = ["--set", *dict.fromkeys([*overrides, part])]
    started = time.monotonic()
    status = _run(["eval", trained.query, *settings], log, line, at)
    if not trained.is_evaluated():
        raise Failed(find_reason(log, status) if status else f"not all of it is evaluated; see {shown(log)}")
    return round(time.monotonic() - started, 1)


def _find_known_seconds(trained: TrainedRecipe) -> float | None:
    """The seconds that an earlier call of this command took to evaluate the same runs."""
    known = read_results(trained.profile).find(trained.recipe)
    names = tuple(model.run.name for model in trained.models)
    if isinstance(known, RecipeRecord) and (known.members or (known.run,)) == names:
        return known.evaluation_seconds
    return None


def _run(words: Sequence[str], log: Path, line: ProgressLine, at: tuple[int, int]) -> int:
    """Run a command of this project, its output in `log`, and return its status; it ends when this process does."""
    done, total = at
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "recipebook", *words],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A Ctrl-C must reach it once, through us, and not again while it ends its trainer.
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                line.draw(done, total, f"  {' '.join(words[:2])}")
                time.sleep(POLL_SECONDS)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    return process.returncode
