"""A good answer with calls in; worse answers by rules out. The words around the calls and their quotes stay.

    find red caps <tool>search(query='red caps')</tool> below 400 rupees
    wrong_tool       find red caps <tool>recommend(query='red caps')</tool> below 400 rupees
    worse_arguments  find red caps <tool>search(query='blue ties')</tool> below 400 rupees
    missing_step     find red caps below 400 rupees

`wrong_order` puts the calls into each other's places, the last first. Calls are inside a text, in any dialect of
recipebook/text/inline_calls.py, or are the whole answer: `robot.stop()`, one a line or separated by `;`.
"""

import ast
import random
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from recipebook.text.inline_calls import find_spans, take_out

MISTAKEN: dict[str, tuple[str, ...]] = {
    "search": ("recommend", "compare"),
    "recommend": ("search", "filter"),
    "compare": ("search", "translate"),
    "filter": ("search", "recommend"),
    "translate": ("search", "visual_search"),
    "visual_search": ("search", "compare"),
}
"""The shopping tools that are mistaken for each one."""
MAX_CHARS = 100_000

_LINE_START = re.compile(r"\n[\s;]*")

Values = Mapping[tuple[str, str], Sequence[str]]
"""Every value that a tool's argument has in any answer, as written."""


class Extent(NamedTuple):
    """The start and end of a part of a text."""

    start: int
    end: int


class Placed(NamedTuple):
    """A call of a text: all of it with its tags, its name alone, and the value of each argument."""

    name: str
    whole: Extent
    named: Extent
    values: dict[str, Extent]


class Mistakes(NamedTuple):
    """The material of mistakes: tools mistaken for each other, and other values of each argument."""

    mistaken: Mapping[str, Sequence[str]]
    values: Values


def find_placed(text: str) -> list[Placed]:
    """Find the calls of an answer, inside a text or as the whole answer; an empty list where there are none."""
    spans = find_spans(text)
    if not spans:
        return _read_code(text, 0)
    placed = []
    for span in spans:
        read = _read_code(text[span.named : span.closing + 1], span.named)
        values = read[0].values if len(read) == 1 else {}
        placed.append(Placed(span.name, Extent(span.start, span.end), Extent(span.named, span.opening), values))
    return placed


def collect_values(texts: Sequence[str]) -> dict[tuple[str, str], list[str]]:
    """The values that the calls of these texts give to each argument, sorted."""
    found: dict[tuple[str, str], set[str]] = {}
    for text in texts:
        for call in find_placed(text):
            for argument, (start, end) in call.values.items():
                found.setdefault((call.name, argument), set()).add(text[start:end])
    return {key: sorted(values) for key, values in found.items()}


def spoil(text: str, mistakes: Mistakes, rng: random.Random) -> list[tuple[str, str]]:
    """One worse answer by each rule that applies, in random order: the rule's name and the text."""
    calls = find_placed(text)
    spoiled = [(name, rule(text, calls, mistakes, rng)) for name, rule in rng.sample(list(RULES.items()), len(RULES))]
    return [(name, worse) for name, worse in spoiled if worse is not None and worse.strip() and worse != text]


def take_another_tool(text: str, calls: list[Placed], mistakes: Mistakes, rng: random.Random) -> str | None:
    """One call goes to another tool, with which its own is often confused."""
    known = [call for call in calls if mistakes.mistaken.get(call.name)]
    if not known:
        return None
    call = rng.choice(known)
    other = rng.choice(list(mistakes.mistaken[call.name]))
    return _replace(text, call.named, other.upper() if text[slice(*call.named)].isupper() else other)


def worsen_arguments(text: str, calls: list[Placed], mistakes: Mistakes, rng: random.Random) -> str | None:
    """One argument gets a value that another answer gives it."""
    options = []
    for call in calls:
        for argument, extent in call.values.items():
            others = [
                value for value in mistakes.values.get((call.name, argument), ()) if value != text[slice(*extent)]
            ]
            if others:
                options.append((extent, others))
    if not options:
        return None
    extent, others = rng.choice(options)
    return _replace(text, extent, rng.choice(others))


def reorder(text: str, calls: list[Placed], mistakes: Mistakes, rng: random.Random) -> str | None:
    """The same calls in each other's places, from the last to the first."""
    worse = text
    for here, there in zip(reversed(calls), calls, strict=True):
        worse = _replace(worse, here.whole, text[slice(*there.whole)])
    return worse


def leave_out(text: str, calls: list[Placed], mistakes: Mistakes, rng: random.Random) -> str | None:
    """One call is left out."""
    if not calls:
        return None
    at = rng.randrange(len(calls))
    if spans := find_spans(text):
        return take_out(text, [spans[at]])[0]
    start, end = calls[at].whole
    if at + 1 < len(calls):
        return text[:start] + text[calls[at + 1].whole.start :]
    return text[: calls[at - 1].whole.end] + text[end:] if at else None


Rule = Callable[[str, list[Placed], Mistakes, random.Random], str | None]
RULES: dict[str, Rule] = {
    "wrong_tool": take_another_tool,
    "worse_arguments": worsen_arguments,
    "wrong_order": reorder,
    "missing_step": leave_out,
}


def _replace(text: str, extent: Extent, other: str) -> str:
    return text[: extent.start] + other + text[extent.end :]


def _read_code(code: str, offset: int) -> list[Placed]:
    """The calls of a text that is Python calls alone and begins `offset` characters into the answer."""
    # A lone carriage return ends a line for Python alone.
    if len(code) > MAX_CHARS or "\r" in code:
        return []
    # Blank lines for `;` and blanks at the beginning of a line, which Python refuses; every place stays.
    code = _LINE_START.sub(lambda found: "\n" * len(found[0]), code)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return []
    lines = code.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def find(node: ast.expr) -> Extent:
        # Python counts bytes within a line.
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        start = starts[first] + len(lines[first].encode()[: node.col_offset].decode())
        end = starts[last] + len(lines[last].encode()[: node.end_col_offset].decode())
        return Extent(offset + start, offset + end)

    placed = []
    for statement in tree.body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call):
            return []
        named = find(call.func)
        values = {keyword.arg: find(keyword.value) for keyword in call.keywords if keyword.arg}
        values |= {f"#{at}": find(value) for at, value in enumerate(call.args)}
        name = code[named.start - offset : named.end - offset].lower()
        placed.append(Placed(name, find(call), named, values))
    return placed
