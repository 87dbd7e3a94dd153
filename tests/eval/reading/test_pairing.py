"""Predicted calls beside the wanted ones, paired by hand."""

import pytest

from eval.reading.calls import Call, Value
from eval.reading.pairing import compare_counts, count_equal, count_ordered, divide, find_partners, is_within


def call(name: str, **arguments: float | str) -> Call:
    return Call(
        name, {key: Value("string" if isinstance(value, str) else "number", value) for key, value in arguments.items()}
    )


def test_calls_are_partners_by_their_name() -> None:
    assert find_partners([call("a", x=1)], [call("b"), call("a", x=1)]) == {1: 0}
    assert find_partners([call("a")], [call("b")]) == {}
    assert find_partners([], [call("a")]) == {}


def test_those_that_share_most_arguments_are_paired_first() -> None:
    predicted = [call("a", x=1), call("a", x=1, y=2)]
    wanted = [call("a", x=1, y=2), call("a", x=3)]
    assert find_partners(predicted, wanted) == {0: 1, 1: 0}
    assert find_partners(predicted, wanted[:1]) == {0: 1}


def test_of_equal_pairs_the_first_wanted_takes_the_first_predicted() -> None:
    assert find_partners([call("a"), call("a"), call("a")], [call("a"), call("a")]) == {0: 0, 1: 1}


def test_each_call_is_the_partner_of_one() -> None:
    assert find_partners([call("a", x=1)], [call("a", x=1), call("a", x=1)]) == {0: 0}
    assert find_partners([call("a", x=1), call("a", x=1)], [call("a", x=1)]) == {0: 0}


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (call("a", x=1, y="left"), call("b", x=1, y="left"), 2),
        (call("a", x=1, y="left"), call("a", x=1, y="right"), 1),
        (call("a", x=1), call("a", x="1"), 0),
        (call("a", x=1), call("a", y=1), 0),
        (call("a", x=1), call("a"), 0),
        (call("a"), call("a"), 0),
    ],
)
def test_arguments_are_shared_by_name_type_and_value(one: Call, other: Call, shared: int) -> None:
    assert count_equal(one, other) == shared
    assert count_equal(other, one) == shared


def test_counts_become_precision_recall_and_f1() -> None:
    assert compare_counts("calls", 2, 4, 8) == {"calls_precision": 0.5, "calls_recall": 0.25, "calls_f1": 4 / 12}
    assert compare_counts("calls", 0, 0, 1) == {"calls_precision": None, "calls_recall": 0.0, "calls_f1": 0.0}
    assert compare_counts("calls", 0, 2, 0) == {"calls_precision": 0.0, "calls_recall": None, "calls_f1": 0.0}


def test_an_answer_and_a_reference_that_both_have_nothing_agree() -> None:
    assert compare_counts("calls", 0, 0, 0) == {"calls_precision": 1.0, "calls_recall": None, "calls_f1": 1.0}


@pytest.mark.parametrize(
    ("answer", "wanted", "tolerance"),
    [(2.1, 2, 0.1), (1.9, 2, 0.1), (1.05, 1, 0.05), (0.95, 1, 0.05), (0.525, 0.5, 0.025), (10.5, 10, 0.5)],
)
def test_a_number_on_the_edge_of_the_tolerance_is_within_it(answer: float, wanted: float, tolerance: float) -> None:
    assert is_within(answer, wanted, tolerance)
    assert not is_within(answer + 0.001 * (answer - wanted), wanted, tolerance)


def test_no_tolerance_is_none() -> None:
    assert is_within(2, 2.0, 0)
    assert not is_within(2 + 1e-12, 2, 0)


def test_a_share_of_nothing_is_none() -> None:
    assert (divide(1, 4), divide(0, 4), divide(0, 0)) == (0.25, 0.0, None)


@pytest.mark.parametrize(
    ("partners", "ordered"),
    [
        ({}, 0),
        ({0: 3}, 0),
        ({0: 0, 1: 1, 2: 2}, 3),
        ({2: 2, 1: 1, 0: 0}, 3),
        ({0: 2, 1: 1, 2: 0}, 0),
        ({0: 1, 2: 0, 3: 2}, 2),
    ],
)
def test_pairs_in_the_same_order_are_counted(partners: dict[int, int], ordered: int) -> None:
    assert count_ordered(partners) == ordered
