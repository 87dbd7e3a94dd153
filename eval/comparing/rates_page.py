"""Learning rates that were tried in; a table for the terminal and a page with the curve of their losses out.

rate   held-out loss  note
1e-05  2.291
0.001  1.204
0.01                  nothing was learned: validation loss 7.62 at the end, 2.30 before training
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from eval.report.charts import Tick, choose_ticks
from eval.report.pages import render_page
from recipebook.files import write_text
from recipebook.fleet.rates import RateAdvice, TriedRate
from recipebook.terminal import align, format_decimals

PAGE = "rates.html"
# Of the drawing's width: a rate is not drawn on its edge.
MARGIN = 5.0


class RateChart(NamedTuple):
    """Losses over rates; `line` is `x,y x,y …` in a box of 100 by 100, `points` the same one by one."""

    line: str
    points: tuple[tuple[float, float], ...]
    rates: tuple[Tick, ...]
    losses: tuple[Tick, ...]
    chosen: float | None


def plot_rates(tried: Sequence[TriedRate], chosen: float | None) -> RateChart | None:
    """Lay out the losses on a logarithmic axis of rates; None where no rate has a loss."""
    losses = [one.loss for one in tried if one.loss is not None]
    if not losses:
        return None
    starts = [one.before for one in tried if one.before is not None]
    # One that went wild would press all others onto one line: what is far above the beginning ends at the top.
    top = max(starts) * 1.2 if starts else max(losses)
    marks = choose_ticks(min(losses), max(min(max(losses), top), min(losses)))
    low, high = marks[0], marks[-1]
    ends = math.log(tried[0].rate), math.log(tried[-1].rate)

    def place(rate: float) -> float:
        return round(MARGIN + (100 - 2 * MARGIN) * (math.log(rate) - ends[0]) / (ends[1] - ends[0]), 2)

    points = tuple(
        (place(one.rate), round(100 * (high - min(one.loss, high)) / (high - low), 2))
        for one in tried
        if one.loss is not None
    )
    return RateChart(
        line=" ".join(f"{x},{y}" for x, y in points),
        points=points,
        rates=tuple(Tick(f"{one.rate:g}", place(one.rate)) for one in tried),
        losses=tuple(Tick(f"{mark:g}", round(100 * (high - mark) / (high - low), 2)) for mark in marks),
        chosen=None if chosen is None else place(chosen),
    )


def format_rates(tried: Sequence[TriedRate]) -> str:
    """The table."""
    rows = [(f"{one.rate:g}", "" if one.loss is None else format_decimals(one.loss, 4), one.note) for one in tried]
    return align([("rate", "held-out loss", "note"), *rows])


def write_rates(folder: Path, recipe: str, tried: Sequence[TriedRate], advice: RateAdvice, steps: int) -> Path:
    """Write the page into the fleet's folder; its path."""
    page = render_page(
        "comparing/rates.html.j2",
        links=[("All runs", "../index.html"), ("Members", "members.html")],
        recipe=recipe,
        tried=tried,
        advice=advice,
        steps=steps,
        chart=plot_rates(tried, advice.rate),
    )
    write_text(folder / PAGE, page)
    return folder / PAGE
