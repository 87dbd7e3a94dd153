"""As good but for a margin: not worse by the worse end of the interval, equivalent by both ends."""

from collections.abc import Callable

from eval.comparing.compare import compare_runs
from eval.comparing.evaluations import read_evaluation
from eval.comparing.margins import list_margins
from recipebook.run.rundir import Run

MakeRun = Callable[..., Run]
RIGHT = ["right"] * 100


def judge(make_run: MakeRun, first: list[str], other: list[str], margin: float) -> list[str]:
    runs = compare_runs([read_evaluation(make_run(answers)) for answers in (first, other)]).runs
    return list_margins("AB", runs, margin)


def test_two_equal_runs_are_equivalent_within_a_margin_that_the_rows_allow(make_run: MakeRun) -> None:
    # Without any row that differs, Tango's interval of 100 rows ends at 1.96² / (100 + 1.96²) = 0.037, and that of
    # 90 % at 1.645² / (100 + 1.645²) = 0.026.
    assert judge(make_run, RIGHT, RIGHT, 0.05) == [
        "B is not worse than A by more than 0.05 in exact: at most 0.037",
        "B and A are equivalent within 0.05 in exact: the 90 % interval of the difference is -0.026 to 0.026",
    ]
    assert judge(make_run, RIGHT, RIGHT, 0.03) == [
        "B is not shown to be at most 0.03 worse than A in exact: it may be 0.037 worse",
        "B and A are equivalent within 0.03 in exact: the 90 % interval of the difference is -0.026 to 0.026",
    ]


def test_a_better_run_is_not_worse_and_not_equivalent(make_run: MakeRun) -> None:
    worse, equal = judge(make_run, ["no"] * 20 + RIGHT[20:], RIGHT, 0.05)
    assert worse.startswith("B is not worse than A by more than 0.05 in exact: it is better by 0.")
    assert equal == "B and A are not shown to be equivalent within 0.05 in exact"
