"""An unknown name and the known names to a hint: `; did you mean 'robot'? it has: echo, robot`.

A refused value to its short form for a message: `'a text of which only the beginning is sho...`.
"""

import json
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

FEW = 16


def suggest(name: str, known: list[str]) -> str:
    """`; did you mean 'x'?` when one is near, and the whole list when it is short."""
    near = find_near(name, known)
    hint = f"; did you mean '{near}'?" if near else ""
    if not near and known and len(known) <= FEW:
        hint = f"; it has: {', '.join(known)}"
    return hint


def offer(name: str, known: list[str]) -> str:
    """`; did you mean 'x'? it has: x, y`: names of files are few enough to be listed."""
    near = find_near(name, known)
    hint = f" did you mean '{near}'?" if near else ""
    return f";{hint} it has: {', '.join(known) or 'nothing yet'}"


def find_near(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`, whatever the case of either."""
    folded = {each.casefold(): each for each in known}
    near = get_close_matches(name.casefold(), folded, n=1)
    return folded[near[0]] if near else None


def quote(value: Any) -> str:
    """A value as a person wrote it, shortened."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return shorten(repr(value) if isinstance(value, str) else json.dumps(value))


def shorten(text: str, limit: int = 60) -> str:
    """A text of at most `limit` characters, in one line; one that was cut ends in three dots."""
    text = "".join(one if one.isprintable() else repr(one)[1:-1] for one in text[: limit + 1])
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
