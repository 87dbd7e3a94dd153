"""A conversation in; a line of a JSONL file, which is only written where the user names one, out.

    {"run": "robot-lora-20261121-053004", "model": "tuned", "ended": "2026-11-21T09:30:00+01:00", "messages":
     [{"role": "user", "content": "stop"}, {"role": "assistant", "content": "robot.stop()", "rating": "up"}],
     "answers": 1, "truncated": 0, "new_tokens": 5, "seconds": 0.4}

`data: {source: chats.jsonl, converter: chat}` reads it, as a source of rows that people have looked through, and
`make feedback` reads the ratings.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebook.rows import Message
from recipebook.run.manifest import format_now
from release.rated_chats import Thumb

if TYPE_CHECKING:
    from release.answering import ChatAnswer


def check_log(path: Path) -> None:
    """Refuse a file that cannot be appended to, before a model is loaded and anything is said."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.open("ab").close()


@dataclass
class Conversation:
    """The messages so far, and simple figures of the answers among them."""

    run: str
    model: str
    messages: list[Message]
    answers: int = 0
    truncated: int = 0
    new_tokens: int = 0
    seconds: float = 0.0
    tools: Sequence[dict[str, Any]] = field(default_factory=tuple)
    ratings: dict[int, Thumb] = field(default_factory=dict)
    """By the place of the rated answer among the messages, which the model must not see them in."""

    def add(self, answer: "ChatAnswer", seconds: float) -> None:
        """Append an answer and the seconds that it took."""
        self.messages.append({"role": "assistant", "content": answer.text})
        self.answers += 1
        self.truncated += answer.truncated
        self.new_tokens += answer.new_tokens
        self.seconds += seconds

    def rate(self, thumb: Thumb) -> None:
        """Rate the last answer."""
        self.ratings[len(self.messages) - 1] = thumb

    def write(self, path: Path) -> None:
        """Append the conversation to the file; one without answers is left out."""
        if not self.answers:
            return
        line = {
            "run": self.run,
            "model": self.model,
            "ended": format_now(),
            "messages": [
                {**message, "rating": self.ratings[at]} if at in self.ratings else message
                for at, message in enumerate(self.messages)
            ],
            **({"tools": list(self.tools)} if self.tools else {}),
            "answers": self.answers,
            "truncated": self.truncated,
            "new_tokens": self.new_tokens,
            "seconds": round(self.seconds, 3),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("ab") as file:
                # In one piece: several servers may write to the same file.
                file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        except OSError as error:
            # A full disk does not say for which file.
            error.filename = str(path)
            raise
