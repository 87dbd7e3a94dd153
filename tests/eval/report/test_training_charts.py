"""Curves of a training: logarithmic where all is above 0, each step once, the best checkpoint marked."""

import pytest

from eval.report.charts import Tick
from eval.report.training_charts import CurveChart, choose_log_ticks, plot_training

LINES = [
    {"step": 1, "loss": 9.0, "learning_rate": 0.0, "memory/max_allocated (GiB)": 0.0},
    {"step": 1, "loss": 10.0, "learning_rate": 0.1, "memory/max_allocated (GiB)": 0.0},
    {"step": 2, "loss": 1.0, "learning_rate": 0.2, "memory/max_allocated (GiB)": 0.0},
    {"step": 2, "eval_loss": 1.0},
    {"step": 4, "eval_loss": 10.0},
    {"step": 4, "train_runtime": 3.5},
]


def test_losses_are_placed_by_their_logarithm_and_a_later_line_of_a_step_wins() -> None:
    assert plot_training(LINES)[0] == CurveChart(
        title="loss",
        scale="logarithmic",
        train="25.0,0.0 50.0,100.0",
        validation=((50.0, 100.0), (100.0, 0.0)),
        best=Tick("2", 50.0),
        best_note="lowest validation loss, step 2: the weights of step 4 were saved",
        steps=tuple(Tick(str(step), 25.0 * step) for step in range(5)),
        values=(Tick("1", 100.0), Tick("2", 69.9), Tick("5", 30.1), Tick("10", 0.0)),
        summary="training: 10 at step 1, 1 at step 2; validation: 1 at step 2, 10 at step 4",
        not_finite=0,
    )


def test_what_was_never_above_0_is_not_drawn() -> None:
    assert [chart.title for chart in plot_training(LINES)] == ["loss", "learning rate"]
    lines = [*LINES, {"step": 2, "loss": 1.0, "grad_norm": 3.0, "memory/max_allocated (GiB)": 70.5}]
    assert [chart.title for chart in plot_training(lines)] == [
        "loss", "learning rate", "gradient norm", "GPU memory, GiB",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("saved_best", "losses", "note"),
    [
        (False, {2: 3.0, 4: 2.0}, "lowest validation loss, step 4: the weights that were saved"),
        (True, {2: 1.0, 4: 2.0}, "best checkpoint, step 2: its weights were saved"),
        (False, {4: 2.0}, ""),
    ],
)
def test_the_best_checkpoint_is_named(saved_best: bool, losses: dict[int, float], note: str) -> None:
    lines = [{"step": step, "eval_loss": loss} for step, loss in losses.items()]
    assert plot_training(lines, saved_best=saved_best)[0].best_note == note


def test_rewards_are_drawn_first_where_they_are_learned_from() -> None:
    lines = [{"step": step, "loss": 0.0, "reward": reward} for step, reward in [(6, -0.5), (12, 0.25)]]
    reward, loss = plot_training(lines)
    assert (reward.title, reward.summary) == ("mean reward", "training: -0.5 at step 6, 0.25 at step 12")
    assert loss.title == "loss"


def test_a_loss_below_0_has_a_linear_axis() -> None:
    (chart,) = plot_training([{"step": 1, "loss": 1.0}, {"step": 2, "loss": -1.0}])
    assert (chart.scale, chart.train) == ("linear", "50.0,0.0 100.0,100.0")


def test_losses_that_are_not_finite_are_counted_and_not_drawn() -> None:
    (chart,) = plot_training([{"step": 1, "loss": 2.0}, {"step": 2, "loss": float("nan")}])
    assert (chart.train, chart.not_finite) == ("50.0,100.0", 1)
    assert plot_training([{"step": 1, "loss": float("inf")}]) == []
    assert plot_training([]) == []


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.3, 4.4, [0.2, 0.5, 1, 2, 5]),
        (0.5, 0.6, [0.5, 0.6]),
        (3, 3, [3, 4]),
        (0.003, 4.4, [0.001, 0.01, 0.1, 1, 10]),
        (1e-9, 1e9, [1e-9, 1e-6, 1e-3, 1, 1e3, 1e6, 1e9]),
    ],
)
def test_marks_of_a_logarithmic_axis_are_round_and_enclose(low: float, high: float, ticks: list[float]) -> None:
    assert choose_log_ticks(low, high) == pytest.approx(ticks)
