"""What the best of several owes to luck, worked out by hand, and as a seed draws it."""

import warnings
from typing import Any

import pytest

from eval.comparing import selection
from eval.comparing.selection import estimate_optimism
from eval.scoring.figures import Result
from eval.statistics.estimates import Estimate

NONE = Estimate(n=0, undefined=0, mean=None, low=None, high=None)
EXACT = Result(figure="exact", explanation="", binary=True, tuned=NONE, base=None, difference=None, p_adjusted=None)


def rows(*values: float | None) -> list[dict[str, float | None]]:
    return [{"exact": value} for value in values]


def test_two_rows_by_hand() -> None:
    # Drawn twice, either row chooses the run that is right in it and leaves the other, in which that run is wrong.
    assert estimate_optimism([rows(1, 0), rows(0, 1)], EXACT, ["a", "b"], seed=42) == 0.5


def test_where_less_is_better_the_least_is_chosen() -> None:
    less = EXACT.model_copy(update={"less_is_better": True})
    assert estimate_optimism([rows(3, 8), rows(8, 3)], less, ["a", "b"], seed=42) == 8 - 5.5


def test_a_ratio_is_of_sums_and_rows_without_a_value_count_for_nothing() -> None:
    ratio = EXACT.model_copy(update={"figure": "share", "ratio": (("top",), ("bottom",))})

    def run(*parts: tuple[float | None, float | None]) -> list[dict[str, Any]]:
        return [{"share": None, "top": top, "bottom": bottom} for top, bottom in parts]

    one, other = run((2, 2), (None, 5), (0, 2)), run((0, 2), (5, None), (2, 2))
    assert estimate_optimism([one, other], ratio, ["a", "a", "b"], seed=42) == 0.5


@pytest.mark.parametrize(
    ("runs", "groups"),
    [([rows(1, 0)], ["a", "b"]), ([rows(1, 0), rows(0, 1)], ["a", "a"]), ([rows(1, 0), rows(None, None)], ["a", "b"])],
)
def test_what_cannot_be_told_is_none(runs: list[list[dict[str, float | None]]], groups: list[str]) -> None:
    assert estimate_optimism(runs, EXACT, groups, seed=42) is None


def test_what_is_left_of_no_draw_is_none() -> None:
    # Each run has something below the line in one group alone: the one it is chosen by, never the one left out.
    ratio = EXACT.model_copy(update={"figure": "share", "ratio": (("top",), ("bottom",))})
    one, other = ([{"top": top, "bottom": top} for top in tops] for tops in ((0.0, 1.0), (1.0, 0.0)))
    assert estimate_optimism([one, other], ratio, ["a", "b"], seed=42) is None


@pytest.mark.parametrize(("tops", "bottoms", "exponential"), [((1, 1), (0, 2), False), ((8000, 0), (1, 100), True)])
def test_draws_that_no_number_holds_are_left_out(
    tops: tuple[float, float], bottoms: tuple[float, float], exponential: bool
) -> None:
    # Drawn twice, the first group is 1 by 0, or e to the power of 8000.
    ratio = EXACT.model_copy(update={"ratio": (("top",), ("bottom",)), "exponential": exponential})
    run = [{"exact": None, "top": top, "bottom": bottom} for top, bottom in zip(tops, bottoms, strict=True)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert estimate_optimism([run, run], ratio, ["a", "b"], seed=42) is not None


def test_a_run_that_is_best_in_every_row_owes_nothing_to_luck() -> None:
    assert estimate_optimism([rows(0, 0, 0), rows(1, 1, 1)], EXACT, ["a", "b", "c"], seed=42) == 0.0


RUNS = [rows(1, 0, 3, 5, 2, None, 4), rows(2, 2, 2, None, 3, 1, 2), rows(0, 5, 1, 4, 1, 2, 3)]
GROUPS = [*"aabcdde"]


def test_a_choice_that_draws_make_look_worse_owes_nothing_to_luck() -> None:
    runs = [[{**row, "one": None if row["exact"] is None else 1.0} for row in run] for run in RUNS]
    raised = EXACT.model_copy(update={"ratio": (("exact",), ("one",)), "exponential": True})
    assert estimate_optimism(runs, raised, GROUPS, seed=42) == 0.0


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, 0.1527113652113652),
        ({"less_is_better": True}, 0.5873184555437478),
        ({"ratio": (("exact",), ("one",))}, 0.1527113652113652),
        ({"ratio": (("exact",), ("one",)), "exponential": True, "less_is_better": True}, 13.330984183433282),
        ({"ratio": (("exact",), ("exact", "one"))}, 0.05265348390348401),
    ],
)
def test_a_seed_draws_the_same_groups_on_every_machine(
    change: dict[str, Any], found: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [[{**row, "one": None if row["exact"] is None else 1.0} for row in run] for run in RUNS]
    result = EXACT.model_copy(update=change)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert estimate_optimism(runs, result, GROUPS, seed=42) == pytest.approx(found, rel=1e-9)
        assert estimate_optimism(runs, result, GROUPS, seed=43) != pytest.approx(found, rel=1e-9)
        # However few draws are made at once, even one, they are the same.
        for cells in (35, 2):
            monkeypatch.setattr(selection, "CELLS", cells)
            assert estimate_optimism(runs, result, GROUPS, seed=42) == pytest.approx(found, rel=1e-9)
