"""The columns of a table, or the fields of a flat record, that a recipe names for a chat.

    columns {user: question, assistant: answer, meta: [topic]}
    and {"question": "2+2?", "answer": "4", "topic": "sums"}  →  user "2+2?", assistant "4", meta {"topic": "sums"}

`messages` names a column of whole chats, in place of `user` and `assistant`.
"""

from typing import Any, Self

from pydantic import ConfigDict, model_validator

from converters._metadata import take_metadata
from recipebook.frozen import Frozen
from recipebook.records import name_kind
from recipebook.rows import BadRecord
from recipebook.suggestions import suggest


class Columns(Frozen):
    """Where a record has what a chat needs."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    user: str | None = None
    """The question."""
    assistant: str | None = None
    """The answer."""
    messages: str | None = None
    """A list of turns, instead of a question and its answer."""
    reasoning: str | None = None
    """What the assistant thinks before its answer; a record without it may leave it empty."""
    system: str | None = None
    """The system prompt; a record without one may leave it empty."""
    meta: tuple[str, ...] = ()
    """Texts, numbers and booleans that rows keep, so that results can be broken down by them."""

    @model_validator(mode="after")
    def _must_name_a_chat(self) -> Self:
        pair = (self.user, self.assistant)
        if (None in pair) if self.messages is None else (pair != (None, None)):
            raise ValueError("columns needs either user and assistant, or messages")
        if self.reasoning is not None and self.messages is not None:
            raise ValueError("reasoning goes with user and assistant; turns of messages have their own")
        if "origin" in self.meta:
            raise ValueError("meta cannot hold 'origin', which every row has of its own")
        return self

    def list_names(self) -> list[str]:
        """The columns that are named, each once."""
        named = (self.user, self.assistant, self.messages, self.reasoning, self.system, *self.meta)
        return list(dict.fromkeys(name for name in named if name is not None))


def check_columns(record: dict[str, Any], columns: Columns) -> None:
    """Make sure that the record has every column; the reason names the nearest of those that it has."""
    for name in columns.list_names():
        if name not in record:
            raise BadRecord(f"has no column '{name}'{suggest(name, sorted(record))}")


def take_meta(record: dict[str, Any], columns: Columns) -> dict[str, Any]:
    """The columns that go to a row's meta; null and empty ones are left out."""
    named = {name: record[name] for name in columns.meta if record[name] not in (None, "")}
    for name, value in named.items():
        if type(value) not in (str, int, float, bool):
            raise BadRecord(f"'{name}' is {name_kind(value)}, which meta cannot hold")
    return take_metadata({"metadata": named})
