"""Calibration: tests reject 5 % of comparisons that differ by chance alone, and intervals hold the truth in 95 %.

Fewer situations than `python -m benchmarks.calibration` measures, with the same code.
"""

import pytest

from benchmarks.calibration import SITUATIONS, Situation, calibrate

_, MOSTLY_ALIKE, _, _, SCORES_OF_TURNS = SITUATIONS


@pytest.mark.parametrize(("situation", "n"), [(MOSTLY_ALIKE, 50), (SCORES_OF_TURNS, 50)])
def test_of_a_thousand_comparisons_the_promised_share_rejects_and_covers(situation: Situation, n: int) -> None:
    found = calibrate(situation, n, 1_000)
    assert 0.035 <= found.rejects <= 0.065
    assert all(0.93 <= share <= 0.97 for share in (found.mean, found.none, found.difference))
