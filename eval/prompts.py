"""Test rows to prompts: everything before the last assistant turn, and that turn as the reference.

{"id": "samples/robot.json#12", "messages": [{"role": "user", "content": "stop"}],
 "reference": "robot.stop()", "meta": {"category": "safety"}}
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipebook.files import digest
from recipebook.rows import Message


@dataclass(frozen=True)
class Prompt:
    """What a model is asked, and the answer it is measured by."""

    id: str
    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...]
    reference: str
    meta: dict[str, Any]

    @property
    def text(self) -> str:
        """The last thing said to the model."""
        return self.messages[-1]["content"]


def read_prompts(rows: Path, limit: int | None) -> list[Prompt]:
    """The prompts of a rows file, the first `limit` of them; a row made from a record's nth row is `origin/n`."""
    prompts: list[Prompt] = []
    counts: dict[str, int] = {}
    with rows.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            origin = row["meta"]["origin"]
            counts[origin] = counts.get(origin, 0) + 1
            name = origin if counts[origin] == 1 else f"{origin}/{counts[origin]}"
            *asked, answer = row["messages"]
            prompts.append(Prompt(name, tuple(asked), tuple(row.get("tools", ())), answer["content"], row["meta"]))
            if len(prompts) == limit:
                break
    return prompts


def digest_prompts(prompts: list[Prompt]) -> str:
    """The prompts' hash: the same questions with the same references."""
    return digest(*(part for prompt in prompts for part in (json.dumps(prompt.messages), prompt.reference)))
