"""The verdict on a training: metrics.jsonl in; the verdict, its reasons and advice on what to try next, out.

    diagnose([{"step": 10, "loss": 2.7}, …, {"step": 480, "loss": 0.05}, {"step": 481, "eval_loss": 0.41}])
    → Diagnosis(verdict="overfitting", reasons=("training loss 0.05 at the end, validation 0.41",
                "validation 0.36 above training (0.3 or more is overfitting)"), advice=("stop at the best …", …))

The curve is taken in fifths, so that one odd batch decides nothing. Losses of preference methods differ in scale by
method and beta. There the verdict rests on the share of pairs whose chosen answer has the higher reward, and on the
margin of the rewards. docs/evaluation.md has the sources of these bounds, and the advice that was left out.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import Any

from recipebook.run.advice import ADVICE, FREE_TEXT, OF_METHOD, OF_PAIRS, OF_REFERENCE, OF_REWARDS, Verdict
from recipebook.run.progress_file import Curve, read_curve, read_metrics
from recipebook.run.resolved import read_settings
from recipebook.terminal import format_decimals

# Of guides to training command models: below 0.5 is good, below 0.2 excellent, validation within 0.3 of training.
GOOD_LOSS = 0.5
EXCELLENT_LOSS = 0.2
GAP = 0.3
# Ours: where the training loss is small, an absolute bound says nothing; ten times it is far from it, and 0.1 above it
# is more than two batches differ by.
TIMES = 10.0
LEAST_GAP = 0.1
# Ours, between the 0.72 of held-out pairs after a first epoch and the 0.91 after a last that a guide to DPO reports.
GOOD_ACCURACY = 0.8
EXCELLENT_ACCURACY = 0.9
# Ours: little more than chance; the share of pairs ranked correctly in training minus that of held-out pairs.
COIN = 0.6
ACCURACY_GAP = 0.15
# Ours: fewer logged losses make no curve; a fall, or a new rise, by less than a tenth is no change.
POINTS = 5
CHANGE = 0.1
# Ours: a loss twice the median of the five before it, and 0.5 above, is a spike; one in twenty losses may be.
SPIKE = 2.0
SPIKE_HEIGHT = 0.5
SPIKES = 0.05
# Ours: the mean reward of 50 episodes, 1 or -0.5 each, differs by as much from one draw to the next.
REWARD_CHANGE = 0.1
# Ours: ten times the run's median, and ten times the norm at which gradients are usually clipped.
GRADIENT_SPIKE = 10.0


BY_LOT = "a control, whose rewards were drawn by lot"


@dataclass(frozen=True)
class Diagnosis:
    """A verdict, its reasons, and advice on what to try next."""

    verdict: Verdict
    reasons: tuple[str, ...]
    advice: tuple[str, ...]

    @property
    def line(self) -> str:
        """`good: training loss 0.31 at the end, validation 0.35`"""
        return f"{self.verdict}: {'; '.join(self.reasons)}"


def diagnose_folder(folder: Path) -> Diagnosis:
    """The verdict on the training in a run's folder, or in a stage's."""
    settings = read_settings(folder)
    answers_only = not (settings.get("train_on_inputs") or settings.get("reinit_weights"))
    found = diagnose(read_metrics(folder / "metrics.jsonl"), answers_only=answers_only, method=settings.get("rl"))
    if (settings.get("episodes") or {}).get("control") != "random":
        return found
    # There is nothing to try next: a control is as good as it is.
    return replace(found, reasons=(*found.reasons, BY_LOT), advice=())


def diagnose(lines: Sequence[Mapping[str, Any]], *, answers_only: bool = True, method: str | None = None) -> Diagnosis:
    """The verdict on a training; if prompts are trained too (`answers_only=False`), the loss itself has no bounds.

    `method` is Axolotl's name of a method that learns from pairs; the advice names the settings of this method.
    """
    found = _judge(lines, answers_only)
    if not _is_of_pairs(lines):
        return found
    own = (OF_PAIRS, OF_METHOD.get(method, OF_REFERENCE))
    first = [advice[found.verdict] for advice in own if found.verdict in advice]
    return replace(found, advice=(*first, *found.advice))


def _judge(lines: Sequence[Mapping[str, Any]], answers_only: bool) -> Diagnosis:
    train = read_curve(lines, "loss")
    if wild := _find_wild(lines):
        return _conclude("unstable", wild)
    if rewards := [*read_curve(lines, "reward").values()]:
        return _judge_rewards(rewards)
    if len(train) < POINTS:
        reason = f"{len(train)} training {'loss was' if len(train) == 1 else 'losses were'} logged, {POINTS} are needed"
        return _conclude("too short to judge", [reason])
    if wild := _find_spikes([*train.values()]) or _find_divergence([*train.values()]):
        return _conclude("unstable", wild)
    if _is_of_pairs(lines):
        return _judge_pairs(lines)
    return _judge_losses(lines, train, answers_only)


def _find_wild(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Losses and norms that are not finite, and gradient norms far beyond the others."""
    for key, what in (("loss", "training loss"), ("eval_loss", "validation loss"), ("grad_norm", "gradient norm")):
        for step, value in read_curve(lines, key).items():
            if not math.isfinite(value):
                return [f"the {what} at step {step} is {value}"]
    norms = read_curve(lines, "grad_norm")
    if len(norms) < POINTS:
        return []
    usual = median(norms.values())
    high = [step for step, norm in norms.items() if norm > GRADIENT_SPIKE * max(usual, 1.0)]
    if len(high) < 2 or len(high) < SPIKES * len(norms):
        return []
    return [f"gradient norms up to {max(norms.values()):.1f}, {usual:.1f} being usual, at {_name_steps(high)}"]


def _find_spikes(losses: Sequence[float]) -> list[str]:
    high = 0
    for at in range(1, len(losses)):
        before = median(losses[max(0, at - 5) : at])
        high += losses[at] > SPIKE * before and losses[at] > before + SPIKE_HEIGHT
    if high < 2 or high < SPIKES * len(losses):
        return []
    return [f"{high} of {len(losses)} logged losses are more than twice those before them"]


def _find_divergence(losses: Sequence[float]) -> list[str]:
    """The loss rose again by more than half of its fall."""
    fifths = _take_fifths(losses)
    lowest = min(fifths)
    if fifths[-1] > lowest * (1 + CHANGE) and fifths[-1] - lowest > (fifths[0] - lowest) / 2:
        down, end = format_decimals(lowest, 2), format_decimals(fifths[-1], 2)
        return [f"the training loss was down to {down} and ended at {end}"]
    return []


def _read_held_out(lines: Sequence[Mapping[str, Any]]) -> Curve:
    """The validation loss, from before training on; nothing where training itself was never validated."""
    curve = read_curve(lines, "eval_loss")
    return curve if max(curve, default=0) > 0 else {}


def _is_of_pairs(lines: Sequence[Mapping[str, Any]]) -> bool:
    return any("rewards/margins" in line or "eval_rewards/margins" in line for line in lines)


def _judge_losses(lines: Sequence[Mapping[str, Any]], train: Curve, answers_only: bool) -> Diagnosis:
    fifths = _take_fifths([*train.values()])
    start, end = fifths[0], fifths[-1]
    held_out = _read_held_out(lines)
    reasons = [_format_end(end, held_out)]
    if held_out and (far := _find_gap(train, held_out)):
        return _conclude("overfitting", [*reasons, *far, *_find_rise(held_out)])
    level = end > start * (1 - CHANGE)
    if no_gain := _find_no_gain(held_out):
        return _conclude("stalled" if level else "overfitting", [*reasons, *no_gain])
    if rise := _find_rise(held_out):
        return _conclude("overfitting", [*reasons, *rise])
    if level and end >= GOOD_LOSS:
        level_at = f"hardly below the {format_decimals(start, 2)} of the first fifth"
        return _conclude("stalled", [*reasons, level_at, *_find_fall(held_out)], free_text=answers_only)
    if not answers_only:
        fell_from = f"from {format_decimals(start, 2)}"
        return _conclude("good", [*reasons, f"{fell_from}; prompts were trained too, so no bound is known"])
    if end >= GOOD_LOSS:
        falls = fifths[-2] - end > CHANGE * end
        reason = f"still falling, and {GOOD_LOSS} or more" if falls else f"level, at {GOOD_LOSS} or more"
        return _conclude("underfitting", [*reasons, reason], free_text=True)
    last = [*held_out.values()][-1] if held_out else end
    return _conclude("excellent" if max(end, last) < EXCELLENT_LOSS else "good", [*reasons, *_list_unseen(held_out)])


def _judge_pairs(lines: Sequence[Mapping[str, Any]]) -> Diagnosis:
    """The verdict by the share of pairs that are ranked correctly, or by the margin's sign if no share is logged."""
    held_out = _read_held_out(lines)
    prefix = "eval_" if held_out else ""
    margin = _get_end(lines, f"{prefix}rewards/margins")
    trained = _get_end(lines, "rewards/accuracies")
    accuracy = _get_end(lines, f"{prefix}rewards/accuracies")
    where = "held-out" if prefix else "training"
    if accuracy is None or trained is None:
        margins = [f"reward margin {format_decimals(margin or 0, 2)} on {where} pairs; this method logs no accuracy"]
        return _conclude("good" if margin and margin > 0 else "stalled", margins)
    apart = f"{_round(accuracy)} of {where} pairs ranked correctly, reward margin {format_decimals(margin or 0, 2)}"
    reasons = [f"{apart} (the loss has another scale)", *_list_displaced(lines)]
    if accuracy < COIN and trained < COIN:
        return _conclude("stalled", [*reasons, "little more than by chance"])
    if trained - accuracy >= ACCURACY_GAP:
        return _conclude("overfitting", [*reasons, f"{_round(trained)} of the pairs of training"])
    if rise := _find_rise(held_out):
        return _conclude("overfitting", [*reasons, *rise])
    if accuracy < GOOD_ACCURACY:
        return _conclude("underfitting", [*reasons, f"{_round(GOOD_ACCURACY)} or more is good"])
    verdict: Verdict = "excellent" if accuracy >= EXCELLENT_ACCURACY else "good"
    return _conclude(verdict, [*reasons, *_list_unseen(held_out)])


def _judge_rewards(rewards: Sequence[float]) -> Diagnosis:
    """The verdict by the mean reward of the first and the last third of the collections; the loss says nothing."""
    third = len(rewards) // 3
    if not third:
        return _conclude_rewards(
            "too short to judge", f"{len(rewards)} of the 3 collections that are needed were logged"
        )
    start, end = fmean(rewards[:third]), fmean(rewards[-third:])
    reason = f"mean reward {format_decimals(end, 2)} at the end, {format_decimals(start, 2)} at the beginning"
    if end < start - REWARD_CHANGE:
        return _conclude_rewards("unstable", reason)
    return _conclude_rewards("good" if end > start + REWARD_CHANGE else "stalled", reason)


def _conclude_rewards(verdict: Verdict, reason: str) -> Diagnosis:
    return Diagnosis(verdict, (reason,), OF_REWARDS.get(verdict, ()))


def _conclude(verdict: Verdict, reasons: Sequence[str], *, free_text: bool = False) -> Diagnosis:
    return Diagnosis(verdict, tuple(reasons), (*ADVICE[verdict], *[FREE_TEXT] * free_text))


def _take_fifths(values: Sequence[float]) -> list[float]:
    edges = [round(len(values) * part / 5) for part in range(6)]
    return [fmean(values[start:end]) for start, end in pairwise(edges)]


def _find_gap(train: Curve, held_out: Curve) -> list[str]:
    """The validation loss is far above the training loss, both at the time of the last validation."""
    last = max(held_out)
    seen = [loss for step, loss in train.items() if step <= last] or [*train.values()]
    trained = fmean(seen[-max(1, len(seen) // 5) :])
    gap = held_out[last] - trained
    if gap >= GAP:
        return [f"validation {format_decimals(gap, 2)} above training ({GAP} or more is overfitting)"]
    if gap >= LEAST_GAP and held_out[last] >= TIMES * trained:
        return [f"validation is more than {TIMES:.0f} times training"]
    return []


def _find_fall(held_out: Curve) -> list[str]:
    """The validation loss still fell."""
    values = [*held_out.values()]
    return [f"validation fell from {format_decimals(values[0], 2)}"] if values and values[-1] < values[0] else []


def _find_rise(held_out: Curve) -> list[str]:
    """The validation loss has risen clearly above its lowest value."""
    if not held_out:
        return []
    best = min(held_out, key=lambda step: held_out[step])
    last = [*held_out.values()][-1]
    if last <= held_out[best] * (1 + CHANGE) or last < held_out[best] + CHANGE / 5:
        return []
    return [f"validation was lowest, {format_decimals(held_out[best], 2)}, at step {best}, and rose again"]


def _find_no_gain(held_out: Curve) -> list[str]:
    """The validation loss is no lower than before training."""
    if 0 not in held_out or [*held_out.values()][-1] < held_out[0]:
        return []
    return [f"validation is no better than the {format_decimals(held_out[0], 2)} before training"]


def _get_end(lines: Sequence[Mapping[str, Any]], key: str) -> float | None:
    """The last of a validation figure, the last fifth of a training one."""
    values = [*read_curve(lines, key).values()]
    if not values:
        return None
    return values[-1] if key.startswith("eval_") else fmean(values[-max(1, len(values) // 5) :])


def _format_end(end: float, held_out: Curve) -> str:
    validation = f", validation {format_decimals([*held_out.values()][-1], 2)}" if held_out else ""
    return f"training loss {format_decimals(end, 2)} at the end{validation}"


def _list_unseen(held_out: Curve) -> list[str]:
    return [] if held_out else ["without validation rows (data.split.validation=0.1) overfitting is not seen"]


def _list_displaced(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    chosen = _get_end(lines, "rewards/chosen")
    return ["the chosen answers became less likely too"] if chosen is not None and chosen < 0 else []


def _round(share: float) -> str:
    return f"{100 * share:.0f} %"


def _name_steps(steps: Sequence[int]) -> str:
    listed = ", ".join(str(step) for step in steps[:3])
    return f"step{'s' if len(steps) > 1 else ''} {listed}{', …' if len(steps) > 3 else ''}"
