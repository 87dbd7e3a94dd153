"""Differences that a reader sees together: each interval says what its adjusted p-value says."""

from collections.abc import Sequence
from functools import partial

import pytest

from eval.statistics.estimates import Difference, compare
from eval.statistics.judging import Compare, judge_apart, judge_together

ROWS = [str(number) for number in range(20)]


def compare_wins(wins: int) -> Compare:
    return partial(_compare, [0.0] * 20, [1.0] * wins + [0.0] * (20 - wins))


def _compare(base: Sequence[float], tuned: Sequence[float], level: float) -> Difference:
    return compare(base, tuned, ROWS, binary=True, level=level)


def leave_out(_: float) -> None:
    return None


def test_a_side_figure_that_is_not_shown_has_an_interval_that_holds_0() -> None:
    # Six wins and no loss: 2 / 2⁶, which two more figures make three times as large.
    alone, *_ = judge_together([compare_wins(6)])
    assert alone.difference and alone.difference.low
    assert (alone.p, alone.difference.low > 0) == (2 / 64, True)
    _, side, *rest = judge_apart([compare_wins(6)], [compare_wins(6), compare_wins(1), compare_wins(0)])
    assert side.difference
    assert side.p == pytest.approx(6 / 64)
    assert side.difference.low == 0.0
    assert [one.p for one in rest] == [1.0, 1.0]


def test_the_main_figure_is_judged_as_if_there_were_no_other() -> None:
    with_others = judge_apart([compare_wins(6)], [compare_wins(1)] * 11)
    assert with_others[0] == judge_together([compare_wins(6)])[0]


def test_where_holm_rejects_more_than_intervals_of_one_level_do_the_interval_ends_at_0() -> None:
    # 2 / 2⁸ times 2 is below 0.05, and then 2 / 2⁶ alone is, which is above 0.05 / 2.
    first, second = judge_together([compare_wins(8), compare_wins(6)])
    assert first.difference and second.difference
    assert first.difference.low and first.difference.low > 0
    assert (second.p, second.difference.low) == (2 / 64, 0.0)


def test_what_has_no_p_value_is_no_part_of_the_family() -> None:
    alone, together = judge_together([compare_wins(6)]), judge_together([compare_wins(6), leave_out])
    assert together == [*alone, (None, None)]
