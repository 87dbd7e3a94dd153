"""Charts as numbers: scores in, positions in percent of a drawing's width and height out.

    Point(x=50.0, y=12.5)

The template draws them as SVG with percentages, so that lines stretch with the screen while the letters keep their
size, and takes colours from the page, light or dark: a picture made by a plotting library does neither.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from eval.scoring.summary import Slice
from eval.statistics.estimates import Estimate


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


def plot_slices(slices: Sequence[Slice]) -> list[SliceChart]:
    """Lay out the main figure, one chart a field, all on one scale."""
    shown = [estimate for part in slices for estimate in (part.results[0].tuned, part.results[0].base) if estimate]
    values = [value for one in shown for value in (one.mean, one.low, one.high) if value is not None]
    ticks = choose_ticks(min([0.0, *values]), max([1.0, *values]))
    low, high = ticks[0], ticks[-1]

    def place(estimate: Estimate | None) -> Bar | None:
        if estimate is None or estimate.mean is None:
            return None
        mean, lower, upper = (
            None if value is None else round(100 * (value - low) / (high - low), 2)
            for value in (estimate.mean, estimate.low, estimate.high)
        )
        return Bar(mean or 0.0, lower, upper)

    def make_row(part: Slice) -> SliceRow:
        tuned, base = part.results[0].tuned, part.results[0].base
        return SliceRow(part.value, part.rows, tuned, base, place(tuned), place(base))

    return [
        SliceChart(
            field=field,
            rows=tuple(make_row(part) for part in slices if part.field == field),
            ticks=tuple(Tick(f"{value:g}", 100 * (value - low) / (high - low)) for value in ticks),
        )
        for field in dict.fromkeys(part.field for part in slices)
    ]


def choose_ticks(low: float, high: float) -> list[float]:
    """Round numbers, four to eight of them, that enclose a range."""
    span = high - low or 1.0
    power = 10.0 ** math.floor(math.log10(span / 4))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= 6)
    first, last = math.floor(low / step), math.ceil((low + span) / step - 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]
