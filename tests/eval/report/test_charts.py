"""Positions are percent of a drawing."""

import pytest

from eval.report.charts import Bar, choose_ticks, plot_bars, plot_slices
from eval.scoring.figures import Result
from eval.scoring.summary import Slice
from eval.statistics.estimates import Difference, Estimate


def test_slices_share_a_scale_from_0_to_1() -> None:
    tuned = Estimate(n=4, undefined=0, mean=0.5, low=0.25, high=0.75)
    none = Estimate(n=0, undefined=4, mean=None, low=None, high=None)
    result = Result(
        figure="exact", explanation="", binary=True, tuned=tuned, base=none, difference=None, p_adjusted=None
    )
    (chart,) = plot_slices([Slice(field="kind", value="long", rows=4, results=(result,))])
    assert (chart.rows[0].tuned_bar, chart.rows[0].base_bar) == (Bar(50.0, 25.0, 75.0), None)
    assert [tick.label for tick in chart.ticks] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]


def test_a_difference_that_is_rounding_alone_has_an_axis() -> None:
    tiny = Difference(n=2, groups=2, mean=5.5e-17, low=None, high=None, test="paired t-test", p=1.0, detectable=None)
    (bar,) = plot_bars([tiny]).bars
    assert bar == Bar(91.67, None, None)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0, 350, [0, 100, 200, 300, 400]), (-0.2, 1, [-0.2, 0, 0.2, 0.4, 0.6, 0.8, 1]),
     (0, 0, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0, 5e-17, [0, 1e-17, 2e-17, 3e-17, 4e-17, 5e-17]),
     (3, 3 + 4e-16, [3, 3.2, 3.4, 3.6, 3.8, 4]), (1e15, 3e15, [1e15, 1.5e15, 2e15, 2.5e15, 3e15])],
)  # fmt: skip
def test_ticks_are_round_and_enclose(low: float, high: float, ticks: list[float]) -> None:
    assert choose_ticks(low, high) == ticks
