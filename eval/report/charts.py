"""Charts as numbers: scores in, positions in percent of a drawing's width and height out.

    Point(x=50.0, y=12.5)

The template draws them as SVG with percentages, so that lines stretch with the screen while the letters keep their
size, and takes colours from the page, light or dark: a picture made by a plotting library does neither.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from eval.scoring.summary import Slice
from eval.statistics.estimates import Difference, Estimate
from eval.statistics.sums import ROUNDING


class Tick(NamedTuple):
    """A mark on an axis."""

    label: str
    at: float


class Bar(NamedTuple):
    """An estimate on a track; without an interval, `low` and `high` are None."""

    mean: float
    low: float | None
    high: float | None


class SliceRow(NamedTuple):
    """One value of a slice field: what is drawn, and the estimates to write beside it."""

    value: str
    rows: int
    tuned: Estimate
    base: Estimate | None
    tuned_bar: Bar | None
    base_bar: Bar | None


class SliceChart(NamedTuple):
    """The main figure by the values of a field."""

    field: str
    rows: tuple[SliceRow, ...]
    ticks: tuple[Tick, ...]


class BarChart(NamedTuple):
    """Bars on an axis of their own; None for what has no value."""

    bars: tuple[Bar | None, ...]
    ticks: tuple[Tick, ...]


def plot_bars(estimates: Sequence[Estimate | Difference | None]) -> BarChart:
    """Lay out estimates or differences: shares from 0 to 1, others from the smallest to the largest.

    Differences include 0, which is what they are looked at for.
    """
    known = [one for one in estimates if one]
    values = [value for one in known for value in (one.mean, one.low, one.high) if value is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    if any(isinstance(one, Difference) for one in known):
        low, high = min(low, 0.0), max(high, 0.0)
    elif low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    ticks = choose_ticks(low, high)
    low, high = ticks[0], ticks[-1]

    def place(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    def draw(one: Estimate | Difference | None) -> Bar | None:
        if one is None or one.mean is None:
            return None
        ends = (None if end is None else place(end) for end in (one.low, one.high))
        return Bar(place(one.mean), *ends)

    return BarChart(tuple(map(draw, estimates)), tuple(Tick(f"{value:g}", place(value)) for value in ticks))


def plot_slices(slices: Sequence[Slice]) -> list[SliceChart]:
    """Lay out the main figure, one chart a field, all on one scale."""
    first = [part.results[0] for part in slices]
    chart = plot_bars([*(result.tuned for result in first), *(result.base for result in first)])
    rows = [
        SliceRow(part.value, part.rows, result.tuned, result.base, tuned, base)
        for part, result, tuned, base in zip(
            slices, first, chart.bars[: len(first)], chart.bars[len(first) :], strict=True
        )
    ]
    return [
        SliceChart(
            field=field,
            rows=tuple(row for row, part in zip(rows, slices, strict=True) if part.field == field),
            ticks=chart.ticks,
        )
        for field in dict.fromkeys(part.field for part in slices)
    ]


def choose_ticks(low: float, high: float) -> list[float]:
    """Round numbers, four to eight of them, that enclose a range; where its ends are alike, the next 1 above."""
    span = high - low
    if span <= ROUNDING * max(abs(low), abs(high)):
        span = 1.0
    power = 10.0 ** math.floor(math.log10(span / 4))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= 6)
    first, last = math.floor(low / step), math.ceil((low + span) / step - 1e-9)
    digits = 12 - math.floor(math.log10(step))
    return [round(number * step, digits) for number in range(first, last + 1)]
