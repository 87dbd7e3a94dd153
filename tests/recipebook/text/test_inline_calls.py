"""Inline calls are found in every dialect, taken out without a trace, written so that they are read as they were."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipebook.text.call_arguments import DEEPEST
from recipebook.text.inline_calls import (
    InlineCall,
    find_calls,
    find_spans,
    format_call,
    insert_calls,
    mark_spans,
    remove_calls,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
PIECES = ["<tool>", "</tool>", "[", "]", "(", ")", "{", "}", "'", '"', ",", "=", ":", "-->", "\\", " ", "\n", "a",
          "GR(", "<tool>f(", "[A(", ")]", ")</tool>", "x='", "1.5", "क"]  # fmt: skip
MANGLED = st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | TEXTS
NUMBERS = st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | MANGLED,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MANGLED, inner, max_size=3),
    max_leaves=6,
)
NAMES = st.from_regex(r"[a-z_][a-z0-9_.]{0,9}", fullmatch=True)
DIALECTS = st.sampled_from(["tag", "bracket"])


def read_one(text: str) -> tuple[str, dict[str, Any], list[Any]]:
    (call,) = find_calls(text)
    assert (call.start, call.end) == (0, len(text))
    return call.name, call.arguments, call.positional


def test_a_tag_is_found_with_its_place() -> None:
    text = "I need caps <tool>search(query='red caps', max_price=400)</tool> today."
    assert find_calls(text) == [InlineCall("search", {"query": "red caps", "max_price": 400}, [], 12, 64, 11)]
    assert remove_calls(text) == "I need caps today."


@pytest.mark.parametrize(
    ("text", "name", "arguments", "positional"),
    [
        ("<tool>stop()</tool>", "stop", {}, []),
        ("<tool> shop.search(query='a') </tool>", "shop.search", {"query": "a"}, []),
        ("[SEARCH(query='a', n=1)]", "search", {"query": "a", "n": 1}, []),
        ('[Api(key="a", other=-2.5e3)]', "api", {"key": "a", "other": -2500.0}, []),
        ("[A(x=True, y=false, z=None, w=null)]", "a", {"x": True, "y": False, "z": None, "w": None}, []),
        ("[A(x=1e999, y=red caps)]", "a", {"x": "1e999", "y": "red caps"}, []),
        ("[A({'text': 'कोट, लाल', 'to': ['hi', 'en']})]", "a", {"text": "कोट, लाल", "to": ["hi", "en"]}, []),
        ("[A({'k': 1}, 2)]", "a", {}, [{"k": 1}, 2]),
        ("[A(x=[1, [2, {'a': {}}], []], y={1, 2})]", "a", {"x": [1, [2, {"a": {}}], []], "y": [1, 2]}, []),
        ("[A(x='women's shoes', n=1)]", "a", {"x": "women's shoes", "n": 1}, []),
        ("[A(x='he said 'no', then', y='b')]", "a", {"x": "he said 'no', then", "y": "b"}, []),
        ("[A(x='the (old) 'best' [one]')]", "a", {"x": "the (old) 'best' [one]"}, []),
        ('[A(x="5" tall", y=2)]', "a", {"x": '5" tall', "y": 2}, []),
        (r"[A(x='it\'s', y='a\\b\nc\u0915\x41\q')]", "a", {"x": "it's", "y": "a\\b\ncकAq"}, []),
        ("[A(x='(a)] b')]", "a", {"x": "(a)] b"}, []),
        ("[A(x='[B(1)] <tool>c()</tool>')]", "a", {"x": "[B(1)] <tool>c()</tool>"}, []),
        ('[GR(GL("gpr", {"bull"}), "toolx:radius")-->r]', "gr", {}, ['GL("gpr", {"bull"})', "toolx:radius"]),
        ('[GR(GL("f"), "t:r", entity#/m/0b, r#/a./b)]', "gr", {}, ['GL("f")', "t:r", "entity#/m/0b", "r#/a./b"]),
        ("[A(x=men's (size 8), y=2)]", "a", {"x": "men's (size 8)", "y": 2}, []),
        ("[A(x=(1)]", "a", {}, ["x=(1"]),
        ("[A(x=1) y=2)]", "a", {}, ["x=1) y=2"]),
    ],
)
def test_arguments_are_read(text: str, name: str, arguments: dict[str, Any], positional: list[Any]) -> None:
    assert read_one(text) == (name, arguments, positional)


def test_text_cut_in_the_middle_of_a_quotation_ends_where_the_call_ends() -> None:
    text = "She liked it [RECOMMEND(user_profile='general', context='She said 'this is the best camera I ever own')]."
    assert [(call.name, call.arguments) for call in find_calls(text)] == [
        ("recommend", {"user_profile": "general", "context": "She said 'this is the best camera I ever own"})
    ]
    assert remove_calls(text) == "She liked it."


@pytest.mark.parametrize(
    "text",
    ["", "no calls", "a [1] b", "a (b) c", "[see this]", "[note(s) of 3]", "[SEARCH(query='a'", "<tool>search(a)",
     "<tool>search</tool>", "<tool>(a)</tool>", "search(a)</tool>", "<tool>search(query='a')]", "[3(x)]", "[क(x)]"],
)  # fmt: skip
def test_text_without_a_whole_call_stays(text: str) -> None:
    assert find_calls(text) == []
    assert remove_calls(text) == text
    assert mark_spans(text) == ([(0, len(text), "fluency")] if text else [])


def test_an_opening_that_is_never_closed_hides_no_later_call() -> None:
    assert [(call.name, call.arguments) for call in find_calls("[A(x=' [B(y='b')] <tool>c( [D()]")] == [
        ("b", {"y": "b"}),
        ("d", {}),
    ]


def test_a_stray_quote_does_not_reach_into_the_next_call() -> None:
    assert [call.arguments for call in find_calls("[A(x='it's)] and [B(y='z')]")] == [{"x": "'it's"}, {"y": "z"}]


@pytest.mark.parametrize(
    ("annotated", "plain", "positions"),
    [
        ("a [C()] b", "a b", [1]),
        ("a[C()]b", "ab", [1]),
        ("a [C()].", "a.", [1]),
        ("a [C()]  [D()] .", "a.", [1, 1]),
        ("कोट [C()] ।", "कोट।", [3]),
        ("[C()] a", "a", [0]),
        ("a [C()]", "a", [1]),
        ("a [C()] ", "a", [1]),
        (" a [C()] b ", " a b ", [2]),
        ("a [C()]\n\nb", "a\n\nb", [1]),
        ("a\n[C()]\nb", "a\nb", [1]),
        ("a\n[C()] b", "a\nb", [1]),
        ("a [C()] b [D()] c", "a b c", [1, 3]),
        ("[C()]", "", [0]),
    ],
)
def test_a_call_leaves_one_blank_between_two_words_and_none_elsewhere(
    annotated: str, plain: str, positions: list[int]
) -> None:
    assert remove_calls(annotated) == plain
    assert [call.position for call in find_calls(annotated)] == positions


def test_spans_are_marked_by_the_loss_they_belong_to() -> None:
    text = "A <tool>f(x=1)</tool> b [GR(c)-->r]"
    assert [(text[start:end], kind) for start, end, kind in mark_spans(text)] == [
        ("A ", "fluency"),
        ("<tool>", "position"),
        ("f", "tool"),
        ("(x=1)", "argument"),
        ("</tool> b ", "fluency"),
        ("[", "position"),
        ("GR", "tool"),
        ("(c)", "argument"),
        ("-->r]", "fluency"),
    ]


@given(MANGLED)
def test_marked_spans_cover_any_text_without_gaps(text: str) -> None:
    marked = mark_spans(text)
    assert "".join(text[start:end] for start, end, _ in marked) == text
    assert all(start < end for start, end, _ in marked)


@pytest.mark.parametrize(
    ("name", "arguments", "dialect", "written"),
    [
        ("search", {"query": "it's", "n": 2}, "tag", r"<tool>search(query='it\'s', n=2)</tool>"),
        ("search", {"query": "a", "tags": ["b", None]}, "bracket", "[SEARCH(query='a', tags=['b', None])]"),
        ("f", {"max price": 1.5, "x": {"y": True}}, "tag", "<tool>f({'max price': 1.5, 'x': {'y': True}})</tool>"),
        ("f", "GL(a), 'b'", "bracket", "[F(GL(a), 'b')]"),
        ("f", {}, "tag", "<tool>f()</tool>"),
        ("f", {"x": "see [B(1)]\n"}, "tag", r"<tool>f(x='see \x5bB(1)]\n')</tool>"),
    ],
)
def test_calls_are_written(name: str, arguments: Any, dialect: Any, written: str) -> None:
    assert format_call(name, arguments, dialect) == written


@given(NAMES, st.dictionaries(MANGLED, VALUES, max_size=3), DIALECTS, MANGLED)
def test_what_is_written_is_read_as_it_was(name: str, arguments: dict[str, Any], dialect: Any, after: str) -> None:
    call = find_calls(format_call(name, arguments, dialect) + after)[0]
    assert (call.name, call.arguments, call.positional) == (name, arguments, [])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_what_is_no_json_value_is_not_written(value: object) -> None:
    with pytest.raises(ValueError, match="nested too deeply or no number"):
        format_call("f", {"x": value})


def test_values_nested_too_deeply_are_not_written_and_stay_text_when_read() -> None:
    deep: list[Any] = []
    for _ in range(DEEPEST):
        deep = [deep]
    with pytest.raises(ValueError, match="nested too deeply or no number"):
        format_call("f", {"x": deep})
    ((_, arguments, _),) = [read_one(f"[F(x={'[' * 5000}{']' * 5000})]")]
    for _ in range(DEEPEST):
        (arguments["x"],) = arguments["x"]
    assert arguments == {"x": "[" * (5000 - DEEPEST) + "]" * (5000 - DEEPEST)}


WORDS = st.lists(st.text("abक", min_size=1, max_size=5), min_size=1, max_size=6)


@given(WORDS, st.lists(st.tuples(NAMES, st.integers(0, 5)), max_size=4), DIALECTS)
def test_inserted_calls_come_out_again_at_their_positions(
    words: list[str], chosen: list[tuple[str, int]], dialect: Any
) -> None:
    text = " ".join(words)
    ends = [0, *(len(" ".join(words[:count])) for count in range(1, len(words) + 1))]
    positions = sorted(ends[min(at, len(words))] for _, at in chosen)
    annotated = insert_calls(text, [format_call(name, {"x": 1}, dialect) for name, _ in chosen], positions)
    found = find_calls(annotated)
    assert [(call.name, call.position) for call in found] == [
        (name, position) for (name, _), position in zip(chosen, positions, strict=True)
    ]
    assert remove_calls(annotated).replace(" ", "") == text.replace(" ", "")


@given(MANGLED)
def test_any_text_is_read_and_keeps_what_is_no_call(text: str) -> None:
    spans = find_spans(text)
    kept, at = "", 0
    for span in spans:
        kept, at = kept + text[at : span.start], span.end
    assert "".join(remove_calls(text).split()) == "".join((kept + text[at:]).split())
    assert len(find_calls(text)) == len(spans)


@pytest.mark.parametrize(
    "piece",
    ["[A(", "[A(()] ", "<tool>a(", "='x ", "[A(='", "[A(=',", "'[A(',", "[A(x='it's ", "[A(x=[{", ", ", "' ", "[A",
     "<tool> ", "[A(b [A(c) ", "(", "[A(x='a'b', y='c'd')] ", "\\", "x=1, ", "[A(){"],
)  # fmt: skip
@pytest.mark.parametrize("prefix", ["", "[A(x='"])
def test_reading_takes_time_linear_in_the_text(piece: str, prefix: str) -> None:
    text = prefix + piece * (200_000 // len(piece)) + ")]"
    start = time.process_time()
    find_calls(text)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("[F(a='1', b='[{'n': 'x', 'v': '1/2'}]')]", {"a": "1", "b": "[{'n': 'x', 'v': '1/2'}]"}),
        ("<tool>f(a='{'b': 'c, d'}', x=1)</tool>", {"a": "{'b': 'c, d'}", "x": 1}),
        ('[F(a="[{"n": "x"}, {"n": "y"}]")]', {"a": '[{"n": "x"}, {"n": "y"}]'}),
        ("[F(a='[it's fine]', b='[', c='d')]", {"a": "[it's fine]", "b": "[", "c": "d"}),
    ],
)
def test_a_string_that_is_a_list_or_an_object_may_hold_the_quotes_around_it(
    text: str, arguments: dict[str, Any]
) -> None:
    (call,) = find_calls(text)
    assert (call.arguments, call.positional) == (arguments, [])


def test_megabytes_of_strings_that_begin_with_brackets_take_one_pass() -> None:
    for text in (
        "[F(a=" + "'[" * 100_000,
        "[F(" + "a='[x], " * 50_000,
        "[F(" + "a='[" * 50_000 + "]', " * 50_000 + ")]",
    ):
        assert len(find_calls(text)) <= 1
