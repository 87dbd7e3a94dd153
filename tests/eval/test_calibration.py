"""Calibration: tests reject 5 % of comparisons that differ by chance alone, and intervals hold the truth in 95 %.

Fewer test sets than `python -m benchmarks.calibration` draws, by the same code, in the situations that were weak: few,
rare, unequal and heavy-tailed rows.
"""

import numpy as np
import pytest

from benchmarks.calibration import calibrate, compare, find_broken
from benchmarks.situations import SITUATIONS, Situation
from benchmarks.verdicts import is_broken, measure_choices, measure_leaderboard, measure_slices
from eval.statistics.estimates import compare as compare_values

BY_NAME = {situation.name: situation for situation in SITUATIONS}


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("n", [5, 20, 50])
def test_promises_are_kept(name: str, n: int) -> None:
    assert find_broken(calibrate(BY_NAME[name], n, 500)) == []


@pytest.mark.parametrize("name", ["right or wrong", "scores", "turns"])
def test_equal_models_are_rejected_no_more_often_and_not_much_less_often_than_promised(name: str) -> None:
    found = calibrate(BY_NAME[name], 100, 2_000)
    assert 0.035 <= found.rejects <= 0.065
    assert all(0.93 <= share <= 0.98 for share in (found.mean, found.none, found.gain))


@pytest.mark.parametrize("name", ["right or wrong", "scores", "95 % ties", "t with 2 degrees"])
def test_simulated_comparisons_are_those_of_reports(name: str) -> None:
    situation = BY_NAME[name]
    drawn = situation.draw(12, 20, np.random.default_rng(5))
    ones = np.ones_like(drawn.tuned)
    low, high, p = compare(np.stack([drawn.tuned, ones, drawn.worse, ones]), situation)
    for at, (tuned, worse) in enumerate(zip(drawn.tuned.tolist(), drawn.worse.tolist(), strict=True)):
        names = [str(row) for row in range(12)]
        one = compare_values(worse, tuned, names, binary=situation.single, share=situation.share)
        ends = [None if np.isnan(end[at]) else pytest.approx(end[at]) for end in (low, high)]
        assert [one.low, one.high] == ends
        assert one.p == pytest.approx(p[at])


def test_equal_runs_slices_and_systems_are_seldom_said_to_differ() -> None:
    measured = [*measure_leaderboard(20, 200), *measure_slices(400), *measure_choices(400)]
    assert [one.what for one in measured if is_broken(one)] == []


def test_a_promise_that_is_broken_is_named() -> None:
    kept = calibrate(Situation("scores", BY_NAME["scores"].draw), 20, 400)
    assert find_broken(kept._replace(rejects=0.12)) == ["equal models are rejected 8.2 times in 100 or more"]
    assert find_broken(kept._replace(gain=0.8, gain_warned=0.5)) == [
        "gain is held 80.0 times in 100, and warned of 50.0"
    ]
    assert find_broken(kept._replace(mean=0.8, mean_warned=1.0)) == []
