"""Turns of which some call tools and others answer the calls: the messages, and the names of the tools called.

    [{"from": "human", "value": "Rain?"}, {"from": "function_call", "value": "{\\"name\\": \\"weather\\"}"},
     {"from": "observation", "value": "no"}]
    → user, assistant with `tool_calls`, tool with its `tool_call_id`; ["weather"]

A tool answers calls of the turn right before it: the one whose id or name it has, or the first that is unanswered.
"""

from collections.abc import Set
from typing import Any

from converters._calls import format_answer, read_call_list, read_calls
from converters._extras import add_extras
from converters._fields import take_any_text, take_text
from converters._turns import ROLES, Shape, take_role
from converters._written_calls import WrittenCalls, may_hold_calls, read_written_calls, split_answers
from recipebook.data.fields import remember_odd
from recipebook.rows import BadRecord, Message

_CALLERS, _TOOLS = ("function_call", "tool_call"), ("tool", "function", "observation", "tool_response")
TOOL_ROLES = {**ROLES, **dict.fromkeys(_CALLERS, "call"), **dict.fromkeys(_TOOLS, "tool")}

_MARK_AND_CALLS = frozenset(("role", "content", "tool_calls", "train"))


def read_tool_turns(listed: list[Any], shape: Shape, known: Set[str] = frozenset()) -> tuple[list[Message], list[str]]:
    """The messages, and the names of the tools that they call, in their order; `known` has the names of all tools."""
    _, speaker, said = shape
    messages: list[Message] = []
    called: list[str] = []
    # The ids of the last turn's calls that no tool has answered yet, in their order, and the tools' names.
    waiting: dict[str, str] = {}
    in_text = False
    odd: list[Any] = []
    for at, turn in enumerate(listed):
        try:
            role = TOOL_ROLES[turn[speaker]]
        except (KeyError, TypeError):
            role = take_role(turn, shape, TOOL_ROLES)
        if role == "call" or len(turn) > 2 or type(turn.get(said)) is not str:
            odd.append(turn)
        if role == "tool":
            text = turn.get(said)
            if type(text) is not str or "\r" in text:
                text = _take_answer(turn, said, shape.place)
            for answer in split_answers(text) if in_text else (text,):
                answered = _find_answered(turn, waiting, messages)
                messages.append({"role": role, "content": answer, "tool_call_id": answered})
                if len(turn) > 2:
                    add_extras(messages[-1], turn, shape.place)
            continue
        # A turn with only its speaker and its text calls nothing, unless in the text.
        may_call = role == "call" or len(turn) > 2 or said not in turn
        calls = read_calls(turn, role, said, len(called)) if may_call else []
        if calls:
            in_text = False
            text = "" if role == "call" or turn.get(said) is None else take_any_text(turn, said, shape.place)
        else:
            text = turn.get(said)
            if type(text) is not str or not text or text.isspace() or "\r" in text:
                text = take_text(turn, said, shape.place)
            # A sign is looked for first, which is much faster.
            if role == "assistant" and (text[-1] in "]\n " or "<" in text) and may_hold_calls(text):
                followed = _is_answered(listed, at, speaker)
                if found := _read_text(text, followed, known):
                    in_text, text = True, found.text
                    calls = read_call_list(found.calls, "a call", len(called))
        message: Message = {"role": "assistant" if calls else role, "content": text}
        if calls:
            message["tool_calls"] = calls
        if len(turn) > 2:
            add_extras(message, turn, shape.place)
        if not calls or not _join_calls(messages, message):
            messages.append(message)
            waiting.clear()
        for call in calls:
            if call["id"] in waiting:
                raise BadRecord("two calls have the same 'id'")
            waiting[call["id"]] = call["function"]["name"]
            called.append(call["function"]["name"])
    remember_odd(listed, odd)
    return messages, called


def _take_answer(turn: dict[str, Any], said: str, place: str) -> str:
    """A tool's answer as text; an object or a list of values as JSON."""
    value = turn.get(said)
    if type(value) is list:
        is_value = not any(type(item) is dict and "type" in item for item in value)
    else:
        is_value = value is not None and type(value) is not str
    return format_answer(value) if is_value else take_any_text(turn, said, place)


def _find_answered(turn: dict[str, Any], waiting: dict[str, str], messages: list[Message]) -> str:
    """The id of the call that a tool's turn answers, which then waits no more."""
    named, tool = turn.get("tool_call_id"), turn.get("name")
    if waiting and named is None and tool is None:
        first = next(iter(waiting))
        del waiting[first]
        return first
    if not waiting and messages and messages[-1]["role"] == "assistant" and "tool_calls" not in messages[-1]:
        raise BadRecord("a tool answers, but the text before it holds no call that can be read")
    if not waiting or (named is not None and (type(named) is not str or named not in waiting)):
        raise BadRecord("a tool answers a call that was not made")
    answered = named or next((id_ for id_, name in waiting.items() if name == tool), next(iter(waiting)))
    del waiting[answered]
    return answered


def _is_answered(listed: list[Any], at: int, speaker: str) -> bool:
    """Whether a tool speaks after the turn at `at`."""
    following = listed[at + 1] if at + 1 < len(listed) else None
    name = following.get(speaker) if type(following) is dict else None
    return type(name) is str and TOOL_ROLES.get(name) == "tool"


def _read_text(text: str, followed: bool, known: Set[str]) -> WrittenCalls | None:
    """The calls of a text, where a tool answers it or all of them are of tools that are known."""
    if not followed and not known:
        return None
    found = read_written_calls(text)
    return found if found and (followed or known >= set(found.list_names())) else None


def _join_calls(messages: list[Message], message: Message) -> bool:
    """Whether the message has nothing but calls, which belong to the assistant's last message, and were added to it."""
    last = messages[-1] if messages else None
    if not last or last["role"] != "assistant" or message["content"]:
        return False
    if _MARK_AND_CALLS.issuperset(message) and last.get("train") == message.get("train"):
        last["tool_calls"] = last.get("tool_calls", []) + message["tool_calls"]
        return True
    return False
