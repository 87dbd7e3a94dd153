"""System turns for chat templates that have none: a row in, the row without system turns out.

    fold   [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}, …]
         → [{"role": "user", "content": "Be brief.\\n\\nHi"}, …]
    drop → [{"role": "user", "content": "Hi"}, …]

A system turn in the middle goes in front of the user turn that follows it; one that no user turn follows becomes one.
"""

from collections.abc import Callable
from typing import Any, Literal, cast

from recipebook.rows import Message, Row, Span

System = Literal["keep", "fold", "drop"]
Convert = Callable[[dict[str, Any], Any], list[Row]]


class SystemTurns:
    """What becomes of the system turns of all rows, and how many there were."""

    def __init__(self, how: System) -> None:
        self.how = how
        self.count = 0

    def after(self, convert: Convert) -> Convert:
        """The converter's function, whose rows then have no system turns."""
        return lambda record, options: [self.apply(row) for row in convert(record, options)]

    def apply(self, row: Row) -> Row:
        """The row without system turns; its spans follow their messages."""
        found = sum(message["role"] == "system" for message in row["messages"])
        if not found:
            return row
        self.count += found
        messages, moves = self._move(row["messages"])
        changed = {**row, "messages": messages}
        if "spans" in row:
            changed["spans"] = [_follow(span, moves) for span in row["spans"] if span["message"] in moves]
        return cast(Row, changed)

    def note(self) -> str:
        """A line for the account."""
        done = "folded into user turns" if self.how == "fold" else "dropped"
        return f"model.system: {self.how}: {self.count:,} system turns {done}"

    def _move(self, messages: list[Message]) -> tuple[list[Message], dict[int, tuple[int, int]]]:
        """The messages that stay, and for each its new place, and by how many characters its text moved."""
        moved: list[Message] = []
        moves: dict[int, tuple[int, int]] = {}
        waiting: list[str] = []
        last = max((at for at, one in enumerate(messages) if one["role"] == "user"), default=-1)
        for at, message in enumerate(messages):
            # An empty one, which says that there is no system prompt, folds into nothing.
            folds = self.how == "fold" and message["role"] == "system" and message["content"]
            if folds and at < last:
                waiting.append(message["content"])
            elif folds:
                moves[at] = len(moved), 0
                moved.append({**message, "role": "user"})
            elif message["role"] != "system":
                before = "".join(f"{text}\n\n" for text in waiting) if message["role"] == "user" else ""
                waiting = [] if message["role"] == "user" else waiting
                moves[at] = len(moved), len(before)
                moved.append({**message, "content": before + message["content"]} if before else message)
        return moved, moves


def _follow(span: Span, moves: dict[int, tuple[int, int]]) -> Span:
    place, shift = moves[span["message"]]
    return {**span, "message": place, "start": span["start"] + shift, "end": span["end"] + shift}
