"""A recipe in; the fleet that tries learning rates on it for a few steps, and what each of them came to, out.

    make find-lr RECIPE=robot-lora  →  runs/robot-lora-rates with the members lr1e-05, lr3e-05, …, lr0.001

Rates are compared by the loss of a tenth of the train rows, held out for this alone. The recipe's own validation and
test rows are neither trained on nor looked at: a rate that was chosen by them would look better than it is.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from recipebook import project
from recipebook.errors import UserError
from recipebook.fleet.members import list_members, name_fleet
from recipebook.recipe.data_keys import Data
from recipebook.recipe.layers import COMMAND_LINE
from recipebook.recipe.matrix_keys import Matrix
from recipebook.recipe.resolve import Resolved
from recipebook.run import rundir
from recipebook.run.progress_file import read_curve, read_metrics
from recipebook.terminal import format_decimals

KEY = "training.learning_rate"
STEPS = 30
# Of the recipe's own rate: from a tenth to ten times.
FACTORS = (0.1, 0.3, 1.0, 3.0, 10.0)
HELD_OUT = 0.1
LOGS = 10
# A rate that gains this share of what the best one gains is as good: few steps on few rows show no smaller difference.
AS_GOOD = 0.95


class TriedRate(NamedTuple):
    """A learning rate and the loss of the held-out rows after the last step; None where training came to none."""

    rate: float
    loss: float | None
    before: float | None
    note: str = ""


class RateAdvice(NamedTuple):
    """The rate to begin with, and the sentences that say so; None where no rate learned anything."""

    rate: float | None
    lines: tuple[str, ...]


def sweep_rates(resolved: Resolved, rates: Sequence[float], steps: int) -> Resolved:
    """The recipe as a fleet over learning rates; without `rates`, from a tenth of the recipe's rate to ten times it."""
    recipe, training = resolved.recipe, resolved.recipe.training
    if fault := _find_fault(resolved):
        raise UserError(f"{resolved.name}: make find-lr takes a recipe of one training on this machine, and {fault}")
    tried = sorted(set(rates or (float(f"{training.learning_rate * factor:.3g}") for factor in FACTORS)))
    if len(tried) < 2:
        raise UserError("RATES: two learning rates or more are compared")
    matrix = Matrix(values={KEY: tuple(tried)}, name="lr{learning_rate}", attempts=1)
    few = training.model_copy(
        update={
            "max_steps": steps, "eval_steps": steps, "save_steps": steps, "early_stopping": None,
            "logging_steps": max(1, steps // LOGS), "keep_checkpoints": 1,
        }
    )  # fmt: skip
    # Nothing is evaluated, so that nobody asks for a placebo.
    settings = recipe.eval.model_copy(update={"placebo": None})
    changed = {"matrix": matrix, "training": few, "data": _hold_out(recipe.data), "eval": settings}
    places = {key: spot for key, spot in resolved.places.items() if key != tuple(KEY.split("."))}
    return replace(
        resolved,
        recipe=recipe.model_copy(update=changed),
        places={**places, ("matrix", "values", KEY): COMMAND_LINE},
        fleet_suffix=rundir.RATES,
    )


def read_rates(fleet: Resolved) -> list[TriedRate]:
    """What the trained members came to, by their rates."""
    folder = name_fleet(fleet)
    noted = {manifest.member: (run, manifest) for run, manifest in rundir.list_fleet(folder, project.RUNS)}
    tried = []
    for member in list_members(fleet):
        found = noted.get(member.name) or next(iter(rundir.list_members(folder, member.name, project.RUNS)), None)
        rate = float(member.settings[KEY])
        if found is None:
            tried.append(TriedRate(rate, None, None, "not trained"))
            continue
        run, manifest = found
        losses = read_curve(read_metrics(run.folder / "metrics.jsonl"), "eval_loss")
        last = max((step for step in losses if step > 0), default=None)
        loss = losses[last] if last is not None and math.isfinite(losses[last]) else None
        note = "" if manifest.status == "trained" else (manifest.reason or manifest.status).partition(";")[0]
        tried.append(TriedRate(rate, loss, losses.get(0), note))
    return tried


def advise(tried: Sequence[TriedRate], steps: int) -> RateAdvice:
    """The smallest rate that gains nearly as much as the best, and what to do where that is not settled."""
    known = [(one.loss, one.rate, one.before) for one in tried if one.loss is not None and not one.note]
    if not known:
        return RateAdvice(None, (f"no rate learned anything in {steps} steps: RATES= tries others, smaller by far",))
    best, rate, before = min(known)
    start = before if before is not None else max(loss for loss, _, _ in known)
    if best >= start:
        return RateAdvice(None, (f"no rate lowers the loss in {steps} steps: STEPS= takes more, RATES= other rates",))
    good = [other for loss, other, _ in known if start - loss >= AS_GOOD * (start - best)]
    chosen = min(good)
    losses = f"{format_decimals(start, 3)} before, {format_decimals(best, 3)} at best"
    lines = [f'SET="{KEY}={chosen:g}" to begin with: held-out loss {losses}']
    if len(good) > 1:
        lines.append(
            f"as good after {steps} steps: {', '.join(f'{one:g}' for one in good)}; the smallest is the safest"
        )
    rates = [one.rate for one in tried]
    if rate in (rates[0], rates[-1]):
        end, factors = ("smallest", (0.03, 0.1, 0.3)) if rate == rates[0] else ("largest", (3, 10, 30))
        more = " ".join(f"{rate * factor:g}" for factor in factors)
        lines.append(f'the best is the {end} that was tried: RATES="{more}" tries further')
    return RateAdvice(chosen, tuple(lines))


def _find_fault(resolved: Resolved) -> str | None:
    recipe = resolved.recipe
    faults = {
        "this one has a matrix": recipe.matrix,
        "a service trains this one": recipe.remote,
        "this one learns from rewards, which no loss measures": recipe.training.method == "grpo",
        "data.split.file of this one lists which rows are held out": recipe.data.split.file,
    }
    return next((fault for fault, applies in faults.items() if applies), None)


def _hold_out(data: Data) -> Data:
    """A part of what would be train rows becomes validation; all that is held out already, test."""
    split = data.split
    aside = sum(share for share, own in ((split.validation, data.validation), (split.test, data.test)) if own is None)
    held_out = split.model_copy(update={"test": aside, "validation": HELD_OUT * (1 - aside)})
    return data.model_copy(update={"split": held_out, "validation": None, "test": None})
