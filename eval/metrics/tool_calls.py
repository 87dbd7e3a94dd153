"""Calls of tools as a chat template writes them: an answer and its reference in, figures between 0 and 1 out.

    <tool_call>{"name": "book_table", "arguments": {"restaurant": "Roma", "people": 4}}</tool_call>

A call is an object in JSON with a `name` and its `arguments` (Llama's templates write `parameters`), alone, in a list
or between any marks. The order of arguments and the spacing of JSON do not count, 3 equals 3.0, true is not 1. Each
predicted call is partnered with at most one reference call of its name, the pairs that share most arguments first. The
arguments of a call without a partner are wrong. With P the calls predicted, R those of the reference and M the pairs
of partners:

    calls_exact         1 if P and R are equal in names, arguments and order
    tool_precision      |M| / |P|
    tool_recall         |M| / |R|
    tool_f1             2 |M| / (|P| + |R|)
    argument_precision  equal arguments (name, type and value) of partners / arguments of P
    argument_recall     equal arguments of partners / arguments of R
    argument_f1         2 equal arguments of partners / (arguments of P + arguments of R)
    no_call             1 if P is empty, where R is

All but `no_call` are None where the reference has no call, and `no_call` is None where it has one.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eval.reading.calls import Call, make_value
from eval.reading.pairing import compare_counts, count_equal, find_partners
from eval.scoring.predictions import Prediction
from recipebook.frozen import Frozen

FIGURES = {
    "calls_exact": "the calls, their order and every argument are right",
    "tool_precision": "share of the predicted calls that are in the reference",
    "tool_recall": "share of the reference's calls that were predicted",
    "tool_f1": "harmonic mean of tool precision and recall",
    "argument_precision": "share of the predicted arguments that are right",
    "argument_recall": "share of the reference's arguments that are right",
    "argument_f1": "harmonic mean of argument precision and recall",
    "no_call": "if the reference has no call, none is made",
}
BINARY = frozenset({"calls_exact", "no_call"})

_ARGUMENTS = ("arguments", "parameters")
_DECODER = json.JSONDecoder()


class Options(Frozen):
    """None."""


def score(predictions: Sequence[Prediction], options: Options) -> list[dict[str, float | None]]:
    """Score answers one by one, in order."""
    return [_score_one(_read(item.prediction), _read(item.reference)) for item in predictions]


def list_evadable(options: Options) -> frozenset[str]:
    """An answer without calls has no precision."""
    return frozenset({"tool_precision", "argument_precision"})


def _score_one(predicted: Sequence[Call], wanted: Sequence[Call]) -> dict[str, float | None]:
    if not wanted:
        return dict.fromkeys(FIGURES) | {"no_call": float(not predicted)}
    partners = find_partners(predicted, wanted)
    equal = sum(count_equal(predicted[p], wanted[w]) for w, p in partners.items())
    arguments = [sum(len(call.arguments) for call in calls) for calls in (predicted, wanted)]
    return {
        "calls_exact": float(predicted == wanted),
        **compare_counts("tool", len(partners), len(predicted), len(wanted)),
        **compare_counts("argument", equal, *arguments),
        "no_call": None,
    }


def _read(text: str) -> list[Call]:
    return [call for found in _find_objects(text) if (call := _read_call(found))]


def _read_call(found: Mapping[str, Any]) -> Call | None:
    name = found.get("name")
    if not isinstance(name, str):
        return None
    try:
        return Call(name, {key: make_value(value) for key, value in _find_arguments(found).items()})
    except RecursionError:
        # Nested hundreds of times: no call of any tool.
        return None


def _find_arguments(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """A call's arguments, which some templates write as JSON within JSON."""
    given: Any = next((found[key] for key in _ARGUMENTS if key in found), {})
    if isinstance(given, str):
        given = next(_find_objects(given), {})
    return given if isinstance(given, dict) else {}


def _find_objects(text: str) -> Iterator[dict[str, Any]]:
    """The outermost objects in a text, from left to right."""
    at = text.find("{")
    while at >= 0:
        try:
            found, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield found
        at = text.find("{", end)
