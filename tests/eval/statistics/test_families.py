"""P-values that are looked at together, by hand."""

from eval.statistics.families import adjust_holm, share_level


def test_holm_multiplies_the_smallest_by_most_and_never_falls() -> None:
    assert adjust_holm([0.04, None, 0.01, 0.03]) == [0.06, None, 0.03, 0.06]
    assert adjust_holm([0.9, 0.8]) == [1.0, 1.0]


def test_a_larger_family_has_further_tests_whose_p_values_are_larger() -> None:
    # Of 6 tests: 0.001 six times, 0.01 five times, 0.3 four times.
    assert adjust_holm([0.01, 0.001, 0.3], family=6) == [0.05, 0.006, 1.0]
    assert adjust_holm([0.01, 0.001], family=1) == [0.01, 0.002]


def test_a_level_is_shared_by_all_tests() -> None:
    assert (share_level(1), share_level(5), share_level(0)) == (0.05, 0.01, 0.05)
