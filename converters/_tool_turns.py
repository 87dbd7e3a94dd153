"""Turns of which some call tools and others answer the calls: the messages, and the names of the tools called.

    [{"from": "human", "value": "Rain?"}, {"from": "function_call", "value": "{\\"name\\": \\"weather\\"}"},
     {"from": "observation", "value": "no"}]
    → user, assistant with `tool_calls`, tool with its `tool_call_id`; ["weather"]

A tool answers calls of the turn right before it: the one whose id or name it has, or the first that is unanswered.
"""

from collections.abc import Set
from typing import Any

from converters._blocks import holds_blocks, open_blocks
from converters._calls import format_answer, read_call_list, read_calls, read_plain_calls, read_written_call
from converters._extras import add_extras
from converters._fields import take_any_text, take_text
from converters._turns import ROLES, Shape, find_role, take_role
from converters._written_calls import OPENING, may_hold_calls, read_written_calls, split_answers
from recipebook.data.fields import remember_odd
from recipebook.rows import BadRecord, Message

_CALLERS, _TOOLS = ("function_call", "tool_call"), ("tool", "function", "observation", "tool_response")
TOOL_ROLES = {**ROLES, **dict.fromkeys(_CALLERS, "call"), **dict.fromkeys(_TOOLS, "tool")}

_MARK_AND_CALLS = frozenset(("role", "content", "tool_calls", "train"))


def read_tool_turns(listed: list[Any], shape: Shape, known: Set[str] = frozenset()) -> "Dialogue":
    """Read turns in their order; `known` has the names of all tools."""
    dialogue = Dialogue(shape, known)
    if not dialogue.read(listed):
        dialogue, listed = Dialogue(shape, known), _open_all(listed, shape)
        dialogue.read(listed, opened=True)
    remember_odd(listed, dialogue.odd)
    return dialogue


def _open_all(listed: list[Any], shape: Shape) -> list[Any]:
    """The same turns, those of Anthropic's blocks in OpenAI's form."""
    opened: list[Any] = []
    for turn in listed:
        if type(turn) is dict and holds_blocks(turn.get(shape.said)):
            opened += open_blocks(turn, shape.speaker, shape.said, take_role(turn, shape, TOOL_ROLES), shape.place)
        else:
            opened.append(turn)
    return opened


class Dialogue:
    """A dialogue as far as it is read: its messages, and the names of the tools that they call."""

    def __init__(self, shape: Shape, known: Set[str] = frozenset()) -> None:
        self._shape, self._said, self._known = shape, shape.said, known
        self.messages: list[Message] = []
        self.roles: list[str] = []
        """Whose messages they are; one that calls tools is a `call`."""
        self.called: list[str] = []
        self.unread_calls = 0
        """Messages of the assistant in which the sign of a call stays text."""
        self.odd: list[Any] = []
        """Turns that may have more than is read of them here."""
        # The ids of the last turn's calls that no tool has answered yet, in their order, and the tools' names.
        self._waiting: dict[str, str] = {}
        self._in_text = False
        self._read: list[Any] | None = None

    def has_read(self, record: dict[str, Any]) -> bool:
        """Whether the turns are those of a record, as they stand there."""
        return self._read is not None and record.get(self._shape.field) is self._read

    def read(self, listed: list[Any], opened: bool = False) -> bool:
        """Add turns in their order; False where one holds parts, unless they were `opened`."""
        _, speaker, said = self._shape
        messages, roles, waiting = self.messages, self.roles, self._waiting
        for at, turn in enumerate(listed):
            try:
                role, text = TOOL_ROLES[turn[speaker]], turn[said]
            except (KeyError, TypeError):
                role, text = take_role(turn, self._shape, TOOL_ROLES), None
            if type(text) is list and not opened:
                return False
            # What _add_text checks, without a call for nearly all turns. A sign of calls is looked for first.
            is_plain = type(text) is str and len(turn) == 2 and text and not text.isspace() and "\r" not in text
            has_sign = role == "assistant" and is_plain and (text[-1] in "]\n " or "<" in text)
            if role == "tool":
                if is_plain and waiting and not self._in_text:
                    self._add_plain_answer(text, next(iter(waiting)))
                else:
                    self._add_answer(turn, text)
            elif role == "call":
                self._add_written_call(turn)
            elif is_plain and not has_sign:
                messages.append({"role": role, "content": text})
                roles.append(role)
                if waiting:
                    waiting.clear()
            elif len(turn) > 2 or said not in turn:
                self._add_odd(turn, role, listed, at)
            else:
                self._add_text(turn, role, listed, at)
        self._read = None if opened else listed
        return True

    def _add_answer(self, turn: dict[str, Any], text: Any) -> None:
        """Add what a tool answers; several answers may stand in one text as their calls did."""
        named = turn.get("tool_call_id")
        is_odd = len(turn) > (2 if named is None else 3) or type(text) is not str
        if not is_odd and type(named) is str and named in self._waiting and "\r" not in text and not self._in_text:
            self._add_plain_answer(text, named)
            return
        if type(text) is not str or "\r" in text:
            text = _take_answer(turn, self._said, self._shape.place)
        for answer in split_answers(text) if self._in_text else (text,):
            answered = self._find_answered(turn, named)
            self.messages.append({"role": "tool", "content": answer, "tool_call_id": answered})
            self.roles.append("tool")
            if is_odd:
                add_extras(self.messages[-1], turn, self._shape.place)
        if is_odd:
            self.odd.append(turn)

    def _add_plain_answer(self, text: str, answered: str) -> None:
        del self._waiting[answered]
        self.messages.append({"role": "tool", "content": text, "tool_call_id": answered})
        self.roles.append("tool")

    def _add_written_call(self, turn: dict[str, Any]) -> None:
        """Add a turn whose text is the JSON of a call, or of several."""
        calls, is_plain = read_written_call(turn, self._said, len(self.called))
        message: Message = {"role": "assistant", "content": "", "tool_calls": calls}
        if len(turn) > 2 or not is_plain:
            self.odd.append(turn)
            add_extras(message, turn, self._shape.place)
        self._in_text = False
        self._add_calls(message, calls)

    def _add_odd(self, turn: dict[str, Any], role: str, listed: list[Any], at: int) -> None:
        """Add a turn that has more than its speaker and a text: perhaps calls."""
        given = text = turn.get(self._said)
        plain = read_plain_calls(turn, self._said) if role == "assistant" else None
        calls = plain or read_calls(turn, role, len(self.called))
        if not calls:
            self._add_text(turn, role, listed, at)
            return
        if type(text) is not str or "\r" in text:
            text = "" if text is None else take_any_text(turn, self._said, self._shape.place)
        message: Message = {"role": "assistant", "content": text, "tool_calls": calls}
        self.unread_calls += OPENING in text
        if plain is None or type(given) is list:
            self.odd.append(turn)
            add_extras(message, turn, self._shape.place)
        self._in_text = False
        self._add_calls(message, calls)

    def _add_text(self, turn: dict[str, Any], role: str, listed: list[Any], at: int) -> None:
        """Add a turn that says something, in which calls may be written."""
        text = turn.get(self._said)
        is_odd = len(turn) > 2 or type(text) is not str
        if type(text) is not str or not text or text.isspace() or "\r" in text:
            take = take_any_text if role == "system" else take_text
            text = take(turn, self._said, self._shape.place)
        message: Message = {"role": role, "content": text}
        # A sign is looked for first, which is much faster.
        if role == "assistant" and (text[-1] in "]\n " or "<" in text) and may_hold_calls(text):
            self._read_text(message, _is_answered(listed, at, self._shape.speaker))
        if is_odd:
            self.odd.append(turn)
            add_extras(message, turn, self._shape.place)
        if "tool_calls" in message:
            self._add_calls(message, message["tool_calls"])
        else:
            self.messages.append(message)
            self.roles.append(role)
            self._waiting.clear()

    def _read_text(self, message: Message, followed: bool) -> None:
        """Take the calls out of a message's text, where a tool answers it or all of them are of tools that are
        known."""
        found = read_written_calls(message["content"]) if followed or self._known else None
        if found and (followed or self._known >= set(found.list_names())):
            self._in_text = True
            message["content"] = found.text
            message["tool_calls"] = read_call_list(found.calls, "a call", len(self.called))
        else:
            self.unread_calls += OPENING in message["content"]

    def _add_calls(self, message: Message, calls: list[dict[str, Any]]) -> None:
        waiting = self._waiting
        if self.roles[-1:] != ["user"] and _join_calls(self.messages, message):
            self.roles[-1] = "call"
        else:
            self.messages.append(message)
            self.roles.append("call")
            waiting.clear()
        for call in calls:
            called, name = call["id"], call["function"]["name"]
            if called in waiting:
                raise BadRecord("two calls have the same 'id'")
            waiting[called] = name
            self.called.append(name)

    def _find_answered(self, turn: dict[str, Any], named: Any) -> str:
        """The id of the call that a tool's turn answers, which then waits no more."""
        waiting = self._waiting
        if type(named) is str and named in waiting:
            del waiting[named]
            return named
        if waiting and len(turn) == 2:
            first = next(iter(waiting))
            del waiting[first]
            return first
        tool, last = turn.get("name"), self.messages[-1:]
        if not waiting and last and last[0]["role"] == "assistant" and "tool_calls" not in last[0]:
            raise BadRecord("a tool answers, but the text before it holds no call that can be read")
        if not waiting or (named is not None and (type(named) is not str or named not in waiting)):
            raise BadRecord("a tool answers a call that was not made")
        answered = named or next((id_ for id_, name in waiting.items() if name == tool), next(iter(waiting)))
        del waiting[answered]
        return answered


def _take_answer(turn: dict[str, Any], said: str, place: str) -> str:
    """A tool's answer as text; an object or a list of values as JSON."""
    value = turn.get(said)
    if type(value) is list:
        is_value = not any(type(item) is dict and "type" in item for item in value)
    else:
        is_value = value is not None and type(value) is not str
    return format_answer(value) if is_value else take_any_text(turn, said, place)


def _is_answered(listed: list[Any], at: int, speaker: str) -> bool:
    """Whether a tool speaks after the turn at `at`."""
    following = listed[at + 1] if at + 1 < len(listed) else None
    return type(following) is dict and find_role(following.get(speaker), TOOL_ROLES) == "tool"


def _join_calls(messages: list[Message], message: Message) -> bool:
    """Whether the message has nothing but calls, which belong to the assistant's last message, and were added to it."""
    last = messages[-1] if messages else None
    if not last or last["role"] != "assistant" or message["content"]:
        return False
    if _MARK_AND_CALLS.issuperset(message) and last.get("train") == message.get("train"):
        last["tool_calls"] = last.get("tool_calls", []) + message["tool_calls"]
        return True
    return False
