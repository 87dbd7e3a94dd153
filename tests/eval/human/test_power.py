"""What a study of people finds is known before anybody is asked, and a study of that size finds it."""

import numpy as np
import pytest

from eval.human.power import TASTE, describe_power, find_detectable
from eval.statistics.seeds import find_seeds_p, measure_seeds

LEVEL, SETS = 0.05 / 4, 1_000


def test_a_single_evaluator_is_compared_over_conversations_alone() -> None:
    # Both deviations of 1 over 100 conversations: an error of √2 / 10, and 2.82913 by the noncentral t of 99 degrees.
    assert find_detectable(100, 1, 0.05) == pytest.approx(2.82913 * np.sqrt(2) / 10, abs=1e-4)


@pytest.mark.parametrize("people", [3, 5, 10])
def test_a_difference_of_that_size_is_found_four_times_in_five(people: int) -> None:
    rng, shape = np.random.default_rng(people), (SETS, people, 100)
    gain = find_detectable(100, people, LEVEL)
    tastes, conversations = TASTE * rng.normal(size=(SETS, people, 1)), rng.normal(size=(SETS, 1, 100))
    ratings = gain + tastes + conversations + rng.normal(size=shape)
    found = float((find_seeds_p(measure_seeds([np.stack([ratings, np.ones(shape)])])) < LEVEL).mean())
    assert 0.77 <= found <= 0.83


def test_more_people_and_more_conversations_find_less() -> None:
    assert find_detectable(100, 5, 0.05) > find_detectable(100, 10, 0.05) > find_detectable(1_000, 10, 0.05)


def test_the_line_names_what_it_assumes() -> None:
    assert describe_power(100, 5, 2) == (
        "with 100 conversations and 5 evaluators, differences in a rating under 0.83 points would often go unnoticed "
        "(80 % power), where conversations and judgements deviate by 1 point each, and evaluators' leanings by 0.3"
    )
    assert describe_power(100, 1, 2).endswith("what other people would say is not known of one evaluator")
    assert describe_power(100, 2, 2) == (
        "with 100 conversations and 2 evaluators hardly any difference is found (80 % power): so few say little of "
        "other people"
    )
    # Of three conversations p is 1/4 at least, whatever people say.
    assert describe_power(3, 5, 2) == "with 3 conversations and 5 evaluators no difference can be found"
    assert describe_power(1, 3, 2) == "with 1 conversation and 3 evaluators no difference can be found"
