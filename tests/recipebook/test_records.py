"""Records from JSON: integers of any length keep their digits, wherever they stand."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipebook.records import find_repeated_key, holds_long_number, load_json, parse, parse_lines
from recipebook.rows import BadRecord
from recipebook.sources.blocks import Position
from recipebook.sources.json_files import read


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


CHARACTERS = st.sampled_from('"\\:{,u02 aé')
TEXTS = st.text(CHARACTERS, max_size=4) | st.sampled_from(["a", '"a": 1, "a": 2', "\\u0022", '{"a":1,"a":2}'])
SPACES = st.sampled_from(["", " ", "\t"])


@st.composite
def write_text(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """A string of JSON, in which some characters are written by their number."""
    written = json.dumps(draw(texts), ensure_ascii=False)[1:-1]
    by_number = {'\\"': "\\u0022", "a": "\\u0061", ":": "\\u003a"}
    pieces = re.findall(r"\\.|[^\\]", written)
    return '"' + "".join(by_number.get(piece, piece) if draw(st.booleans()) else piece for piece in pieces) + '"'


@st.composite
def write_object(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    """An object of JSON; its keys are few, so that some come twice."""
    keys = st.lists(write_text(st.sampled_from(["a", 'a"', "b", ":"])), max_size=3)
    pairs = [f"{key}{draw(SPACES)}:{draw(SPACES)}{draw(inner)}" for key in draw(keys)]
    return "{" + f"{draw(SPACES)},{draw(SPACES)}".join(pairs) + "}"


VALUES = st.recursive(
    st.sampled_from(["null", "1", "1.0", "true"]) | write_text(TEXTS),
    lambda inner: write_object(inner) | st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
    max_leaves=12,
)


def repeats_a_key(text: str) -> bool:
    """Whether any object of a JSON text has two values under one key, by the standard library alone."""
    found = False

    def look(pairs: list[tuple[str, Any]]) -> list[Any]:
        nonlocal found
        seen: dict[str, str] = {}
        for key, value in pairs:
            found = found or seen.setdefault(key, json.dumps(value)) != json.dumps(value)
        # An object is a list of its last values: what a reader is left with.
        return ["object", *dict(pairs).items()]

    json.loads(text, object_pairs_hook=look)
    return found


@settings(max_examples=500)
@given(st.lists(write_object(VALUES), min_size=1, max_size=4))
def test_a_key_is_found_twice_exactly_where_it_is(texts: list[str]) -> None:
    twice = list(map(repeats_a_key, texts))
    assert [find_repeated_key(text, json.loads(text)) is not None for text in texts] == twice
    read = list(parse_lines([text.encode() + b"\n" for text in texts], odd=False))
    assert [isinstance(value, BadRecord) for value in read] == twice
    assert all(value == json.loads(text) for text, value, bad in zip(texts, read, twice, strict=True) if not bad)


def test_a_repeated_key_is_found_in_any_block_of_a_file(tmp_path: Path) -> None:
    lines = [f'{{"input": "say: {number}", "output": "a"}}\n' for number in range(50_000)]
    lines[40_000] = '{"input": "go", "output": "a", "inp\\u0075t": "stop"}\n'
    path = tmp_path / "in.jsonl"
    path.write_text("".join(lines))
    bad = [record for record in read(path, "in.jsonl", Position(), {}) if isinstance(record.value, BadRecord)]
    assert [(record.number, str(record.value)) for record in bad] == [(40_001, "has 'input' twice in one object")]
