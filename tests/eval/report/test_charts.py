"""Positions are percent of a drawing."""

import pytest

from eval.report.charts import Bar, choose_ticks, plot_slices
from eval.scoring.summary import Result, Slice
from eval.statistics.estimates import Estimate


def test_slices_share_a_scale_from_0_to_1() -> None:
    tuned = Estimate(n=4, undefined=0, mean=0.5, low=0.25, high=0.75)
    none = Estimate(n=0, undefined=4, mean=None, low=None, high=None)
    result = Result(
        figure="exact", explanation="", binary=True, tuned=tuned, base=none, difference=None, p_adjusted=None
    )
    (chart,) = plot_slices([Slice(field="kind", value="long", rows=4, results=(result,))])
    assert (chart.rows[0].tuned_bar, chart.rows[0].base_bar) == (Bar(50.0, 25.0, 75.0), None)
    assert [tick.label for tick in chart.ticks] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0, 350, [0, 100, 200, 300, 400]), (-0.2, 1, [-0.2, 0, 0.2, 0.4, 0.6, 0.8, 1]),
     (0, 0, [0, 0.2, 0.4, 0.6, 0.8, 1])],
)  # fmt: skip
def test_ticks_are_round_and_enclose(low: float, high: float, ticks: list[float]) -> None:
    assert choose_ticks(low, high) == ticks
