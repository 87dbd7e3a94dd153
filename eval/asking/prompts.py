"""Held-out rows to prompts: everything before an assistant turn, and that turn as the reference answer.

    {"id": "samples/robot.json#12", "messages": [{"role": "user", "content": "stop"}],
     "answer": {"role": "assistant", "content": "robot.stop()"}, "meta": {"category": "safety"}}

`turns` chooses the assistant turns of a dialogue that are evaluated: `last`, `all`, or `skip_first_2`, all but the
first two. Each prompt has the dialogue's own turns before it. A pair is one prompt with a chosen and a rejected answer.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipebook.files import digest
from recipebook.rows import Message


@dataclass(frozen=True)
class Prompt:
    """A prompt with its reference answer, and for a pair the rejected answer."""

    id: str
    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...]
    answer: Message
    rejected: Message | None
    meta: dict[str, Any]

    @property
    def text(self) -> str:
        """The content of the last message."""
        return self.messages[-1]["content"]


def read_prompts(rows: Path, limit: int | None, turns: str = "last") -> list[Prompt]:
    """The prompts of the file's first `limit` rows; a row made from a record's nth row is `origin/n`."""
    prompts: list[Prompt] = []
    counts: dict[str, int] = {}
    with rows.open(encoding="utf-8") as file:
        for number, line in enumerate(file):
            if number == limit:
                break
            row = json.loads(line)
            origin = row["meta"]["origin"]
            counts[origin] = counts.get(origin, 0) + 1
            name = origin if counts[origin] == 1 else f"{origin}/{counts[origin]}"
            prompts += _read_row(row, name, turns)
    return prompts


def digest_prompts(prompts: list[Prompt]) -> str:
    """A hash that is equal for the same questions with the same answers."""
    parts = ((prompt.id, prompt.messages, prompt.tools, prompt.answer, prompt.rejected) for prompt in prompts)
    return digest(*(json.dumps(part) for part in parts))


def digest_question(prompt: Prompt) -> str:
    """The hash of one question with its answer, whatever row it came from."""
    return digest(json.dumps((prompt.messages, prompt.tools, prompt.answer, prompt.rejected)))


def _read_row(row: dict[str, Any], name: str, turns: str) -> Iterator[Prompt]:
    messages, tools, meta = row["messages"], tuple(row.get("tools", ())), row["meta"]
    if "chosen" in row:
        yield Prompt(name, tuple(messages), tools, row["chosen"], row["rejected"], meta)
        return
    answers = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
    if turns == "last":
        yield Prompt(name, tuple(messages[: answers[-1]]), tools, messages[answers[-1]], None, meta)
        return
    first = 0 if turns == "all" else int(turns.removeprefix("skip_first_"))
    for turn, at in list(enumerate(answers))[first:]:
        before = tuple(messages[:at])
        yield Prompt(f"{name}@{turn + 1}", before, tools, messages[at], None, {**meta, "turn": turn + 1})
