"""The power of a test set, before anything is trained."""

import math

import numpy as np
import pytest

from eval.report.power import LOST, describe_power, find_detectable
from eval.statistics.pairs import find_pairs_p
from eval.statistics.seeds import find_seeds_p, measure_seeds
from recipebook.recipe.evaluation_keys import Evaluation


def test_a_right_or_wrong_figure_is_told_in_points() -> None:
    settings = Evaluation(metrics={"robot": {}}, main="exact")
    # d = 2.8016 · √((2 · 0.05 + d - d²) / 618) for d = 0.0422.
    assert find_detectable(618) == pytest.approx(0.0422, abs=2e-4)
    assert math.isclose(0.0422, 2.8016 * math.sqrt((0.1 + 0.0422 - 0.0422**2) / 618), rel_tol=0.01)
    assert describe_power(settings, 618) == (
        "exact: with 618 test rows, differences under 4.2 points would often go unnoticed (80 % power), "
        "where tuning loses 1 row in 20"
    )
    assert "with 100 test rows" in describe_power(settings.model_copy(update={"limit": 100}), 618)


def test_other_figures_are_told_in_standard_deviations() -> None:
    # 2.8291 / √100, by the noncentral t of 99 degrees
    assert describe_power(Evaluation(metrics={"likelihood": {}}, main="nll"), 100) == (
        "nll: with 100 test rows, differences under 0.28 standard deviations of a row's difference would often go "
        "unnoticed (80 % power), where no row loses far more than the others"
    )
    # Of five rows p is 1/16 at least.
    assert describe_power(Evaluation(metrics={"likelihood": {}}, main="nll"), 5) == (
        "nll: with 5 test rows, hardly any difference would be found (80 % power)"
    )
    assert describe_power(Evaluation(), 100) == describe_power(Evaluation(metrics={"robot": {}}), 0) == ""


@pytest.mark.parametrize("rows", [30, 100, 618])
def test_the_difference_is_found_four_times_in_five(rows: int) -> None:
    gain, rng = find_detectable(rows), np.random.default_rng(rows)
    wins, losses, _ = rng.multinomial(rows, [LOST + gain, LOST, 1 - 2 * LOST - gain], size=4_000).T
    assert 0.77 <= float((find_pairs_p(wins, losses, rows) < 0.05).mean()) <= 0.9


def test_several_seeds_are_one_system_that_has_a_spread_of_its_own() -> None:
    settings = Evaluation(metrics={"robot": {}}, main="exact")
    assert describe_power(settings, 618, 5) == (
        "exact: with 618 test rows and 5 seeds, differences under 5.0 points would often go unnoticed (80 % power), "
        "where tuning loses 1 row in 20 and another seed changes the figure as much as other rows would"
    )
    assert "nll: with 100 test rows and 5 seeds, differences under 0.33 standard deviations of a row's" in (
        describe_power(Evaluation(metrics={"likelihood": {}}, main="nll"), 100, 5)
    )
    assert describe_power(settings, 5, 3) == (
        "exact: with 5 test rows and 3 seeds, hardly any difference would be found (80 % power)"
    )


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_several_seeds_find_that_difference_four_times_in_five(seeds: int) -> None:
    rng, rows = np.random.default_rng(seeds), 100
    gain = find_detectable(rows, seeds, binary=False)
    gains = gain + rng.normal(0, 1, (4_000, 1, rows)) + rng.normal(0, 0.1, (4_000, seeds, 1))
    base = np.stack([np.zeros((4_000, 1, rows)), np.ones((4_000, 1, rows))])
    found = find_seeds_p(measure_seeds([np.stack([gains, np.ones_like(gains)]), base])) < 0.05
    assert 0.77 <= float(found.mean()) <= 0.83
