"""What a turn has beside its text: a turn in, its message with a name, what the assistant thought, and a mark.

{"role": "assistant", "content": "Hello!", "thinking": "Who is it?", "weight": 0}
→ {"role": "assistant", "content": "Hello!", "reasoning_content": "Who is it?", "train": False}
"""

from typing import Any

from recipebook.data.marks import MARKS, read_mark
from recipebook.rows import BadRecord, LeftOut, Message

REASONING = ("reasoning_content", "reasoning", "thinking", "thought", "tool_plan")
"""The names that data has for what the assistant thinks before it answers."""

_EXTRAS = frozenset(("name", *REASONING, *MARKS))


def add_extras(message: Message, turn: dict[str, Any], place: str) -> None:
    """Add what a turn has beside its text to its message: what the assistant thought, a name, a mark."""
    if _EXTRAS.isdisjoint(turn):
        return
    if message["role"] == "assistant" and (thought := take_reasoning(turn, place)):
        message["reasoning_content"] = thought
    if names := _list_texts(turn, ("name",)):
        message["name"] = names[0]
    for key in sorted(MARKS.intersection(turn)):
        if turn[key] not in (None, "", []):
            learned = read_mark(key, turn[key])
            if learned is None:
                raise BadRecord(f"'{key}'{place} is neither 0 nor 1, so it cannot be followed")
            if not learned:
                message["train"] = False


def take_reasoning(holder: dict[str, Any], place: str = "") -> str | None:
    """What the assistant thought before it said what a turn, or a record, has; None where that is not there."""
    thoughts = _list_texts(holder, REASONING)
    if len(thoughts) > 1:
        given = [f"'{field}'" for field in REASONING if _list_texts(holder, (field,))]
        raise BadRecord(f"says two things under {' and '.join(given)}{place}")
    return thoughts[0] if thoughts else None


def _list_texts(turn: dict[str, Any], fields: tuple[str, ...]) -> list[str]:
    texts = [text for field in fields if type(text := turn.get(field)) is str and text and not text.isspace()]
    return [*dict.fromkeys(text.replace("\r\n", "\n") for text in texts)]


def check_marks(messages: list[Message]) -> None:
    """Leave out a chat in which nothing that the assistant says is to be learned."""
    for message in messages:
        if "train" in message:
            break
    else:
        return
    if all("train" in message for message in messages if message["role"] == "assistant"):
        raise LeftOut("all that the assistant says is marked as not to be learned")
