"""Learning rates as a table and a curve: where a rate and a loss are drawn."""

from pathlib import Path

from eval.comparing.rates_page import format_rates, plot_rates, write_rates
from recipebook.fleet.rates import RateAdvice, TriedRate

TRIED = [TriedRate(1e-4, 2.0, 2.5), TriedRate(1e-3, 1.0, 2.5), TriedRate(1e-2, None, 2.5, "the loss is not finite")]


def test_rates_stand_at_equal_distances_and_the_lowest_loss_lowest() -> None:
    chart = plot_rates(TRIED, 1e-3)
    assert chart
    assert [tick.at for tick in chart.rates] == [5.0, 50.0, 95.0]
    assert chart.points == ((5.0, 0.0), (50.0, 100.0)) and chart.line == "5.0,0.0 50.0,100.0"
    assert chart.chosen == 50.0
    assert (chart.losses[0].label, chart.losses[0].at, chart.losses[-1].at) == ("1", 100.0, 0.0)


def test_a_loss_far_above_the_beginning_does_not_press_the_others_onto_one_line() -> None:
    chart = plot_rates([*TRIED[:2], TriedRate(1e-2, 900.0, 2.5)], 1e-3)
    assert chart and chart.points[-1] == (95.0, 0.0) and chart.points[0][1] < 80


def test_without_a_loss_there_is_no_chart() -> None:
    assert plot_rates([TRIED[2], TriedRate(1e-1, None, None)], None) is None


def test_the_table_has_each_rate_and_why_it_has_no_loss() -> None:
    assert format_rates(TRIED).splitlines() == [
        "rate    held-out loss  note",
        "0.0001  2.0000",
        "0.001   1.0000",
        "0.01                   the loss is not finite",
    ]


def test_the_page_has_the_advice_and_the_curve(tmp_path: Path) -> None:
    page = write_rates(tmp_path, "robot-lora", TRIED, RateAdvice(1e-3, ('SET="training.learning_rate=0.001"',)), 30)
    text = page.read_text()
    assert '<p class="verdict">SET=&#34;training.learning_rate=0.001&#34;</p>' in text
    assert 'points="5.0,0.0 50.0,100.0"' in text
    assert '<th scope="row">0.01</th><td>-</td><td>2.5000</td><td>the loss is not finite</td>' in text
