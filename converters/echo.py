"""Texts to copying exercises: what a small base model needs before an adapter can teach it a task.

    {"text": "robot.turn(angle=90.0)", "kind": "calls"}

becomes chats in which the assistant says the text back, quotes its words one by one, goes on from one of them, and,
where it has values (`90.0`, `"left"`), writes it again with values that the user lists. Nothing is answered by
another text, so no task's pair is ever shown.
"""

import random
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict

from recipebook.rows import BadRecord, Row

WORD = re.compile(r"[^\W\d_]+|\d+")
VALUE = re.compile(r'-?\d+\.\d+|-?\d+|(?<=")[^"]+(?=")')


class Options(BaseModel):
    """None: an exercise's form follows from the text alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def convert(record: dict[str, Any], options: Options) -> Iterator[Row]:
    """The exercises of one text; the same text makes the same exercises."""
    text = record.get("text")
    if not isinstance(text, str) or not text.strip():
        raise BadRecord("missing or empty 'text'")
    rng = random.Random(text)
    yield _exercise("echo", f"Say it back: {text}", text)
    if record.get("kind") == "words":
        return
    yield _exercise("quote", f"Quote the words: {text}", " ".join(f'"{word}"' for word in WORD.findall(text)))
    yield _exercise("continue", *_split(text, rng))
    values = VALUE.findall(text)
    if values:
        yield _exercise("fill", *_fill(text, values, rng))


def _exercise(form: str, said: str, answer: str) -> Row:
    return {
        "messages": [{"role": "user", "content": said}, {"role": "assistant", "content": answer}],
        "meta": {"exercise": form},
    }


def _split(text: str, rng: random.Random) -> tuple[str, str]:
    """The text, a few of its words as the cue, and what follows them."""
    words = text.split(" ")
    at = rng.randrange(len(words))
    return f'What follows "{words[at]}" in: {text}', " ".join(words[at:])


def _fill(text: str, values: list[str], rng: random.Random) -> tuple[str, str]:
    """The text with other values in its places; the user lists them in order, whole numbers as people say them."""
    numbers = [f"{rng.randint(1, 360)}.0" if rng.random() < 0.5 else str(rng.randint(-99, 99) / 10) for _ in values]
    fresh = [number if _is_number(value) else value for number, value in zip(numbers, values, strict=True)]
    if not text.startswith("robot."):
        fresh = [value.removesuffix(".0") for value in fresh]
    remaining, said = iter(fresh), [value.removesuffix(".0") for value in fresh]
    return f"Fill in {', '.join(said)}: {VALUE.sub('?', text)}", VALUE.sub(lambda _: next(remaining), text)


def _is_number(value: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", value) is not None
