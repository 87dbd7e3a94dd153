"""A row: one chat in OpenAI's shape, the only thing that training and evaluation read.

    {"messages": [{"role": "user", "content": "stop"}, {"role": "assistant", "content": "robot.stop()"}],
     "meta": {"origin": "samples/robot.json#12", "category": "safety"}}

`tool_calls` hold their arguments as JSON strings, since Arrow would merge differently shaped objects into
one struct and fill it with nulls. A message with `"train": false` is read by the model and not learned;
`reasoning_content` and `name` are for templates that write them. `meta` is ignored by training and used by evaluation
for its slices. `spans` mark characters of a message's content, for training that weighs them (trainer/spans.py); other
trainings ignore them.

A preference has its prompt in `messages` and either `chosen` and `rejected`, or one `answer` whose `label` says whether
it is good: `"answer": {"role": "assistant", "content": "no"}, "label": false`.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict


class Message(TypedDict):
    """One turn: who speaks and what."""

    role: str
    content: str
    tool_calls: NotRequired[list[dict[str, Any]]]
    tool_call_id: NotRequired[str]
    reasoning_content: NotRequired[str]
    name: NotRequired[str]
    train: NotRequired[bool]


class Span(TypedDict):
    """Characters `start` to `end` of a message's content, the messages counted from 0, and what kind of text it is."""

    message: int
    start: int
    end: int
    kind: str


class Row(TypedDict):
    """One training or evaluation example; `meta` is filled by the converter, `meta.origin` by the dataset step."""

    messages: list[Message]
    meta: dict[str, Any]
    tools: NotRequired[list[dict[str, Any]]]
    chosen: NotRequired[Message]
    rejected: NotRequired[Message]
    answer: NotRequired[Message]
    label: NotRequired[bool]
    spans: NotRequired[list[Span]]


def join_meta(given: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """The meta of a row: what its data gives, and what is found out about it.

    Where both have a name with other values, the data's own is kept under `metadata_` and the name.
    """
    if not given:
        return dict(found)
    differing = {f"metadata_{name}": given[name] for name in found if name in given and given[name] != found[name]}
    return {**given, **found, **differing}


class Reference(NamedTuple):
    """The answer that a model's own is compared with, and the messages before and behind it."""

    before: list[Message]
    answer: Message
    after: list[Message]


Kind = Literal["chat", "pair", "labelled"]
"""A chat whose assistant's turns are learned, a prompt with a chosen and a rejected answer, or a prompt with one answer
and whether it is good."""


def find_kind(row: Mapping[str, Any]) -> Kind:
    """What a row is, by its fields; those that Arrow adds are null."""
    if row.get("chosen") is not None:
        return "pair"
    return "chat" if row.get("label") is None else "labelled"


class BadRecord(Exception):
    """A record that cannot become a row; the message is the reason, counted and shown with file and record."""


class LeftOut(BadRecord):
    """A good record that the recipe does not select, such as another persona's; counted apart from rejected records."""


def find_reference(row: Mapping[str, Any]) -> Reference | None:
    """The last answer that evaluation asks for; None where there is none."""
    messages = row["messages"]
    for key in ("chosen", "answer"):
        if row.get(key) is not None:
            return Reference(messages, row[key], [])
    # A greeting that nobody asked for has no prompt.
    turns = [at for at, one in enumerate(messages) if at and one["role"] == "assistant"]
    asked = [at for at in turns if messages[at].get("train") is not False]
    return Reference(messages[: asked[-1]], messages[asked[-1]], messages[asked[-1] + 1 :]) if asked else None
