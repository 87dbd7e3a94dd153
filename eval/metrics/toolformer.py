"""Calls inside a text: an annotated text and its reference in, figures out.

    find red caps <tool>search(query='red caps')</tool> below 400 rupees

Calls are found in every dialect (recipebook/text/inline_calls.py); names compare without regard to case. Spacing,
quotes and the order of keywords do not count, 3 equals 3.0, True is not 1, and positional arguments get their names
from the tools' schemas. Each predicted call is partnered with at most one reference call of its name, the pairs that
share most arguments first. The arguments of a call without a partner are wrong. With P the calls predicted, R those of
the reference and M the pairs of partners:

    exact               1 if P and R are equal in names, arguments and order; two texts without calls are
    tool_accuracy       1 if the names in P are those in R, each as often, in any order
    tool_precision      |M| / |P|
    tool_recall         |M| / |R|
    tool_f1             2 |M| / (|P| + |R|)
    argument_precision  equal arguments (name, type and value) of partners / arguments of P
    argument_recall     equal arguments of partners / arguments of R
    argument_f1         2 equal arguments of partners / (arguments of P + arguments of R)
    argument_exact      of R, the share whose partner has its arguments and no others
    position_exact      of R, the share whose partner stands at the same position
    position_distance   mean of |position in P - position in R| over M, in characters
    order               of the pairs of calls in R, the share whose partners stand in the same order
    multi_step_exact    `exact`, where R has two calls or more
    valid               1 if every call in P is in the schemas: name, parameters, types, enum, range, none missing
    no_call             1 if P is empty, where R is
    text_equal          1 if both texts without their calls are the same, white space aside

A position is a number of characters, not bytes, in the text without calls. A figure that divides 0 by 0 is None, but
where neither P nor R has a call (an argument) the two agree, and precision and f1 are 1. None, too, are `tool_accuracy`
without calls in R, `multi_step_exact` with fewer than two, `no_call` with any, and `valid` without calls in P.
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from eval.reading.calls import Api, Call, is_valid, make_value, read_api
from eval.reading.pairing import compare_counts, count_equal, count_ordered, divide, find_partners
from eval.scoring.predictions import Prediction
from recipebook.frozen import Frozen
from recipebook.project import locate
from recipebook.text.inline_calls import InlineCall, find_calls, remove_calls

FIGURES = {
    "exact": "the calls, their order and every argument are right",
    "tool_accuracy": "the right tools are called, each as often as in the reference",
    "tool_precision": "share of the predicted calls that are in the reference",
    "tool_recall": "share of the reference's calls that were predicted",
    "tool_f1": "harmonic mean of tool precision and recall",
    "argument_precision": "share of the predicted arguments that are right",
    "argument_recall": "share of the reference's arguments that are right",
    "argument_f1": "harmonic mean of argument precision and recall",
    "argument_exact": "share of the reference's calls whose arguments are exactly right",
    "position_exact": "share of the reference's calls that are at the right position",
    "position_distance": "mean distance of a call from its right position, in characters",
    "order": "share of the pairs of calls that come in the right order",
    "multi_step_exact": "if the reference has several calls: all of them, their order and arguments are right",
    "valid": "every call made is in the tools' schemas, with arguments that they allow",
    "no_call": "if the reference has no call, none is made",
    "text_equal": "the text around the calls is right",
}
BINARY = frozenset({"exact", "tool_accuracy", "multi_step_exact", "valid", "no_call", "text_equal"})
LESS_IS_BETTER = frozenset({"position_distance"})
LEAST = {"position_distance": 0.0}

# 2: f1 and precision are 1 where neither answer nor reference has anything.
VERSION = 2


class Options(Frozen):
    """What a recipe may set."""

    tools: Path = Field(Path("samples/toolformer_tools.yaml"), description="the tools' file, from the project's folder")


class _Annotated(NamedTuple):
    """A text's calls in normal form, their positions, and the text without them or any blanks."""

    calls: list[Call]
    positions: list[int]
    words: str


def score(predictions: Sequence[Prediction], options: Options) -> list[dict[str, float | None]]:
    """Score annotated texts one by one, in order."""
    api = read_api(locate(options.tools))
    return [_score_one(_read(item.prediction, api), _read(item.reference, api), api) for item in predictions]


def list_evadable(options: Options) -> frozenset[str]:
    """An answer without calls has no precision, no validity and no distance."""
    return frozenset({"tool_precision", "argument_precision", "valid", "position_distance"})


def make_reader(options: Options) -> Callable[[str], Hashable]:
    """A function of a text that is equal for equal calls, order, arguments and positions."""
    api = read_api(locate(options.tools))

    def read(text: str) -> Hashable:
        calls, positions, _ = _read(text, api)
        named = [(call.name.lower(), frozenset(call.arguments.items())) for call in calls]
        return tuple(zip(named, positions, strict=True))

    return read


def _read(text: str, api: Api) -> _Annotated:
    found = find_calls(text)
    calls = [_normalise(call, list(api.get(call.name, ()))) for call in found]
    return _Annotated(calls, [call.position for call in found], "".join(remove_calls(text).split()))


def _normalise(call: InlineCall, names: list[str]) -> Call:
    arguments = {name: make_value(value) for name, value in call.arguments.items()}
    for position, value in enumerate(call.positional):
        named = position < len(names) and names[position] not in arguments
        arguments[names[position] if named else f"#{position}"] = make_value(value)
    return Call(call.name, arguments)


def _score_one(predicted: _Annotated, wanted: _Annotated, api: Api) -> dict[str, float | None]:
    partners = find_partners(predicted.calls, wanted.calls)
    pairs = [(predicted.calls[p], wanted.calls[w]) for w, p in partners.items()]
    distances = [abs(predicted.positions[p] - wanted.positions[w]) for w, p in partners.items()]
    count, exact = len(wanted.calls), float(predicted.calls == wanted.calls)
    same_names = Counter(call.name for call in predicted.calls) == Counter(call.name for call in wanted.calls)
    return {
        "exact": exact,
        "tool_accuracy": float(same_names) if count else None,
        **compare_counts("tool", len(pairs), len(predicted.calls), count),
        **compare_counts(
            "argument",
            sum(count_equal(one, other) for one, other in pairs),
            sum(len(call.arguments) for call in predicted.calls),
            sum(len(call.arguments) for call in wanted.calls),
        ),
        "argument_exact": divide(sum(one.arguments == other.arguments for one, other in pairs), count),
        "position_exact": divide(distances.count(0), count),
        "position_distance": divide(sum(distances), len(distances)),
        "order": divide(count_ordered(partners), math.comb(count, 2)),
        "multi_step_exact": exact if count > 1 else None,
        "valid": float(all(is_valid(call, api) for call in predicted.calls)) if predicted.calls else None,
        "no_call": None if count else float(not predicted.calls),
        "text_equal": float(predicted.words == wanted.words),
    }
