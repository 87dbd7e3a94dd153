"""Items of a dialogue that are a question and its answer each, as in Capybara and ms-swift, as turns.

{"input": "hi", "output": "Hello!"} → user "hi", assistant "Hello!"
{"system": "Be kind.", "input": "hi", "output": "Hello!", "output_with_loss": false} → with a system turn, not learned
"""

from typing import Any

from converters._fields import take_text
from recipebook.rows import BadRecord

TURN_PAIRS = (("input", "output"), ("human", "assistant"), ("user", "assistant"), ("question", "answer"))
"""The names of the two texts."""
BESIDE = ("system", "output_with_loss")
"""What may stand beside them: a system prompt, and whether the answer is to be learned (XTuner)."""


def find_turn_pair(turn: Any, speakers: tuple[str, ...]) -> tuple[str, str] | None:
    """The names of the two texts that an item holds, where it names no speaker."""
    if type(turn) is not dict or not turn.keys().isdisjoint(speakers):
        return None
    return next((pair for pair in TURN_PAIRS if pair[0] in turn and pair[1] in turn), None)


def holds_turn_pairs(listed: Any, speakers: tuple[str, ...]) -> bool:
    """Whether a list has such items."""
    return type(listed) is list and bool(listed) and find_turn_pair(listed[0], speakers) is not None


def split_pair(turn: Any, pair: tuple[str, str], field: str) -> list[dict[str, Any]]:
    """The two turns of an item of the list `field`."""
    if type(turn) is not dict or not turn.keys() >= set(pair):
        raise BadRecord(f"an item of '{field}' has not both '{pair[0]}' and '{pair[1]}'")
    said = [take_text(turn, name, f" of an item of '{field}'") for name in pair]
    turns = [{"role": role, "content": text} for role, text in zip(("user", "assistant"), said, strict=True)]
    if turn.get("system"):
        turns.insert(0, {"role": "system", "content": turn["system"]})
    if turn.get("output_with_loss") is not None:
        turns[-1]["loss"] = turn["output_with_loss"]
    return turns
