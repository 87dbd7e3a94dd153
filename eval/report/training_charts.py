"""The curves of a training as charts: metrics.jsonl in, positions in percent of each drawing out.

    [CurveChart(title="loss", scale="logarithmic", train="0.82,64.2 …", validation=((100.0, 41.7),), …),
     CurveChart(title="learning rate", …), CurveChart(title="gradient norm", …)]

Losses and gradient norms fall by powers of ten and have a logarithmic axis, as long as none is 0 or less.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from eval.report.charts import Tick, choose_ticks
from recipebook.run.progress_file import Curve, read_curve

# Marks on a logarithmic axis, in each power of ten: the first are for most axes, the others for very short ones.
MANTISSAS = ((1, 2, 5), (1, 2, 3, 4, 5, 6, 7, 8, 9))
LEAST_TICKS, MOST_TICKS = 3, 7


class Quantity(NamedTuple):
    """What the trainer logs under a key, and how it is drawn."""

    key: str
    title: str
    logarithmic: bool


LOSS = Quantity("loss", "loss", logarithmic=True)
REWARD = Quantity("reward", "mean reward", logarithmic=False)
OTHERS = (
    Quantity("learning_rate", "learning rate", logarithmic=False),
    Quantity("grad_norm", "gradient norm", logarithmic=True),
    Quantity("memory/max_allocated (GiB)", "GPU memory, GiB", logarithmic=False),
)


class CurveChart(NamedTuple):
    """A figure over training steps; a line is `x,y x,y …` in a box of 100 by 100.

    `best` is the step of the lowest validation loss, and `best_note` says whether its weights are the result; `summary`
    is the curve in words.
    """

    title: str
    scale: str
    train: str
    validation: tuple[tuple[float, float], ...]
    best: Tick | None
    best_note: str
    steps: tuple[Tick, ...]
    values: tuple[Tick, ...]
    summary: str
    not_finite: int


class _Axis(NamedTuple):
    """The ends of an axis, in logarithms or not."""

    low: float
    high: float
    logarithmic: bool

    def place(self, value: float) -> float:
        low, high, at = map(self._measure, (self.low, self.high, value))
        return round(100 - 100 * (at - low) / (high - low), 2)

    def _measure(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value


def plot_training(lines: Sequence[Mapping[str, Any]], *, saved_best: bool = False) -> list[CurveChart]:
    """The loss first, or the reward if that is what is learned from; then what else was logged and is not always 0.

    `saved_best` says that the saved weights are those of the lowest validation loss, not the last ones.
    """
    charts = [_plot(REWARD, read_curve(lines, REWARD.key), {}, saved_best)]
    charts.append(_plot(LOSS, read_curve(lines, LOSS.key), read_curve(lines, "eval_loss"), saved_best))
    for quantity in OTHERS:
        curve = read_curve(lines, quantity.key)
        if any(curve.values()):
            charts.append(_plot(quantity, curve, {}, saved_best))
    return [chart for chart in charts if chart]


def choose_log_ticks(low: float, high: float) -> list[float]:
    """Round numbers, two to seven of them, that enclose a range of positive numbers."""
    for mantissas in MANTISSAS:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        marks = [float(f"{mantissa}e{power}") for power in powers for mantissa in mantissas]
        first = max(at for at, mark in enumerate(marks) if mark <= low)
        last = min((at for at, mark in enumerate(marks) if mark >= high), default=len(marks) - 1)
        chosen = marks[first : max(last, first + 1) + 1]
        if len(chosen) >= LEAST_TICKS:
            break
    if len(chosen) <= MOST_TICKS:
        return chosen
    lowest, highest = math.floor(math.log10(low)), math.ceil(math.log10(high))
    apart = math.ceil((highest - lowest) / (MOST_TICKS - 1))
    return [10.0 ** (lowest + apart * at) for at in range(math.ceil((highest - lowest) / apart) + 1)]


def _plot(quantity: Quantity, train: Curve, validation: Curve, saved_best: bool) -> CurveChart | None:
    values = [*train.values(), *validation.values()]
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return None
    logarithmic = quantity.logarithmic and min(finite) > 0
    low, high = min(finite), max(finite)
    marks = choose_log_ticks(low, high) if logarithmic else choose_ticks(min(0.0, low), high)
    axis, right = _Axis(marks[0], marks[-1], logarithmic), max([*train, *validation, 1])
    best = _find_best(validation)

    def place(curve: Curve) -> list[tuple[float, float]]:
        return [
            (round(100 * step / right, 2), axis.place(value)) for step, value in curve.items() if math.isfinite(value)
        ]

    return CurveChart(
        title=quantity.title,
        scale="logarithmic" if logarithmic else "linear",
        train=" ".join(f"{x},{y}" for x, y in place(train)),
        validation=tuple(place(validation)),
        best=None if best is None else Tick(str(best), 100 * best / right),
        best_note=_describe_best(best, right, saved_best),
        steps=tuple(Tick(f"{step:g}", 100 * step / right) for step in choose_ticks(0.0, right) if step <= right),
        values=tuple(Tick(f"{mark:g}", axis.place(mark)) for mark in marks),
        summary="; ".join(filter(None, [_sum_up("training", train), _sum_up("validation", validation)])),
        not_finite=len(values) - len(finite),
    )


def _find_best(validation: Curve) -> int | None:
    """The step of the lowest validation loss, where there are several to choose from."""
    finite = {step: loss for step, loss in validation.items() if math.isfinite(loss)}
    return min(finite, key=lambda step: finite[step]) if len(finite) > 1 else None


def _describe_best(best: int | None, last: int, saved_best: bool) -> str:
    if best is None:
        return ""
    if saved_best:
        return f"best checkpoint, step {best}: its weights were saved"
    saved = "the weights that were saved" if best == last else f"the weights of step {last} were saved"
    return f"lowest validation loss, step {best}: {saved}"


def _sum_up(name: str, curve: Curve) -> str:
    """`training: 4.44 at step 10, lowest 0.55 at step 110, 0.556 at step 120`"""
    finite = {step: value for step, value in curve.items() if math.isfinite(value)}
    if not finite:
        return ""
    first, last, lowest = min(finite), max(finite), min(finite, key=lambda step: finite[step])
    places = [(first, ""), (lowest, "lowest "), (last, "")]
    if lowest in (first, last):
        del places[1]
    return f"{name}: " + ", ".join(f"{word}{finite[step]:.3g} at step {step}" for step, word in dict(places).items())
