"""The power of a test set, before anything is trained."""

import math

import numpy as np
import pytest

from eval.report.power import LOST, describe_power, find_detectable
from eval.statistics.pairs import find_pairs_p
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
    # 2.8016 / √100
    assert describe_power(Evaluation(metrics={"likelihood": {}}, main="nll"), 100).startswith(
        "nll: with 100 test rows, differences under 0.28 standard deviations of a row's difference"
    )
    assert describe_power(Evaluation(), 100) == describe_power(Evaluation(metrics={"robot": {}}), 0) == ""


@pytest.mark.parametrize("rows", [30, 100, 618])
def test_the_difference_is_found_four_times_in_five(rows: int) -> None:
    gain, rng = find_detectable(rows), np.random.default_rng(rows)
    wins, losses, _ = rng.multinomial(rows, [LOST + gain, LOST, 1 - 2 * LOST - gain], size=4_000).T
    assert 0.77 <= float((find_pairs_p(wins, losses, rows) < 0.05).mean()) <= 0.9
