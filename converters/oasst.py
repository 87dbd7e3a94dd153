"""Trees of replies, as OpenAssistant has them: the path of the best replies, as a chat.

    {"message_tree_id": "a", "prompt": {"text": "hi", "role": "prompter", "lang": "en", "replies": [
        {"text": "Hello!", "role": "assistant", "rank": 0, "replies": []},
        {"text": "No.", "role": "assistant", "rank": 1, "replies": []}]}}

Out:

    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello!"}],
     "meta": {"language": "en", "other_replies": 1}}

The best of several replies has the lowest rank, and those without a rank come last. Replies that were deleted are
passed over. `meta.other_replies` counts the messages that are not on the path, and the account counts such trees.
"""

from collections.abc import Iterator
from typing import Any

from converters._fields import take_text
from converters._metadata import METADATA, take_metadata
from converters._order import drop_unanswered, list_roles
from converters._turns import CHAT_NOTES, add_system, find_role
from recipebook.data.field_values import TEXT
from recipebook.data.fields import PART_HARMLESS, RECORD_HARMLESS, Fields, Shapes
from recipebook.frozen import Frozen
from recipebook.records import name_kind
from recipebook.rows import BadRecord, LeftOut, Message, Row, join_meta

WANTS = "'prompt' with 'text' and 'replies'"
NOTES = {**CHAT_NOTES, "other_replies": "read without the replies that are not on the path of the best ones"}

_ROLES = {"prompter": "user", "user": "user", "assistant": "assistant"}
_DEEPEST = 100


class Options(Frozen):
    """What a recipe may set."""

    system: str | None = None
    """A system prompt for every chat; null: no system turn. Set it to the prompt of later use."""


_READ: dict[str, Any] = {"text": None, "role": None, "rank": None, "deleted": None}
_REPLY: Fields = Fields("message", {**_READ, "replies": Shapes(lambda _: _REPLY, ())}, PART_HARMLESS | {"parent_id"})
FIELDS = Fields("record", {"prompt": _REPLY.extend({"lang": TEXT}), **METADATA}, RECORD_HARMLESS | {"message_tree_id"})


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by its first message, which has replies."""
    prompt = record.get("prompt")
    if type(prompt) is dict and "text" in prompt and type(prompt.get("replies")) is list:
        return f"have {WANTS}"
    return None


def convert(record: dict[str, Any], options: Options) -> list[Row]:
    """The one chat of the best replies."""
    prompt: Any = record.get("prompt")
    if type(prompt) is not dict:
        raise BadRecord("missing 'prompt'" if prompt is None else f"'prompt' is {name_kind(prompt)}, not an object")
    if prompt.get("deleted") is True:
        raise LeftOut("its first message was deleted")
    count = _count_messages(prompt)
    path = list(_follow(prompt))
    messages = [_read(message) for message in path]
    dropped = drop_unanswered(messages, list_roles(messages))
    found: dict[str, Any] = {"dropped": dropped} if dropped else {}
    if type(language := prompt.get("lang")) is str:
        found["language"] = language
    if others := count - len(path):
        found["other_replies"] = others
    add_system(messages, {}, options.system)
    return [{"messages": messages, "meta": join_meta(take_metadata(record), found)}]


def _count_messages(prompt: dict[str, Any]) -> int:
    """The messages of a tree; refuses one that is no tree, or too deep to be looked through."""
    count, level = 0, [prompt]
    for _ in range(_DEEPEST):
        if not level:
            return count
        count += len(level)
        level = [reply for message in level for reply in _list_replies(message)]
    raise BadRecord(f"has replies to replies, more than {_DEEPEST} deep")


def _list_replies(message: dict[str, Any]) -> list[dict[str, Any]]:
    replies: Any = message.get("replies")
    if replies is None:
        return []
    if type(replies) is not list or any(type(reply) is not dict for reply in replies):
        raise BadRecord("'replies' of a message is no list of messages")
    return replies


def _follow(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The message and the best of the replies to it, to that one, and so on."""
    best: dict[str, Any] | None = message
    while best is not None:
        yield best
        kept = [reply for reply in _list_replies(best) if reply.get("deleted") is not True]
        best = min(kept, key=_rank, default=None)


def _rank(reply: dict[str, Any]) -> float:
    rank: Any = reply.get("rank")
    if rank is None:
        return float("inf")
    if type(rank) not in (int, float):
        raise BadRecord(f"'rank' of a message is {name_kind(rank)}, not a number")
    return float(rank)


def _read(message: dict[str, Any]) -> Message:
    role = find_role(message.get("role"), _ROLES)
    if role is None:
        raise BadRecord(f"'role' of a message is none of {', '.join(_ROLES)}")
    return {"role": role, "content": take_text(message, "text", " of a message")}
