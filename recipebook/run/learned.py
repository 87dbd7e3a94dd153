"""Whether a training learned anything: its logged losses in, the reason why it did not out.

    [{"step": 0, "eval_loss": 2.3}, …, {"step": 80, "loss": 7.7}, {"step": 80, "eval_loss": 7.62}]
    → "nothing was learned: validation loss 7.62 at the end, 2.30 before training"

Weights may all be finite and changed, and answer every question with noise: after a learning rate of 1e30, for example.
Only what is clearly worse than at the start, or than guessing, counts here; all else is a matter of the verdict.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recipebook.run.progress_file import read_curve, read_metrics, read_progress
from recipebook.run.resolved import read_settings
from recipebook.run.successes import format_course, read_stats

# Noise moves a loss by less; a model that was destroyed has lost much more.
WORSE, WORSE_BY = 1.1, 0.1
# Without validation, only the first logged loss is known, which steps have changed already if it is not the first's.
MUCH_WORSE, MUCH_WORSE_BY = 1.5, 0.5
# The first step's rows alone may be far easier than the rows after them; a preference loss begins alike for all pairs.
WORSE_THAN_ONE_STEP_BY = 4.0
# A loss from this share on of what guessing gives is guessing. A base may begin there, on text that it never saw.
UNIFORM, RISEN = 0.98, 1.02
LEVEL = 5


def find_nothing_learned(folder: Path) -> str | None:
    """Why the run in a folder has learned nothing; None where it has, or its losses do not say."""
    if learns_from_rewards(folder):
        # Its loss is no measure: a perfect policy has the loss 0, and so has one that never succeeds.
        return None
    lines, settings = read_metrics(folder / "metrics.jsonl"), read_settings(folder)
    random_start = bool(settings.get("reinit_weights"))
    vocabulary = None if settings.get("rl") or random_start else _count_tokens(folder, settings)
    reason = judge_end(lines, vocabulary, best=bool(settings.get("load_best_model_at_end")))
    return f"nothing was learned: {reason}; try a hundredth of training.learning_rate" if reason else None


def learns_from_rewards(folder: Path) -> bool:
    """Whether the run in a folder learns from the rewards of its own episodes."""
    return read_settings(folder).get("rl") == "grpo"


def judge_end(lines: Sequence[Mapping[str, Any]], vocabulary: int | None, *, best: bool = False) -> str | None:
    """What the last losses say against a model; `best` if the weights are those of the lowest validation loss."""
    train, held_out = read_curve(lines, "loss"), read_curve(lines, "eval_loss")
    later = {step: loss for step, loss in held_out.items() if step > 0}
    if later:
        end, what = min(later.values()) if best else [*later.values()][-1], "validation loss"
    elif train:
        end, what = [*train.values()][-1], "training loss"
    else:
        return None
    losses = [*train.values()]
    start = held_out.get(0) if later else None
    norms = read_curve(lines, "grad_norm")
    if norms and not any(map(math.isfinite, norms.values())):
        return f"the gradient norm was {[*norms.values()][-1]} whenever it was logged"
    if start is not None and math.isfinite(start) and not math.isfinite(end):
        return f"{what} {end} at the end, {start:.2f} before training"
    if vocabulary and _guesses(end, start, losses, math.log(vocabulary)):
        guessing = f"guessing among all {vocabulary:,} tokens gives {math.log(vocabulary):.2f}"
        return f"{what} {end:.2f} at the end, and {guessing}"
    if start is not None:
        fell = bool(losses) and losses[-1] < losses[0]
        worse = end > start * WORSE + WORSE_BY and not fell
        return f"{what} {end:.2f} at the end, {start:.2f} before training" if worse else None
    first = losses[0] if losses else end
    one_step = 1 in train and not any("rewards/margins" in line for line in lines)
    by = WORSE_THAN_ONE_STEP_BY if one_step else MUCH_WORSE_BY
    worse = end > first * MUCH_WORSE + by and min(losses, default=end) > first * (2 - WORSE)
    return f"{what} {end:.2f} at the end, {first:.2f} when first logged" if worse else None


def _guesses(end: float, start: float | None, losses: Sequence[float], uniform: float) -> bool:
    """Whether a training came to guessing, or stayed there from its first logged loss on."""
    if end < UNIFORM * uniform:
        return False
    if start is not None:
        return end > start * RISEN
    level = len(losses) >= LEVEL and all(UNIFORM * uniform <= loss <= RISEN * uniform for loss in losses)
    return level or (len(losses) > 1 and end > losses[0] * WORSE)


def explain_unchanged(folder: Path) -> str | None:
    """Why training left the weights as they were: no step, no reward to compare, or a warm-up's first rate, 0."""
    settings = read_settings(folder)
    if read_progress(folder).get("step") == 0:
        return "no step was made, as the rows do not fill one: a smaller training.batch_size, or more rows"
    played = read_stats(folder)
    if played and not any(line["learned_from"] for line in played):
        return f"no task had episodes of two rewards ({format_course(played)}); try tasks that succeed now and then"
    warmup = next((settings[key] for key in ("warmup_ratio", "warmup_share", "warmup_steps") if settings.get(key)), 0)
    if warmup and read_progress(folder).get("steps") == 1:
        return "the warm-up's first step has a learning rate of 0, and there was no other: training.warmup_ratio=0"
    return None


def _count_tokens(folder: Path, settings: Mapping[str, Any]) -> int | None:
    """The size of the vocabulary, where the model or its base is a folder that says so."""
    for path in (folder / "model" / "config.json", folder / str(settings.get("base_model", "")) / "config.json"):
        try:
            size = json.loads(path.read_bytes()).get("vocab_size")
        except (OSError, ValueError, AttributeError):
            continue
        return size if isinstance(size, int) and size > 1 else None
    return None
