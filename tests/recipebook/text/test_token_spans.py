"""Which span a token is of, whatever the tokenizer cuts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipebook.text.inline_calls import mark_spans
from recipebook.text.token_spans import TextSpan, find_kinds

TEXT = "go <tool>stop()</tool> now"
SPANS: list[TextSpan] = [(3, 9, "position"), (9, 13, "tool"), (13, 22, "argument")]


@pytest.mark.parametrize(
    ("offsets", "kinds"),
    [
        ([(0, 3), (3, 9), (9, 13), (13, 22), (22, 26)], ["fluency", "position", "tool", "argument", "fluency"]),
        # " <tool" begins with the blank of the text before, ">st" with the opening's end, "op()" with the name.
        ([(0, 2), (2, 8), (8, 11), (11, 15), (15, 26)], ["fluency", "position", "position", "tool", "argument"]),
        ([(0, 26)], ["fluency"]),
        # A blank alone, and a token without text, as some tokenizers put at the start.
        ([(2, 3), (3, 3), (3, 4)], ["fluency", "position", "position"]),
    ],
)
def test_a_token_is_of_the_span_that_its_first_sign_stands_in(offsets: list[tuple[int, int]], kinds: list[str]) -> None:
    assert find_kinds(TEXT, offsets, SPANS) == kinds


def test_without_spans_all_is_fluency() -> None:
    assert find_kinds("go", [(0, 1), (1, 2)], []) == ["fluency", "fluency"]


@given(
    st.lists(
        st.sampled_from(["go", " ", "<tool>", "stop", "(x='1')", "()", "</tool>", "ठंड", "[A()]"]), max_size=20
    ).map("".join)
)
def test_one_token_a_character_gives_the_spans_back(text: str) -> None:
    marked = mark_spans(text)
    spans = [(span.start, span.end, span.kind) for span in marked if span.kind != "fluency"]
    kinds = find_kinds(text, [(at, at + 1) for at in range(len(text))], spans)
    assert kinds == [span.kind for span in marked for _ in range(span.end - span.start)]
