"""How much a call helps a model: the loss on what follows without its result, less the loss with it.

    measure_utility(speaker, [Tried("the Nova watch costs 2400 rupees", 20, "price(item='Nova watch')", "2400 rupees")])
    → [0.71]

The filter of Toolformer (Schick et al. 2023, section 2, "Filtering API Calls"): with c the call, r its result, e(…)
their text before the text x, and i the place of the call,

    L(z) = - sum over j from i of w(j - i) log p(x_j | z, x_1 … x_j-1),   w(t) in proportion to max(0, 1 - t / 5)
    utility = min(L(nothing), L(e(c))) - L(e(c, r))

Calls are put before the whole text, since one in the middle would disturb a model that knows no calls.
"""

from collections.abc import Sequence
from typing import NamedTuple

from eval.asking.likelihood import measure_tokens
from recipebook.text.inline_calls import format_call
from stages._answers import Speaker

WEIGHTS = (5 / 15, 4 / 15, 3 / 15, 2 / 15, 1 / 15)
ARROW = " → "


class Tried(NamedTuple):
    """A call tried at a place of a text: its name and arguments as written, and the tool's result."""

    text: str
    position: int
    name: str
    arguments: str
    result: str


def measure_utility(speaker: Speaker, tried: Sequence[Tried], batch_size: int) -> list[float]:
    """The utility of each call, in nats; a call helps by its result, or not at all."""
    couples = []
    for one in tried:
        call = format_call(one.name, one.arguments)
        before, following = one.text[: one.position], one.text[one.position :]
        couples += [(before, following), (f"{call}{ARROW}\n{before}", following)]
        couples.append((f"{call}{ARROW}{one.result}\n{before}", following))
    losses = [_weigh(odds) for odds in measure_tokens(speaker.model, speaker.tokenizer, couples, batch_size)]
    thirds = zip(losses[::3], losses[1::3], losses[2::3], strict=True)
    return [min(nothing, call) - with_result for nothing, call, with_result in thirds]


def _weigh(odds: Sequence[float]) -> float:
    return -sum(weight * one for weight, one in zip(WEIGHTS, odds, strict=False))
