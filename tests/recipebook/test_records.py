"""Records from JSON: integers of any length keep their digits, wherever they stand."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipebook.records import find_repeated_key, holds_long_number, load_json, parse
from recipebook.rows import BadRecord


def test_integers_beyond_64_bits_keep_their_digits() -> None:
    text = b'{"wei": 1000000000000000000001, "low": -9223372036854775809, "big": 9007199254740993, "x": 0.1}'
    value = {"wei": 1000000000000000000001, "low": -9223372036854775809, "big": 9007199254740993, "x": 0.1}
    assert parse(text) == value
    assert load_json(text.decode()) == value


def test_a_number_of_too_many_digits_is_a_bad_record() -> None:
    found = parse(b'{"a": ' + b"1" * 5000 + b"}")
    assert isinstance(found, BadRecord)


@given(
    before=st.text(st.sampled_from("a 1,-")),
    digits=st.integers(2**64, 2**80) | st.integers(-(2**80), -(2**63) - 1),
    after=st.text(st.sampled_from(" ,]a")),
)
def test_a_long_number_is_found_wherever_it_stands(before: str, digits: int, after: str) -> None:
    assert holds_long_number(f"{before}{digits}{after}".encode())


@given(value=st.recursive(st.integers() | st.text() | st.none(), lambda inner: st.lists(inner, max_size=3)))
def test_what_json_writes_is_loaded_as_it_was(value: object) -> None:
    assert load_json(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"é": NaN}', "not JSON: NaN is no value of it"),
        ('{"a": -Infinity}', "not JSON: Infinity is no value of it"),
        ('{"a": True}', "not JSON: True is no value of it"),
        ("{'a': 1}", "not JSON: single quotes, as Python writes them"),
        ('{"a": 1 // one', "not JSON: a comment"),
        ('{"a": 1,}', "not JSON: trailing comma is not allowed"),
        ('{"a": "\tb"}', "not JSON: unexpected control character in string"),
    ],
)
def test_usual_mistakes_are_named(text: str, why: str) -> None:
    assert str(parse(text.encode())) == why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": 1, "a": 2}', "has 'a' twice in one object"),
        ('{"x": [{"a" : "b", "a":"c"}]}', "has 'a' twice in one object"),
        ('{"a": {"b": null, "b": 0}, "c": "say: \\"b\\": 1"}', "has 'b' twice in one object"),
    ],
)
def test_an_object_with_two_values_under_one_key_is_a_bad_record(text: str, why: str) -> None:
    assert str(parse(text.encode())) == why


def test_a_key_that_is_written_twice_with_one_value_takes_nothing_away() -> None:
    assert parse(b'{"a": [1], "a": [1]}') == {"a": [1]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(st.sampled_from(':" a\\'), max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.sampled_from(':"a'), max_size=2), inner),
    max_leaves=12,
)


@given(JSON, st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]), st.booleans())
def test_a_key_is_found_twice_exactly_where_it_is(value: object, separators: tuple[str, str], twice: bool) -> None:
    text = json.dumps({"x": value, "y": 1}, separators=separators)
    text = text.replace("{", "{" + f'"x"{separators[1]}"?"{separators[0]}', 1) if twice else text
    assert (find_repeated_key(text, json.loads(text)) is not None) == (twice and value != "?")
