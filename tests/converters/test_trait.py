"""The trait converter: what is shown is asked for in words, and every pole is a point of its own."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.trait import POLES, WORDS, Options, convert, recognise, trait_vector
from recipebook.errors import UserError
from recipebook.options import check_options
from recipebook.rows import BadRecord, LeftOut

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
AMOUNTS = st.dictionaries(st.sampled_from(list(WORDS)), st.floats(-1, 1))
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "utterance": JSON | TEXTS,
        "traits": JSON | AMOUNTS | st.dictionaries(st.sampled_from(list(WORDS)), JSON),
        "source_metadata": JSON | st.fixed_dictionaries({"source": JSON}),
    },
)


# The machine may be busy: what is tested is no matter of milliseconds.
@settings(deadline=None)
@given(RECORDS)
def test_any_record_becomes_one_row_or_is_refused_with_a_reason(record: dict[str, Any]) -> None:
    try:
        (row,) = convert(record, Options())
    except BadRecord as reason:
        assert str(reason)
    else:
        assert [message["role"] for message in row["messages"]] == ["user", "assistant"]
        assert row["messages"][1]["content"] == record["utterance"].replace("\r\n", "\n")
        assert {type(value) for value in row["meta"].values()} == {str}


@settings(deadline=None)
@given(traits=AMOUNTS, pole=st.sampled_from(POLES))
def test_a_row_is_kept_by_exactly_the_poles_that_it_names(traits: dict[str, float], pole: Any) -> None:
    record = {"utterance": "ok", "traits": traits}
    (row,) = convert(record, Options())
    try:
        assert convert(record, Options(pole=pole)) == [row]
        kept = True
    except LeftOut as reason:
        assert str(reason) == f"under the threshold of {pole}"
        kept = False
    assert kept == (pole in row["meta"]["poles"].split())


def test_poles_stand_in_the_order_of_the_traits() -> None:
    assert list(POLES) == [f"{trait}_{side}" for trait in WORDS for side in ("plus", "minus")]


def test_a_pole_is_one_or_minus_one_at_its_own_trait() -> None:
    assert trait_vector("intellect_plus") == [1.0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    assert trait_vector("joy_plus") == [0, 0, 1.0, 0, 0, 0, 0, 0, 0, 0]
    assert trait_vector("wisdom_minus") == [0, 0, 0, -1.0, 0, 0, 0, 0, 0, 0]
    assert trait_vector("sarcasm_minus") == [0, 0, 0, 0, 0, 0, 0, 0, 0, -1.0]


def test_no_two_poles_share_a_vector_and_each_has_one_entry() -> None:
    vectors = [trait_vector(pole) for pole in POLES]
    assert len({tuple(vector) for vector in vectors}) == 20
    assert {tuple(sorted(map(abs, vector))) for vector in vectors} == {(0.0,) * 9 + (1.0,)}


def test_an_unknown_pole_has_no_vector() -> None:
    with pytest.raises(UserError, match=r"^no pole 'extraversion_plus'; there are: intellect_plus, intellect_minus, "):
        trait_vector("extraversion_plus")


def test_an_unknown_pole_is_a_mistake_in_a_recipe() -> None:
    with pytest.raises(UserError, match=r"^converter trait: option 'pole': Input should be 'intellect_plus', .* 'joy'"):
        check_options(Options, {"pole": "joy"}, "converter trait")


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), 10**400, -1.0001])
def test_amounts_beyond_one_are_refused(amount: float) -> None:
    with pytest.raises(BadRecord, match=r"^'joy' of 'traits' is not between -1 and 1$"):
        convert({"utterance": "ok", "traits": {"joy": amount}}, Options())


def test_rows_are_recognised_by_utterance_and_traits() -> None:
    assert recognise({"utterance": "ok", "traits": {}}) == "have 'utterance' and 'traits'"
    assert recognise({"utterance": "ok"}) is None
    assert recognise({"utterance": ["ok"], "traits": {}}) is None
