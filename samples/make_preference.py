"""Makes preference pairs: a shopper's request, the tools that answer it, and tools that do not.

    {"input": "hello, suggest 3 winter caps and then please compare Nova and Vero",
     "chosen_response": {"tool_sequence": ["recommend(context='winter caps', num_items=3)",
                                           "compare(items=['Nova', 'Vero'])"],
                         "quality_score": 4.6, "reasoning": "all that is asked for"},
     "rejected_response": {"tool_sequence": ["compare(items=['Nova', 'Vero'])"], "quality_score": 2.5,
                           "reasoning": "a step is left out"},
     "metadata": {"rejection_type": "missing_step"}}

Requests have one or two steps in the words of `make_toolformer`. The mistakes of the rejected sequence take turns:
another tool, worse arguments, and, with several steps, a wrong order or a step left out. The worse the mistake,
the lower its score, within two tenths. The same seed makes the same file:

    python -m samples.make_preference --count 1500 --seed 11 --out samples/preference.jsonl
"""

import random
from collections.abc import Callable
from itertools import cycle, islice
from typing import Any

from recipebook.text.inline_calls import format_call
from samples._generator import draw_new, write_sample
from samples.make_toolformer import ASKING, ENGLISH, Clause
from stages._spoil import MISTAKEN

GOOD = "all that is asked for"
Steps = list[Clause]


def take_another_tool(rng: random.Random, steps: Steps) -> Steps:
    """One step calls another tool, with which its own is often confused."""
    at = rng.randrange(len(steps))
    return [*steps[:at], steps[at]._replace(tool=rng.choice(MISTAKEN[steps[at].tool])), *steps[at + 1 :]]


def worsen_arguments(rng: random.Random, steps: Steps) -> Steps:
    """One step gets the arguments of another request."""
    at = rng.randrange(len(steps))
    (make_clause,) = [maker for maker, tool in zip(ASKING, MISTAKEN, strict=True) if tool == steps[at].tool]
    other = steps[at]
    while other.arguments == steps[at].arguments:
        other = make_clause(rng, ENGLISH)
    return [*steps[:at], other, *steps[at + 1 :]]


def reorder(rng: random.Random, steps: Steps) -> Steps:
    """The right steps one after the other, from the last to the first."""
    return steps[::-1]


def leave_out(rng: random.Random, steps: Steps) -> Steps:
    """All steps but one."""
    at = rng.randrange(len(steps))
    return [*steps[:at], *steps[at + 1 :]]


Spoil = Callable[[random.Random, Steps], Steps]
MISTAKES: dict[str, tuple[Spoil, float, str]] = {
    "wrong_tool": (take_another_tool, 1.8, "another tool"),
    "worse_arguments": (worsen_arguments, 3.2, "other arguments"),
    "wrong_order": (reorder, 3.4, "wrong order"),
    "missing_step": (leave_out, 2.6, "a step is left out"),
}
"""The function that spoils a sequence, the highest score it then has, and the reason."""
KINDS = [(1, "wrong_tool"), (2, "wrong_order"), (1, "worse_arguments"), (2, "missing_step"),
         (2, "wrong_tool"), (2, "wrong_order"), (2, "worse_arguments"), (2, "missing_step")]  # fmt: skip
"""The number of steps and the mistake, in turns."""


def make(count: int, seed: int) -> list[dict[str, Any]]:
    """`count` records with requests that differ, the mistakes taking turns."""
    rng = random.Random(seed)
    seen: set[str] = set()
    return [_make_new(rng, length, kind, seen) for length, kind in islice(cycle(KINDS), count)]


def _make_new(rng: random.Random, length: int, kind: str, seen: set[str]) -> dict[str, Any]:
    """A record whose request was not made before."""

    def draw() -> tuple[str, Steps]:
        steps = [make_clause(rng, ENGLISH) for make_clause in rng.sample(ASKING, length)]
        return rng.choice(ENGLISH.openers) + rng.choice(ENGLISH.links).join(step.text for step in steps), steps

    request, steps = draw_new(draw, seen, "requests")
    return _pair(rng, request, steps, kind)


def _pair(rng: random.Random, request: str, steps: Steps, kind: str) -> dict[str, Any]:
    spoil, score, reason = MISTAKES[kind]
    return {
        "input": request,
        "chosen_response": _respond(steps, rng.randint(42, 50) / 10, GOOD),
        "rejected_response": _respond(spoil(rng, steps), round(score - rng.randint(0, 2) / 10, 1), reason),
        "metadata": {"rejection_type": kind},
    }


def _respond(steps: Steps, score: float, reason: str) -> dict[str, Any]:
    calls = [format_call(step.tool, step.arguments).removeprefix("<tool>").removesuffix("</tool>") for step in steps]
    return {"tool_sequence": calls, "quality_score": score, "reasoning": reason}


if __name__ == "__main__":
    write_sample(__doc__, make, count=1500, seed=11)
