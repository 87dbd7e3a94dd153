"""Rated chats in, as `make chat LOG=file` writes them and people rate them; their answers, each with its prompt, out.

    {"messages": [{"role": "user", "content": "stop"}, {"role": "assistant", "content": "ok", "rating": "up"}]}
    {"messages": [{"role": "user", "content": "stop"}, {"role": "assistant", "content": "ok"}], "rating": 2}
    {"messages": [{"role": "user", "content": "stop"}], "candidates": ["robot.stop()", "ok"], "choice": 0}

A rating is a thumb ("up", "down", true, false) or stars from 1 to 5, of one answer, or on the line for its last answer.
A choice is the better one's number, 0 or 1, or "tie".
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from recipebook.errors import UserError
from recipebook.suggestions import shorten

Thumb = Literal["up", "down"]
THUMBS = {"up": 1.0, "down": 0.0}
STARS = (1, 2, 3, 4, 5)


class RatedAnswer(NamedTuple):
    """An answer and the messages before it; `score` is from 0 (bad) to 1 (good), None without a rating."""

    prompt: tuple[dict[str, Any], ...]
    tools: tuple[dict[str, Any], ...]
    text: str
    score: float | None
    stars: int | None = None

    @property
    def key(self) -> str:
        """The same for answers to the same prompt."""
        return json.dumps([self.prompt, self.tools], sort_keys=True)


class Chat(NamedTuple):
    """One line: its answers in order, which of two was chosen, and how many answers were cut off."""

    messages: tuple[dict[str, Any], ...]
    answers: tuple[RatedAnswer, ...]
    candidates: tuple[RatedAnswer, ...] = ()
    choice: int | None = None
    truncated: int = 0


def read_chats(path: Path) -> list[Chat]:
    """Every chat of a JSONL file; a UserError with the line of one that is none."""
    try:
        # A line ends with a line feed alone: JSON leaves other separators, such as U+2028, in texts as they are.
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start + 1}") from None
    chats = [_read_chat(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not chats:
        raise UserError(f"{path}: no chats in it")
    return chats


def _read_chat(line: str, place: str) -> Chat:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise UserError(f"{place}: not JSON: {error}") from None
    given = record.get("messages") if isinstance(record, dict) else None
    if not isinstance(given, list) or not all(isinstance(one, dict) and "role" in one for one in given):
        raise UserError(f"{place}: 'messages' must be a list of messages, each with a role")
    messages = tuple({key: value for key, value in one.items() if key != "rating"} for one in given)
    tools = record.get("tools") or []
    if not isinstance(tools, list) or not all(isinstance(one, dict) for one in tools):
        raise UserError(f"{place}: 'tools' must be a list of objects")
    answers = tuple(_list_answers(given, messages, tuple(tools), record.get("rating"), place))
    truncated = record.get("truncated") or 0
    if not isinstance(truncated, int):
        raise UserError(f"{place}: 'truncated' must be the number of answers that were cut off")
    if "candidates" not in record:
        return Chat(messages, answers, truncated=truncated)
    return Chat(messages, answers, *_read_choice(record, messages, tuple(tools), place), truncated)


def _list_answers(
    given: list[dict[str, Any]],
    messages: tuple[dict[str, Any], ...],
    tools: tuple[dict[str, Any], ...],
    overall: Any,
    place: str,
) -> Iterator[RatedAnswer]:
    at_answers = [
        at for at, one in enumerate(given) if one["role"] == "assistant" and isinstance(one.get("content"), str)
    ]
    for at in at_answers:
        rating = given[at].get("rating", overall if at == at_answers[-1] else None)
        yield RatedAnswer(messages[:at], tools, given[at]["content"], *_read_rating(rating, place))


def _read_rating(rating: Any, place: str) -> tuple[float | None, int | None]:
    if rating is None:
        return None, None
    if isinstance(rating, bool):
        return float(rating), None
    if isinstance(rating, str) and rating in THUMBS:
        return THUMBS[rating], None
    if rating in STARS and isinstance(rating, int):
        return (rating - 1) / 4, rating
    raise UserError(f"{place}: rating {shorten(repr(rating))} is neither up, down, true, false nor stars from 1 to 5")


def _read_choice(
    record: dict[str, Any], messages: tuple[dict[str, Any], ...], tools: tuple[dict[str, Any], ...], place: str
) -> tuple[tuple[RatedAnswer, ...], int | None]:
    texts, choice = record["candidates"], record.get("choice")
    if not isinstance(texts, list) or len(texts) != 2 or not all(isinstance(text, str) for text in texts):
        raise UserError(f"{place}: 'candidates' must be two texts")
    if isinstance(choice, bool) or choice not in (0, 1, "tie", None):
        raise UserError(f"{place}: choice {shorten(repr(choice))} is neither 0, 1 nor tie")
    both = tuple(RatedAnswer(messages, tools, text, None) for text in texts)
    return both, choice if isinstance(choice, int) else None
