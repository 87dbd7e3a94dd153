"""Spans of characters to kinds of tokens, by the tokenizer's offsets: what training weighs and evaluation measures.

    text "go <tool>stop()</tool>", offsets [(0, 2), (2, 9), (9, 13), (13, 22)],
    spans [(3, 9, "position"), (9, 13, "tool"), (13, 22, "argument")]
    → ["fluency", "position", "tool", "argument"]

A token that reaches into two spans belongs to the span of its first character that is not blank. A token in no span
is of the kind `fluency`.
"""

from collections.abc import Sequence

REST = "fluency"

TextSpan = tuple[int, int, str]


def find_kinds(text: str, offsets: Sequence[tuple[int, int]], spans: Sequence[TextSpan]) -> list[str]:
    """The kind of each token; the spans are sorted and do not overlap."""
    found, at = [], 0
    for start, end in offsets:
        token = text[start:end]
        first = start + len(token) - len(token.lstrip() or token)
        while at < len(spans) and spans[at][1] <= first:
            at += 1
        found.append(spans[at][2] if at < len(spans) and spans[at][0] <= first else REST)
    return found
