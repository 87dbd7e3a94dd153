"""Prompts of a run in; what all of them begin with, a system text and tools, out.

    find_beginning(prompts, "keep") → ChatOpening(system="You drive a robot.", tools=(), note="")

A model that always read the same system text answers best behind it. Where rows have different ones, none is chosen.
"""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from eval.asking.prompts import Prompt
from recipebook.data.system_turns import System
from recipebook.rows import Message

GAP = "\n\n"


class ChatOpening(NamedTuple):
    """What stands before the first user turn of every chat."""

    system: str | None
    tools: tuple[dict[str, Any], ...]
    note: str = ""
    """Why there is no system text, where rows have some."""

    def open(self) -> list[Message]:
        """The messages of a chat that nobody has said anything in."""
        return [{"role": "system", "content": self.system}] if self.system else []


def find_beginning(prompts: Sequence[Prompt], how: System) -> ChatOpening:
    """What all prompts share; `how` is what became of their system turns."""
    offered = {repr(prompt.tools): prompt.tools for prompt in prompts}
    tools = prompts[0].tools if len(offered) == 1 else ()
    if how == "fold":
        return ChatOpening(_find_folded([_first(prompt, "user") or "" for prompt in prompts]), tools)
    texts = {_first(prompt, "system") for prompt in prompts}
    if len(texts) == 1:
        return ChatOpening(texts.pop(), tools)
    return ChatOpening(
        None, tools, f"rows have {len(texts)} different system texts, and this chat has none; SYSTEM=text"
    )


def _first(prompt: Prompt, role: str) -> str | None:
    return next((message["content"] for message in prompt.messages if message["role"] == role), None)


def _find_folded(texts: Sequence[str]) -> str | None:
    """The system text that was folded into all first user turns: up to the last gap that they share."""
    if len(set(texts)) < 2:
        return None
    return os.path.commonprefix(list(texts)).rpartition(GAP)[0] or None
