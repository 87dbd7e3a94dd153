"""Figures as readers see them never contradict what was found."""

import pytest

from eval.report.pages import format_detectable, format_difference, format_number, format_p, format_probability
from eval.statistics.estimates import Difference


@pytest.mark.parametrize(
    ("p", "cell", "words"),
    [
        (0.0, "<0.001", "p < 0.001"),
        (0.00099, "<0.001", "p < 0.001"),
        (0.001, "0.001", "p = 0.001"),
        (0.0494, "0.049", "p = 0.049"),
        # Below the level, so a difference is shown, and rounded it would say that none is.
        (0.0496, "<0.050", "p < 0.050"),
        (0.05, "0.050", "p = 0.050"),
        (0.0504, "0.050", "p = 0.050"),
        (1.0, "1.000", "p = 1.000"),
    ],
)
def test_a_p_value_is_on_the_side_of_the_level_that_it_is_judged_by(p: float, cell: str, words: str) -> None:
    assert (format_p(p), format_probability(p)) == (cell, words)


def test_a_small_difference_is_not_printed_as_none() -> None:
    small = Difference(
        n=40_000, groups=40_000, mean=0.0003, low=0.0001, high=0.00048, test="", p=0.003, detectable=0.0004
    )
    assert format_difference(small) == "+0.0003 [0.0001, 0.0005]"
    assert format_difference(small.model_copy(update={"mean": -0.0, "low": -0.0002})) == "+0.000 [-0.0002, 0.0005]"
    assert format_detectable("nll", False, 0.16, "a few differ much") == (
        "differences in nll under 0.160 often go unnoticed (80 % power is not sure: a few differ much)"
    )
    assert format_detectable("exact", True, 0.0004) == (
        "differences in exact under 0.04 points often go unnoticed (80 % power)"
    )


def test_large_figures_have_fewer_decimals() -> None:
    assert [format_number(one) for one in (99.96, 100.0, 4402.189)] == ["99.960", "100.0", "4402"]
    # A perplexity that 20 digits would push out of its column.
    assert [format_number(one) for one in (9_999_999.0, 51_021_461_017_153_511_424.0)] == ["9999999", "5.1e+19"]
    assert format_number(-2e8, "+") == "-2e+08"
