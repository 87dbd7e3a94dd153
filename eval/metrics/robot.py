"""Calls of a robot's API: an answer and its reference in, figures between 0 and 1 out.

    robot.turn(direction="left", angle=90)
    ; robot.move_forward(2, speed=0.5)

Each call is on a line of its own or follows a `;`. Both texts are read as Python, never run: spacing, quotes and the
order of keywords do not count, 3 equals 3.0, True is not 1, and positional arguments get their names from the API.
Each predicted call is partnered with at most one reference call of its name, the pairs that share most arguments
first. The arguments of a call without a partner are wrong. With P the calls predicted, R those of the reference and
M the pairs of partners:

    parses              1 if every statement is a call with literal arguments, and there is one at least
    valid               1 if it parses and every call is in the API: name, parameters, types, enum, range, none missing
    exact               1 if the two sequences of calls are equal
    call_precision      |M| / |P|
    call_recall         |M| / |R|
    call_f1             2 |M| / (|P| + |R|)
    argument_precision  equal arguments (name, type and value) of partners / arguments of P
    argument_recall     equal arguments of partners / arguments of R
    argument_f1         2 equal arguments of partners / (arguments of P + arguments of R)
    numbers_exact       of the reference's numbers, the share that the partner has, equal, in the same parameter
    numbers_within      numbers_exact, where |predicted - reference| <= tolerance x |reference|, rounding aside, will do
    order               of the reference's pairs of calls, the share whose partners stand in the same order

A figure that divides 0 by 0 is None: `order` of a single call, `numbers_*` without numbers, `argument_recall` without
arguments in R, `argument_precision` without any in P. Where neither has an argument the two agree, and
`argument_precision` and `argument_f1` are 1. All but `parses` and `valid` are None if the reference does not parse. An
answer that does not parse scores 0 in every figure that is defined for its reference.
"""

import math
from collections.abc import Callable, Hashable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Annotated

from pydantic import Field

from eval.reading.calls import Api, Call, is_valid, parse_calls, read_api
from eval.reading.pairing import compare_counts, count_equal, count_ordered, divide, find_partners, is_within
from eval.scoring.predictions import Prediction
from recipebook.frozen import Frozen
from recipebook.project import PROJECT, locate

FIGURES = {
    "exact": "the calls, their order and every argument are right",
    "parses": "the answer is one or more Python calls",
    "valid": "every call is in the API, with arguments that it allows",
    "call_precision": "share of the predicted calls that are in the reference",
    "call_recall": "share of the reference's calls that were predicted",
    "call_f1": "harmonic mean of call precision and recall",
    "argument_precision": "share of the predicted arguments that are right",
    "argument_recall": "share of the reference's arguments that are right",
    "argument_f1": "harmonic mean of argument precision and recall",
    "numbers_exact": "share of the reference's numbers that are right",
    "numbers_within": "share of the reference's numbers that are right within the tolerance",
    "order": "share of the pairs of calls that come in the right order",
}
BINARY = frozenset({"exact", "parses", "valid"})

# 2: f1 and precision are 1 where neither answer nor reference has anything.
VERSION = 2


class Options(Frozen):
    """What a recipe may set."""

    api: Path = Field(Path("samples/robot_api.yaml"), description="the API's file, from the project's folder")
    tolerance: Annotated[float, Field(ge=0)] = Field(0.05, description="of numbers_within, as a share of the reference")


def check(options: Options, root: Path = PROJECT) -> None:
    """Refuse an API's file that cannot be read."""
    read_api(locate(options.api, root))


def score(predictions: Sequence[Prediction], options: Options) -> list[dict[str, float | None]]:
    """Score answers one by one, in order."""
    api = read_api(locate(options.api))
    # Answers and references repeat, and right ones are each other.
    read = cache(partial(parse_calls, api=api))
    return [_score_one(read(item.prediction), read(item.reference), api, options.tolerance) for item in predictions]


def list_evadable(options: Options) -> frozenset[str]:
    """An answer whose calls have no argument has no precision of arguments."""
    return frozenset({"argument_precision"})


def make_reader(options: Options) -> Callable[[str], Hashable | None]:
    """A function of an answer that is equal for equal calls, order and arguments; None if the answer does not parse."""
    api = read_api(locate(options.api))

    def read(text: str) -> Hashable | None:
        calls = parse_calls(text, api)
        return None if calls is None else tuple((call.name, frozenset(call.arguments.items())) for call in calls)

    return read


def _score_one(
    predicted: list[Call] | None, wanted: list[Call] | None, api: Api, tolerance: float
) -> dict[str, float | None]:
    scores: dict[str, float | None] = dict.fromkeys(FIGURES)
    scores["parses"] = float(predicted is not None)
    scores["valid"] = float(predicted is not None and all(is_valid(call, api) for call in predicted))
    if wanted is None:
        return scores
    scores["exact"] = float(predicted == wanted)
    partners = find_partners(predicted or [], wanted)
    pairs = [(predicted[p], wanted[w]) for w, p in partners.items()] if predicted else []
    scores |= compare_counts("call", len(pairs), len(predicted or ()), len(wanted))
    scores |= compare_counts(
        "argument",
        sum(count_equal(one, other) for one, other in pairs),
        sum(len(call.arguments) for call in predicted or ()),
        sum(len(call.arguments) for call in wanted),
    )
    if predicted is None:
        scores |= {"call_precision": 0.0, "argument_precision": 0.0, "argument_f1": 0.0}
    numbers = sum(value.kind == "number" for call in wanted for value in call.arguments.values())
    scores["numbers_exact"] = divide(sum(_count_near(one, other, 0) for one, other in pairs), numbers)
    scores["numbers_within"] = divide(sum(_count_near(one, other, tolerance) for one, other in pairs), numbers)
    scores["order"] = divide(count_ordered(partners), math.comb(len(wanted), 2))
    return scores


def _count_near(predicted: Call, wanted: Call, tolerance: float) -> int:
    near = 0
    for name, (kind, number) in wanted.arguments.items():
        answer = predicted.arguments.get(name)
        if kind == "number" and answer is not None and answer.kind == kind:
            near += answer.value == number or is_within(answer.value, number, tolerance * abs(number))
    return near
