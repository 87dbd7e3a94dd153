"""What plain chats and tool dialogues share: where their turns stand, who may speak after whom, what goes to meta.

    {"messages": [{"role": "user", "content": "hi"}, …], "metadata": {"topic": "greeting"}}
    {"conversations": [{"from": "human", "value": "hi"}, …], "system": "Be brief."}

The reasons for refusing a record name its fields and the roles, never what stands in them.
"""

from typing import Any, NamedTuple

from converters._fields import take_any_text
from recipebook.records import name_kind
from recipebook.rows import BadRecord, Message

ROLES = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "system": "system",
    "developer": "system",
}

_FOLLOWERS = {
    "system": ("user",),
    "user": ("assistant",),
    "assistant": ("user",),
    "call": ("tool", "user"),
    "tool": ("tool", "assistant"),
}


class Turns(NamedTuple):
    """The turns of a record, the field they stand in, and what their own fields are called."""

    listed: list[Any]
    field: str
    speaker: str
    said: str


def find_turns(record: dict[str, Any]) -> Turns | None:
    """Find OpenAI's `messages` or ShareGPT's `conversations`; None where the record has neither."""
    for field, speaker, said in (("messages", "role", "content"), ("conversations", "from", "value")):
        listed = record.get(field)
        if listed is not None:
            if type(listed) is not list:
                raise BadRecord(f"'{field}' is {name_kind(listed)}, not a list")
            return Turns(listed, field, speaker, said)
    return None


def add_system(messages: list[Message], record: dict[str, Any], default: str | None) -> None:
    """Put a system prompt first: the record's `system`, or the default where the record tells none."""
    told = take_any_text(record, "system") if record.get("system") is not None else ""
    has_own = bool(messages) and messages[0]["role"] == "system"
    if told and has_own:
        raise BadRecord("has a 'system' field and a system turn")
    system = told or default
    if system is not None and not has_own:
        messages.insert(0, {"role": "system", "content": system})


def drop_unanswered(messages: list[Message]) -> int:
    """Check who speaks after whom, and take off what nobody answered at the end; the number of turns that went."""
    before = ""
    for message in messages:
        role = message["role"]
        if role not in _FOLLOWERS.get(before, ("system", "user")):
            raise BadRecord(
                f"a turn of the {role} after the {before}'s" if before else f"starts with the {role}'s turn"
            )
        before = "call" if "tool_calls" in message else role
    count = len(messages)
    while messages and messages[-1]["role"] != "assistant":
        messages.pop()
    if not messages:
        raise BadRecord("has no turn of the assistant")
    return count - len(messages)


def take_metadata(record: dict[str, Any]) -> dict[str, Any]:
    """The texts, numbers and booleans under `metadata`, which results can be broken down by."""
    metadata = record.get("metadata")
    if type(metadata) is not dict:
        return {}
    meta: dict[str, Any] = {}
    for key, value in metadata.items():
        # The origin is the row's own, and there can be but one.
        if key != "origin" and type(value) in (str, int, float, bool):
            meta[key] = str(value).lower() if type(value) is bool else value
    return meta
