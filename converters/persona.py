"""Persona dialogues: what a person with habits and their smart home say to each other.

    {"persona_id": "persona_000", "session_id": 0, "character": "A quiet baker. In the evening: …",
     "routines": […], "meta": {"time_of_day": "evening", …}, "applied_routines": [0],
     "messages": [{"role": "user", "text": "Good evening, I am home."},
                  {"role": "assistant", "text": "I have set the tv volume to 15."},
                  {"role": "user", "text": "Thank you."}]}

Out, with every assistant turn to be learned:

    {"messages": [{"role": "system", "content": "You are a helpful … assistant.\\n\\nUser Profile: A quiet baker. …"},
                  {"role": "user", "content": "Good evening, I am home."},
                  {"role": "assistant", "content": "I have set the tv volume to 15."}],
     "meta": {"persona_id": "persona_000", "session": 0, "turns": 1, "dropped": 1}}

A user's last messages that nobody answered teach nothing and are dropped, as are empty messages; `meta.dropped` counts
both. `rows: turn` gives a row for each assistant turn instead, with all messages before it; `meta.turn` counts the rows
from 1. Some files call the session `dialogue_idx`; those without `character` need `persona: false`.
"""

from typing import Any, Literal

from converters._fields import take_text
from recipebook.data.fields import PART_HARMLESS, RECORD_HARMLESS, Fields, remember_odd
from recipebook.frozen import Frozen
from recipebook.records import name_kind
from recipebook.rows import BadRecord, LeftOut, Message, Row

WANTS = "'persona_id' and 'messages' with 'text'"
METRICS: dict[str, dict[str, Any]] = {"persona": {}}
INSTEAD_OF = ("chat", "tools")
SYSTEM = "You are a helpful and personalized smart home assistant."
SESSIONS = ("session_id", "dialogue_idx")

_ROLES = {"user": "user", "assistant": "assistant"}

# What the dialogue was made from; the model is shown the character.
_MADE_FROM = ("routines", "applied_routines", "meta")
FIELDS = Fields(
    "record",
    {
        "persona_id": None,
        "character": None,
        **dict.fromkeys(SESSIONS),
        "messages": Fields("turn", {"role": None, "text": None}, PART_HARMLESS),
    },
    RECORD_HARMLESS.union(_MADE_FROM),
)


class Options(Frozen):
    """What a recipe may set."""

    persona: bool = True
    """The system prompt contains the persona's character. Switch it off to learn habits from dialogues alone."""
    rows: Literal["dialogue", "turn"] = "dialogue"
    """One row for each dialogue, or for each assistant turn with everything before it."""
    persona_id: str | None = None
    """Only this persona's dialogues; null: all. data.where does the same for any field."""


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by its persona and a first message with `text`."""
    messages = record.get("messages")
    if type(record.get("persona_id")) is not str or type(messages) is not list or not messages:
        return None
    return (
        "have 'persona_id' and 'messages' with 'text'" if type(messages[0]) is dict and "text" in messages[0] else None
    )


def convert(record: dict[str, Any], options: Options) -> list[Row]:
    """The dialogue, or its assistant turns one by one."""
    persona = take_text(record, "persona_id").strip()
    if options.persona_id is not None and persona != options.persona_id:
        raise LeftOut("of another persona than option persona_id")
    system = f"{SYSTEM}\n\nUser Profile: {_take_character(record)}" if options.persona else SYSTEM
    said, dropped = _clean(record.get("messages"))
    answers = [at for at, message in enumerate(said, 2) if message["role"] == "assistant"]
    messages: list[Message] = [{"role": "system", "content": system}, *said]
    meta: dict[str, Any] = {"persona_id": persona, **_take_session(record), "turns": len(answers)}
    if dropped:
        meta["dropped"] = dropped
    if options.rows == "dialogue":
        return [{"messages": messages, "meta": meta}]
    return [{"messages": messages[:end], "meta": {**meta, "turn": turn}} for turn, end in enumerate(answers, 1)]


def _take_character(record: dict[str, Any]) -> str:
    if record.get("character") is None:
        raise BadRecord("missing 'character', which option persona asks for")
    return take_text(record, "character").strip()


def _clean(listed: Any) -> tuple[list[Message], int]:
    """The messages up to the last answer, and the number of messages dropped."""
    if type(listed) is not list:
        raise BadRecord("missing 'messages'" if listed is None else f"'messages' is {name_kind(listed)}, not a list")
    said: list[Message] = []
    for message in listed:
        try:
            role, text = _ROLES[message["role"]], message["text"].strip()
        except (KeyError, TypeError, AttributeError):
            role, text = _read_message(message)
        if text:
            said.append({"role": role, "content": text.replace("\r\n", "\n") if "\r" in text else text})
    if len(said) < 2:
        raise BadRecord("'messages' has fewer than two that are not empty")
    if said[0]["role"] != "user":
        raise BadRecord("'messages' does not start with the user's")
    while said and said[-1]["role"] == "user":
        said.pop()
    if not said:
        raise BadRecord("'messages' has no answer")
    remember_odd(listed, [message for message in listed if len(message) > 2])
    return said, len(listed) - len(said)


def _read_message(message: Any) -> tuple[str, str]:
    """The role of a message, however the file writes it, and its text."""
    if type(message) is not dict:
        raise BadRecord(f"an item of 'messages' is {name_kind(message)}, not an object")
    role, text = message.get("role"), message.get("text")
    cleaned = role.strip().lower() if type(role) is str else ""
    if cleaned not in _ROLES:
        raise BadRecord("'role' in an item of 'messages' is neither user nor assistant")
    if type(text) is not str:
        kind = "missing 'text'" if text is None else f"'text' is {name_kind(text)}, not a string,"
        raise BadRecord(f"{kind} in an item of 'messages'")
    return cleaned, text.strip()


def _take_session(record: dict[str, Any]) -> dict[str, str | int]:
    for field in SESSIONS:
        value = record.get(field)
        if value is not None:
            if type(value) is not int and type(value) is not str:
                raise BadRecord(f"'{field}' is {name_kind(value)}, not a whole number or a string")
            return {"session": value}
    return {}
