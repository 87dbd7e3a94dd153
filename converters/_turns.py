"""What plain chats and tool dialogues share: the field of their turns, who may speak after whom, what goes to meta.

    {"messages": [{"role": "user", "content": "hi"}, …], "metadata": {"topic": "greeting"}}
    {"conversations": [{"from": "human", "value": "hi"}, …], "system": "Be brief."}

Any of the fields in `LISTS` may hold the turns, as a list or as its JSON, and turns may have any of the names in
`SPEAKERS` and `SAID`; texts without speakers are by the user and the assistant in turn. Turns of the system may stand
anywhere, a user may speak twice, and an assistant first, as long as an answer follows: a chat template writes them as
they are, or the plan says that it cannot.

The reasons for refusing a record name its fields and the roles, never other values.
"""

import re
from collections.abc import Callable, Mapping
from itertools import cycle
from typing import Any, NamedTuple

from converters._blocks import PARTS, holds_blocks, open_blocks
from converters._extras import REASONING, add_extras
from converters._fields import take_any_text, take_text
from converters._turn_pairs import BESIDE, TURN_PAIRS, find_turn_pair, split_pair
from converters._written_turns import find_written_turns, parse_list
from recipebook.data.field_values import TEXT, Unread
from recipebook.data.fields import PART_HARMLESS, Fields, Variants, WrittenJson, remember_odd
from recipebook.data.marks import MARKS
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

_OTHER_NAMES = {
    "bot": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "chatgpt": "assistant",
    "chatbot": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "prompter": "user",
    "ipython": "tool",
    "agent": "assistant",
    "customer": "user",
}

LISTS = ("messages", "conversations", "conversation", "dialogue", "dialog", "turns", "trajectory", "traj")
_LISTS_OF_TEXTS = ("conversations", "conversation", "dialogue", "dialog")
SPEAKERS = ("role", "from", "speaker")
SAID = ("content", "value", "text")

CHAT_NOTES = {"dropped": "read without the turns after the last answer"}
"""What numbers in a row's meta say of the row."""
SYSTEMS = (
    "system",
    "system_prompt",
    "system_message",
    "system_instruction",
    "system_msg",
    "systemPrompt",
    "systemMessage",
)
"""The fields of a record that hold a system prompt."""


class Shape(NamedTuple):
    """The field that holds the turns, and the names of the turns' own fields."""

    field: str
    speaker: str
    said: str

    @property
    def place(self) -> str:
        """The place of a turn's field, as reasons name it."""
        return f" in a turn of '{self.field}'"


class _AnyTurns(WrittenJson):
    """What is read of turns in a list, its JSON, or an object of lists."""

    own = (dict,)

    def find(self, value: Any, found: list[Unread]) -> None:
        """Add what is unread in the turns to `found`."""
        super().find(_turn_round(value) if type(value) is dict else value, found)


OPENAI = Shape("messages", "role", "content")
SHAREGPT = Shape("conversations", "from", "value")

# Such as `tool-call`, or `assitant`.
_PLAIN_WORD = re.compile(r"[a-z][a-z_-]{0,19}")
_THINKERS = ("assistant", "call")
_SYSTEMS = frozenset(SYSTEMS)


def find_turns(record: dict[str, Any]) -> tuple[list[Any], Shape] | None:
    """Find the list of turns, such as OpenAI's `messages`, and its shape; None where the record has no list."""
    # Nearly all data has one of these two shapes, which need no search.
    if "messages" in record:
        listed, shape = record["messages"], OPENAI
    else:
        listed, shape = record.get("conversations"), SHAREGPT
    first: Any = listed[0] if type(listed) is list and listed else None
    is_usual = type(first) is dict and shape.speaker in first and shape.said in first
    if is_usual and (shape is OPENAI or "role" not in first):
        return listed, shape
    for field in LISTS:
        if (listed := record.get(field)) is not None:
            return take_turns(listed, field)
    return None


def take_turns(listed: Any, field: str) -> tuple[list[Any], Shape]:
    """The turns that `field` holds, as a list or as its JSON, and their shape."""
    if type(listed) is str:
        listed = parse_list(listed, field)
    if type(listed) is dict:
        listed = _turn_round(listed)
    if type(listed) is not list:
        raise BadRecord(f"'{field}' is {name_kind(listed)}, not a list")
    if field in _LISTS_OF_TEXTS and listed and all(type(turn) is str for turn in listed):
        if find_written_turns(listed[0], field):
            raise BadRecord(f"a turn of '{field}' is a text of JSON, not an object")
        by_turns = zip(cycle(("user", "assistant")), listed, strict=False)
        listed = [{"role": role, "content": text} for role, text in by_turns]
    elif listed and (pair := find_turn_pair(listed[0], SPEAKERS)):
        listed = [turn for each in listed for turn in split_pair(each, pair, field)]
    return listed, _find_shape(listed, field)


def _turn_round(lists: dict[str, Any]) -> Any:
    """The turns of an object that holds a list under each of their fields, as `datasets` keeps them (Sequence)."""
    held = list(lists.values())
    if not held or any(type(each) is not list or len(each) != len(held[0]) for each in held):
        return lists
    return [dict(zip(lists, values, strict=True)) for values in zip(*held, strict=True)]


def name_as_openai(listed: list[Any], shape: Shape) -> list[Any]:
    """Turns whose speakers and texts have the names that OpenAI's have."""
    names = {shape.speaker: OPENAI.speaker, shape.said: OPENAI.said}
    if names == {OPENAI.speaker: OPENAI.speaker, OPENAI.said: OPENAI.said}:
        return listed
    return [{names.get(k, k): v for k, v in turn.items()} if type(turn) is dict else turn for turn in listed]


def _find_shape(listed: list[Any], field: str) -> Shape:
    """The shape of turns: the names that the first turns with a speaker and a text give to them."""
    turns = [turn for turn in listed if type(turn) is dict]
    speaker = next((name for turn in turns for name in SPEAKERS if name in turn), "role")
    said = next((name for turn in turns for name in SAID if name in turn), "value" if speaker == "from" else "content")
    return Shape(field, speaker, said)


def read_turns(listed: list[Any], shape: Shape, roles: dict[str, str]) -> list[Message]:
    """The messages of turns that call no tools."""
    _, speaker, said = shape
    messages: list[Message] = []
    odd: list[Any] = []
    for turn in listed:
        try:
            role, text = roles[turn[speaker]], turn[said]
        except (KeyError, TypeError):
            role, text = take_role(turn, shape, roles), None
        # What take_text checks, without a call a turn.
        if len(turn) == 2 and type(text) is str and text and not text.isspace() and "\r" not in text:
            messages.append({"role": role, "content": text})
        else:
            odd.append(turn)
            messages.append(_read_odd_turn(turn, shape, role))
    remember_odd(listed, odd)
    return messages


def _read_odd_turn(turn: dict[str, Any], shape: Shape, role: str) -> Message:
    """The message of a turn that has more than a speaker and a plain text."""
    if holds_blocks(turn.get(shape.said)):
        turn = open_blocks(turn, shape.speaker, shape.said, role, shape.place)[0]
        if "tool_call_id" in turn:
            raise BadRecord(f"a turn of '{shape.field}' has what a tool answered, which converter tools is for")
    if turn.get("tool_calls") or turn.get("function_call"):
        raise BadRecord(f"a turn of '{shape.field}' calls a tool, which converter tools is for")
    # A system prompt that is empty says that there is none, not even the template's own.
    take = take_any_text if role == "system" else take_text
    message: Message = {"role": role, "content": take(turn, shape.said, shape.place)}
    add_extras(message, turn, shape.place)
    return message


def read_history(record: dict[str, Any]) -> list[Message]:
    """Alpaca's questions and answers before the record's own; none where it has no `history`."""
    history = [] if record.get("history") is None else record["history"]
    if type(history) is not list or any(type(pair) is not list or len(pair) != 2 for pair in history):
        raise BadRecord("'history' is not a list of questions and their answers")
    messages: list[Message] = []
    for pair in history:
        question, answer = (take_text({"history": said}, "history", " of an item") for said in pair)
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return messages


def choose_listed(record: dict[str, Any], listed: Mapping[str, Fields]) -> Fields | None:
    """What is declared of a record with a list of turns, by the list's field; None where it has no list."""
    for field, fields in listed.items():
        if field in record and record[field] is not None:
            return fields
    return None


def declare_turns(shape: Shape, roles: Mapping[str, str], **more: Mapping[str, Any]) -> Variants:
    """What is read of a turn; `more` has the fields that only one role of `roles` has."""
    common = {shape.speaker: None, shape.said: PARTS, "name": TEXT, **dict.fromkeys(MARKS)}
    thoughts = dict.fromkeys(REASONING, TEXT)
    by_role = {
        role: Fields("turn", {**common, **(thoughts if role in _THINKERS else {}), **more.get(role, {})}, PART_HARMLESS)
        for role in dict.fromkeys(roles.values())
    }
    named = {name: by_role[role] for name, role in roles.items()}
    speaker, unknown = shape.speaker, Fields("turn", common, PART_HARMLESS)

    def choose(turn: dict[str, Any]) -> Fields:
        name = turn.get(speaker)
        if type(name) is str and name in named:
            return named[name]
        # Perhaps its speaker stands under another name.
        return by_role.get(find_role(name, roles) or "", unknown)

    return Variants(choose, by_role.values())


def declare_any_turns(declare: Callable[[Shape], Variants]) -> WrittenJson:
    """What is read of turns of any shape, as a list or as its JSON; `declare` says it for those of one shape."""
    shapes = {(speaker, said): declare(Shape("", speaker, said)) for speaker in SPEAKERS for said in SAID}

    pairs = {pair: Fields("turn", dict.fromkeys((*pair, *BESIDE)), PART_HARMLESS) for pair in TURN_PAIRS}
    openai, sharegpt = shapes["role", "content"], shapes["from", "value"]

    def choose(turn: dict[str, Any]) -> Fields | None:
        # Nearly all data has one of these two shapes, which need no search.
        if "role" in turn and "content" in turn:
            return openai.choose(turn)
        if "value" in turn and "from" in turn and "role" not in turn and "content" not in turn:
            return sharegpt.choose(turn)
        if pair := find_turn_pair(turn, SPEAKERS):
            return pairs[pair]
        speaker = next((name for name in SPEAKERS if name in turn), "role")
        said = next((name for name in SAID if name in turn), "content")
        return shapes[speaker, said].choose(turn)

    return _AnyTurns(Variants(choose, [fields for each in shapes.values() for fields in each.fields]))


def take_role(turn: Any, shape: Shape, roles: dict[str, str]) -> str:
    """Whose turn it is, in the words of `roles`."""
    if type(turn) is not dict:
        raise BadRecord(f"a turn of '{shape.field}' is {name_kind(turn)}, not an object")
    role = find_role(turn.get(shape.speaker), roles)
    if role is None:
        raise BadRecord(f"'{shape.speaker}'{shape.place} is {format_speaker(turn, shape)}none of {', '.join(roles)}")
    return role


def format_speaker(turn: dict[str, Any], shape: Shape) -> str:
    """A speaker whom no converter knows, if it is a plain word: not a name, nor any other value of the data."""
    name = turn.get(shape.speaker)
    return f"'{name}', " if type(name) is str and _PLAIN_WORD.fullmatch(name) else ""


def find_role(name: Any, roles: Mapping[str, str]) -> str | None:
    """Whose turn it is, in the words of `roles`: also by a name that is not common, and in capitals; None: nobody's."""
    if type(name) is not str:
        return None
    plain = name.strip().lower()
    return roles.get(plain) or roles.get(_OTHER_NAMES.get(plain, ""))


def add_system(messages: list[Message], record: dict[str, Any], default: str | None) -> None:
    """Put a system prompt first: the record's, under one of the names in `SYSTEMS`, or `default` if it has none."""
    if default is None and _SYSTEMS.isdisjoint(record):
        return
    given = [field for field in SYSTEMS if record.get(field) is not None]
    own = dict.fromkeys(text for field in given if (text := take_any_text(record, field)))
    first = messages[0] if messages else None
    has_turn = first is not None and first["role"] == "system"
    if first is not None and has_turn:
        own.setdefault(first["content"])
    if len(own) > 1:
        both = " and a ".join(f"'{field}'" for field in given)
        raise BadRecord(f"has a '{given[0]}' field and a system turn" if has_turn else f"has a {both}")
    system = next(iter(own), default)
    if system is not None and not has_turn:
        messages.insert(0, {"role": "system", "content": system})
