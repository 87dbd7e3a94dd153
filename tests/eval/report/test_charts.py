"""Positions are percent of a drawing; steps that were trained again count once."""

import pytest

from eval.report.charts import Bar, LossChart, Tick, choose_ticks, plot_losses, plot_slices
from eval.scoring.summary import Result, Slice
from eval.statistics.estimates import Estimate


def test_losses_are_placed_and_a_later_line_of_a_step_wins() -> None:
    lines = [
        {"step": 1, "epoch": 0.5, "loss": 9.0, "learning_rate": 0.1},
        {"step": 1, "epoch": 0.5, "loss": 4.0, "learning_rate": 0.1},
        {"step": 2, "epoch": 1.0, "loss": 1.0, "learning_rate": 0.1},
        {"step": 2, "eval_loss": 2.0},
        {"step": 2, "train_runtime": 3.5},
    ]
    assert plot_losses(lines) == LossChart(
        train="50.0,0.0 100.0,75.0",
        validation=((100.0, 50.0),),
        steps=(Tick("0", 0.0), Tick("0.5", 25.0), Tick("1", 50.0), Tick("1.5", 75.0), Tick("2", 100.0)),
        losses=(Tick("0", 100.0), Tick("1", 75.0), Tick("2", 50.0), Tick("3", 25.0), Tick("4", 0.0)),
        last_train=1.0,
        last_validation=2.0,
        not_finite=0,
    )


def test_losses_that_are_not_finite_are_counted_and_not_drawn() -> None:
    chart = plot_losses([{"step": 1, "loss": 2.0}, {"step": 2, "loss": float("nan")}])
    assert chart is not None
    assert (chart.train, chart.not_finite) == ("50.0,0.0", 1)
    assert plot_losses([{"step": 1, "loss": float("inf")}]) is None
    assert plot_losses([]) is None


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
