from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipebook.errors import UserError
from recipebook.recipe.places import Place, Spot
from recipebook.recipe.yaml_source import load, parse, parse_value


def refusal(text: str) -> str:
    with pytest.raises(UserError) as caught:
        parse(text, "r.yaml")
    return str(caught.value)


def test_every_key_and_value_has_its_place() -> None:
    top, key, value, item = Place("r.yaml", 1, 1), Place("r.yaml", 1, 1), Place("r.yaml", 2, 3), Place("r.yaml", 2, 9)
    document = parse("a:\n  b: [x]\n", "r.yaml")
    assert document.data == {"a": {"b": ["x"]}}
    assert document.places == {
        (): Spot(top, top),
        ("a",): Spot(key, value),
        ("a", "b"): Spot(value, Place("r.yaml", 2, 6)),
        ("a", "b", 0): Spot(Place("r.yaml", 2, 7), Place("r.yaml", 2, 7)),
    }
    assert str(item) == "r.yaml:2:9"
    assert str(Place("SET")) == "SET"


def test_numbers_are_read_as_yaml_1_2_reads_them() -> None:
    text = "[2e-05, 1e5, 1.5, 5., .5e3, -3, 0, .inf, 010, '7', 1:30, 2026-01-01, 1_000, 0x1f]"
    assert parse_value(text) == [
        2e-05, 100000.0, 1.5, 5.0, 500.0, -3, 0, float("inf"), "010", "7", "1:30", "2026-01-01", "1_000", "0x1f",
    ]  # fmt: skip


def test_words_for_true_false_and_null_are_pyyamls() -> None:
    text = "[yes, off, True, null, ~, 'null', NO, n]"
    assert parse_value(text) == [True, False, True, None, None, "null", False, "n"]


def test_a_value_on_the_command_line_may_be_empty() -> None:
    assert parse_value("") is None


def test_merge_keys_keep_the_places_of_what_they_bring() -> None:
    document = parse("b: &b {x: 1, y: 2}\nc: {<<: *b, x: 3}\n", "r.yaml")
    assert document.data == {"b": {"x": 1, "y": 2}, "c": {"x": 3, "y": 2}}
    assert str(document.places[("c", "x")].value) == "r.yaml:2:16"
    assert str(document.places[("c", "y")].value) == "r.yaml:1:17"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", "r.yaml:3:1: key 'a' is given twice, first on line 1"),
        ("a:\n\tb: 1\n", "r.yaml:2:1: a tab indents this line; use spaces"),
        ("a: 1\n \tb: 1\n", "r.yaml:2:2: a tab indents this line; use spaces"),
        (
            "b: 1\na: [1\n",
            "r.yaml:3:1: did not find expected ',' or ']' (while parsing a flow sequence that begins on line 2)",
        ),
        ("a: @b\n", "r.yaml:1:4: '@' begins no value in YAML; put the value in quotes"),
        ('a: "b\\0"\n', "r.yaml:1:4: a NUL character, which no name, path or command can hold"),
        ('a: {"b\\0": 1}\n', "r.yaml:1:5: a NUL character, which no name, path or command can hold"),
        ("a: b: c\n", "r.yaml:1:5: mapping values are not allowed in this context"),
        ("- a\n", "r.yaml:1:1: the top is a list, not a mapping of keys"),
        ("hello\n", "r.yaml:1:1: the top is a single value, not a mapping of keys"),
        ("", "r.yaml:1:1: the file is empty"),
        ("# nothing\n", "r.yaml:1:1: the file is empty"),
        ("a: !thing 1\n", "r.yaml:1:4: unknown tag !thing"),
        ("a: !!python/name:os.system\n", "r.yaml:1:4: unknown tag !!python/name:os.system"),
        ("a: !!set {b}\n", "r.yaml:1:4: unknown tag !!set"),
        ("a: !!int x\n", "r.yaml:1:4: 'x' is not a value of !!int"),
        ("a: &x [*x]\n", "r.yaml:1:4: an anchor that contains itself"),
        ("a: *x\n", "r.yaml:1:4: found undefined alias"),
        ("a: 1\n---\nb: 1\n", "r.yaml:2:1: a second document begins here; a recipe is one"),
        ("a: é\x00\n", "r.yaml:1:5: control characters are not allowed"),
        ("on: 1\n", "r.yaml:1:1: key on is not text in YAML; put it in quotes"),
        ("a: {3: 1}\n", "r.yaml:1:5: key 3 is not text in YAML; put it in quotes"),
        ("? [a]\n: 1\n", "r.yaml:1:3: a key must be text, not a list or mapping"),
        ("a: {<<: 1}\n", "r.yaml:1:5: `<<` takes a mapping or a list of mappings"),
        ("a: " + 60 * "[", "r.yaml:1:53: nested deeper than 50 levels"),
        (100_000 * "[", "r.yaml:1:51: nested deeper than 50 levels"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_its_place(text: str, line: str) -> None:
    assert refusal(text) == line


def test_bytes_that_are_not_utf8_are_named_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(UserError, match=r"^r\.yaml:2:4: byte 0xff is not UTF-8$"):
        load(path, "r.yaml")


def test_a_byte_order_mark_and_windows_line_ends_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: x\r\n")
    document = load(path, "r.yaml")
    assert document.data == {"a": 1, "b": "x"}
    assert str(document.places[("b",)].key) == "r.yaml:2:1"


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^r\.yaml: cannot be read: No such file or directory$"):
        load(tmp_path / "r.yaml", "r.yaml")


@given(st.binary(max_size=60) | st.text(alphabet="ab:-[]{}&*!|>'\"# \t\n0.e<?,", max_size=60).map(str.encode))
def test_any_bytes_end_in_a_document_or_in_one_line(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "r.yaml"
    path.write_bytes(content)
    try:
        assert () in load(path, "r.yaml").places
    except UserError as error:
        assert str(error).startswith("r.yaml:")
        assert "\n" not in str(error)


LAUGHS = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 12)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{level}: &a{level} {{<<: [{','.join([f'*a{level - 1}'] * 10)}], k{level}: 1}}\n" for level in range(1, 12)
)
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{level}: &a{level} [*a{level - 1}]\n" for level in range(1, 2000))
KEYS = "axolotl:\n" + "".join(f"  key{number}: 1\n" for number in range(20_000))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (LAUGHS, "r.yaml:1:28: more than 10000 values, each alias counted as what it stands for"),
        (MERGES, "r.yaml:1:13: more than 10000 values, each alias counted as what it stands for"),
        (KEYS, "r.yaml:9999:12: more than 10000 values, each alias counted as what it stands for"),
        (CHAIN, "r.yaml:1:10: nested deeper than 50 levels"),
    ],
)
def test_what_would_take_long_is_refused_at_once(text: str, line: str) -> None:
    found = refusal(text)
    assert (found.partition(":")[0], found.partition(": ")[2]) == ("r.yaml", line.partition(": ")[2])


def test_own_keys_win_wherever_the_merge_stands() -> None:
    document = parse("b: &b {x: {u: 1, v: 2}, y: 2}\nc: {x: {u: 3}, <<: *b}\n", "r.yaml")
    assert document.data["c"] == {"x": {"u": 3}, "y": 2}
    assert ("c", "x", "v") not in document.places
    assert str(document.places[("c", "x", "u")].value) == "r.yaml:2:12"
