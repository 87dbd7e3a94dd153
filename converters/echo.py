"""Texts to copying exercises: what a small base model needs before an adapter can teach it a task.

    {"text": "robot.turn(angle=90.0)", "kind": "calls"}

becomes a chat in which the assistant repeats the text, quotes its words one by one, or continues from one of them. If
the text has values (`90.0`, `"left"`), the assistant also repeats it with values that the user lists. A text of the
kind `words` or `chain` is a bag of words; words are drawn from it many times, to be repeated or, as a chain, taken
apart. No two draws are the same, since a model that reads one twice remembers it instead of copying. No answer comes
from another text, so no question of a task is ever shown with its answer.
"""

import itertools
import random
import re
from typing import Any

from recipebook.data.fields import RECORD_HARMLESS, Fields
from recipebook.frozen import Frozen
from recipebook.rows import BadRecord, Row

# Not \w, which leaves out the vowel signs of Devanagari.
WORD = re.compile(r"[^\s\d!-/:-@\[-`{-~।]+|\d+")
DRAWS = 5
LINKS = (", then ", " and then ", ", and then ", ", after that ")
VALUE = re.compile(r'-?\d+\.\d+|-?\d+|(?<=")[^"]+(?=")')

FIELDS = Fields("record", {"text": None, "kind": None}, RECORD_HARMLESS)


class Options(Frozen):
    """None: an exercise's form follows from the text alone."""


def convert(record: dict[str, Any], options: Options) -> list[Row]:
    """The exercises of one text; the same text makes the same exercises."""
    text = record.get("text")
    if not isinstance(text, str) or not text.strip():
        raise BadRecord("missing or empty 'text'")
    rng = random.Random(text)
    draw = {"words": _echo, "chain": _take_apart}.get(str(record.get("kind")))
    if draw:
        words = text.split()
        return [draw(" ".join(rng.sample(words, rng.randint(1, len(words)))), rng) for _ in range(DRAWS)]
    rows = [exercise(text, rng) for exercise in rng.sample((_echo, _quote, _continue), 2)]
    values = VALUE.findall(text)
    if values:
        rows.append(_exercise("fill", *_fill(text, values, rng)))
    return rows


def _exercise(form: str, said: str, answer: str) -> Row:
    return {
        "messages": [{"role": "user", "content": said}, {"role": "assistant", "content": answer}],
        "meta": {"exercise": form},
    }


def _echo(text: str, rng: random.Random) -> Row:
    return _exercise("echo", f"Say it back: {text}", text)


def _take_apart(text: str, rng: random.Random) -> Row:
    """The words as a chain of up to four parts in; each part on its own line out."""
    words = text.split()
    cuts = sorted(rng.sample(range(1, len(words)), min(rng.randrange(4), len(words) - 1)))
    parts = [" ".join(words[start:end]) for start, end in itertools.pairwise([0, *cuts, len(words)])]
    return _exercise("lines", f"One by one: {rng.choice(LINKS).join(parts)}", "\n".join(parts))


def _quote(text: str, rng: random.Random) -> Row:
    return _exercise("quote", f"Quote the words: {text}", " ".join(f'"{word}"' for word in WORD.findall(text)))


def _continue(text: str, rng: random.Random) -> Row:
    """A word of the text as the cue, and what follows it."""
    words = text.split(" ")
    at = rng.randrange(len(words))
    return _exercise("continue", f'What follows "{words[at]}" in: {text}', " ".join(words[at:]))


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
