r"""What pairs and answers with a label share: the prompt of a record, and the answers to it.

    {"messages": [{"role": "user", "content": "hi"}], "chosen": {"role": "assistant", "content": "hello"}, …}
    {"prompt": "hi", "chosen": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}], …}
    {"instruction": "Greet", "input": "Bob", "history": [["q", "a"]], "system": "Be kind.", "chosen": "hello", …}
    {"chosen": "\n\nHuman: hi\n\nAssistant: hello", …}

An answer is a text, a message, or the whole chat up to it, which then has to agree with the prompt. A message may call
tools and a tool may answer, as in tool dialogues.
"""

from collections.abc import Mapping, Sequence, Set
from typing import Any

from converters._blocks import holds_blocks
from converters._extras import add_extras
from converters._fields import take_any_text, take_text
from converters._tool_lists import read_tools
from converters._tool_turns import TOOL_ROLES, read_tool_turns
from converters._turn_pairs import holds_turn_pairs
from converters._turns import (
    LISTS,
    OPENAI,
    ROLES,
    SAID,
    SPEAKERS,
    SYSTEMS,
    Shape,
    add_system,
    find_role,
    format_speaker,
    read_history,
    take_turns,
)
from converters._written_calls import may_hold_calls
from converters._written_chat import read_written_chat
from converters._written_turns import find_written_turns
from recipebook.data.fields import remember_odd
from recipebook.records import name_kind
from recipebook.rows import BadRecord, LeftOut, Message

TEXTS = ("prompt", "instruction", "question", "query", "input")
"""Fields that hold a prompt, the first of which counts; `input` may also go with one of the others."""

_TURNS = ("messages", "conversations")
_LISTED, _SYSTEMS = frozenset(LISTS), frozenset(SYSTEMS)
_BESIDE_TEXTS = _LISTED.union(_SYSTEMS, TEXTS[1:], ("history", "tools"))
_PROMPTS = _LISTED.union(TEXTS)


Asked = tuple[list[Message], list[Message], list[dict[str, Any]], int]
"""A prompt, the answers to it in the order of their fields, its tools, and the number of images left out."""


_Before = tuple[str, list[Message], bool, int]
"""The field and the messages of a record's prompt, whether it is one bare text, which may be any of the user's in a
longer prompt, and the number of images left out."""


def read_asked(record: dict[str, Any], fields: Sequence[str]) -> Asked:
    """Read the prompt and the answers in these fields; a field of `LISTS` holds the answer and all before it."""
    if texts := _read_texts(record, fields):
        return texts
    given = _find_tools(record)
    tools, known, _ = read_tools(given)
    befores: list[list[Message]] = []
    answers: list[Message] = []
    for field in fields:
        before, answer = _read_answer(record, field, known)
        befores.append(before)
        answers.append(answer)
    asking, messages, bare, images = _read_prompt(record, fields, befores[0], known)
    if messages and messages[-1]["role"] == "assistant" and messages[-1] in answers:
        # Some data has the whole chat beside its parts.
        del messages[-1]
    for field, before in zip(fields, befores, strict=True):
        if before:
            messages, bare = _agree(messages, bare, before, field), False
    if not _SYSTEMS.isdisjoint(record):
        add_system(messages, record, None)
    asks = False
    for message in messages:
        asks = asks or message["role"] == "user"
        # The answers are what preferences teach; ORPO fits their prompt too, but all of it.
        message.pop("train", None)
    if not asks:
        raise BadRecord(f"'{asking}' has no user's message")
    for answer in answers:
        if "train" in answer:
            raise LeftOut("an answer is marked as not to be learned")
        if "tool_calls" in answer:
            _number_calls(answer, messages)
    return messages, answers, tools, images


def _read_texts(record: dict[str, Any], fields: Sequence[str]) -> Asked | None:
    """The prompt and the answers of a record that has three texts, as most pairs are; None for any other record."""
    if type(record.get(fields[0])) is not str or not _BESIDE_TEXTS.isdisjoint(record):
        return None
    asked: Any = record.get("prompt")
    said = [asked]
    answers: list[Message] = []
    for field in fields:
        text: Any = record.get(field)
        said.append(text)
        answers.append({"role": "assistant", "content": text})
    for text in said:
        if type(text) is not str or not text or text[0] in "[{" or text.isspace():
            return None
    whole = "\0".join(said)
    if "\r" in whole or "\n\nAssistant:" in whole:
        return None
    if len(record) == len(said):
        remember_odd(record, [])
    return [{"role": "user", "content": asked}], answers, [], 0


def check_called(prompt: list[Message], answer: Message, tools: list[dict[str, Any]]) -> None:
    """Refuse a good answer that calls a tool which is not there; a bad one may be bad for that."""
    called = {call["function"]["name"] for each in (*prompt, answer) for call in each.get("tool_calls", ())}
    if not called.issubset(tool["function"]["name"] for tool in tools):
        raise BadRecord("calls a tool that 'tools' does not list")


def find_prompt(record: Mapping[str, Any], taken: Sequence[str] = ()) -> str | None:
    """The field of a record that holds its prompt; `taken` are those of its answers."""
    if _PROMPTS.isdisjoint(record):
        return None
    for field in LISTS if not _LISTED.isdisjoint(record) else ():
        value = record.get(field)
        if value is None or field in taken:
            continue
        # Other fields of these names may count or describe the turns.
        is_list = type(value) is list or (type(value) is str and value.startswith("["))
        # Beside a prompt, Capybara's pairs have the whole dialogue as it was.
        goes_with_it = record.get("prompt") is not None and holds_turn_pairs(value, SPEAKERS)
        if field in _TURNS or (is_list and not goes_with_it):
            return field
    for field in TEXTS:
        if field not in taken and record.get(field) is not None:
            return field
    return None


def _read_answer(record: dict[str, Any], field: str, known: Set[str]) -> tuple[list[Message], Message]:
    """An answer, and the messages before it if the field holds the whole chat; `known` are the tools' names."""
    value = record.get(field)
    if type(value) is str:
        value = find_written_turns(value, field) or value
    if field in _LISTED and type(value) is str:
        value, _ = take_turns(value, field)
    if type(value) is str or value is None:
        text = take_text(record, field)
        if "\n\nAssistant:" not in text and not known:
            return [], {"role": "assistant", "content": text}
        messages = read_written_chat(text) or _read_messages([{"role": "assistant", "content": text}], field, known)
    elif value == []:
        raise BadRecord(f"'{field}' is empty")
    else:
        messages = _read_messages(value if type(value) is list else [value], field, known)
    if messages[-1]["role"] != "assistant":
        raise BadRecord(f"'{field}' does not end with an assistant's message")
    if not messages[-1]["content"] and "tool_calls" not in messages[-1]:
        raise BadRecord(f"'{field}' ends with an empty answer")
    return messages[:-1], messages[-1]


def _read_prompt(record: dict[str, Any], fields: Sequence[str], first: list[Message], known: Set[str]) -> _Before:
    """The prompt; where no field holds it, the messages that stand before the first answer."""
    field = find_prompt(record, fields)
    if field is None:
        if not first:
            raise BadRecord("missing 'prompt'")
        return fields[0], first, False, 0
    value = record[field]
    if type(value) is str:
        value = find_written_turns(value, field) or value
    if field in _LISTED and type(value) is str:
        value, _ = take_turns(value, field)
    if field == "input" and type(value) is dict:
        value, field = value.get("messages"), "messages"
    if type(value) is list:
        messages = _read_messages(value, field, known)
        return field, messages, False, len([each for each in value if each.get("image_data") is not None])
    if type(value) is not str or field in _LISTED:
        wanted = "a list" if field in _LISTED else "a string or a list"
        raise BadRecord(f"'{field}' is {name_kind(value)}, not {wanted}")
    text = take_text(record, field)
    if "\n\nAssistant:" in text and (written := read_written_chat(text)):
        if record.get("history") or (field != "input" and record.get("input")):
            raise BadRecord(f"'{field}' holds a whole chat, and there is 'history' or 'input' beside it")
        return field, written if written[-1]["content"] else written[:-1], False, 0
    if field != "input" and record.get("input"):
        text += "\n" + take_text(record, "input")
    history = read_history(record)
    return field, [*history, {"role": "user", "content": text}], not history, 0


def _agree(messages: list[Message], bare: bool, before: list[Message], field: str) -> list[Message]:
    """The longer of a prompt's messages and those before an answer, which differ in a system prompt at most."""
    if before == messages:
        return before
    if bare:
        asked = messages[0]["content"]
        for message in before:
            if message["role"] == "user" and message["content"] == asked:
                return before
    else:
        (own, said), (other, also_said) = _split_system(messages), _split_system(before)
        if said == also_said and not (own and other):
            return [*own, *other, *said]
    raise BadRecord(f"'{field}' starts with other messages than the prompt's")


def _split_system(messages: list[Message]) -> tuple[list[Message], list[Message]]:
    at = 1 if messages and messages[0]["role"] == "system" else 0
    return messages[:at], messages[at:]


def _find_tools(record: dict[str, Any]) -> Any:
    inner = record.get("input")
    return inner["tools"] if type(inner) is dict and inner.get("tools") is not None else record.get("tools")


def _read_messages(listed: list[Any], field: str, known: Set[str]) -> list[Message]:
    messages: list[Message] = []
    odd: list[Any] = []
    is_sharegpt = type(listed[0]) is dict and "from" in listed[0] if listed else False
    speaker, said = ("from", "value") if is_sharegpt else ("role", "content")
    for each in listed:
        try:
            role, text = ROLES[each[speaker]], each[said]
        except (KeyError, TypeError):
            role, text = "", None
        # What _read_plain checks, without a call for nearly all messages.
        if type(text) is str and len(each) == 2 and text and not text.isspace() and "\r" not in text:
            message: Message | None = {"role": role, "content": text}
        else:
            message = _read_plain(each, field)
            odd.append(each)
        if message is None or (known and message["role"] == "assistant" and may_hold_calls(message["content"])):
            return _read_calls(listed, field, known)
        messages.append(message)
    remember_odd(listed, odd)
    return messages


def _read_plain(message: Any, field: str) -> Message | None:
    """A message that neither calls a tool nor is a tool's; None for the others."""
    if type(message) is not dict:
        raise BadRecord(f"a message of '{field}' is {name_kind(message)}, not an object")
    speaker, said = _find_names(message)
    name = message.get(speaker)
    role = find_role(name, ROLES)
    if role is None:
        if find_role(name, TOOL_ROLES):
            return None
        shown = format_speaker(message, Shape(field, speaker, said))
        raise BadRecord(f"a message of '{field}' is by {shown}none of {', '.join(ROLES)}")
    is_odd = len(message) > 2 or said not in message
    if holds_blocks(message.get(said)) or (is_odd and (message.get("tool_calls") or message.get("function_call"))):
        return None
    take = take_any_text if role == "system" else take_text
    read: Message = {"role": role, "content": take(message, said, f" in a message of '{field}'")}
    if len(message) > 2:
        add_extras(read, message, OPENAI._replace(field=field).place)
    return read


def _find_names(message: dict[str, Any]) -> tuple[str, str]:
    """The names that a message gives to its speaker and its text."""
    speaker = next((name for name in SPEAKERS if name in message), "role")
    said = next((name for name in SAID if name in message), "value" if speaker == "from" else "content")
    return speaker, said


def _read_calls(listed: list[Any], field: str, known: Set[str]) -> list[Message]:
    """Messages, some of which call tools, read as tool dialogues are."""
    turns = [_name_as_openai(each, field) for each in listed]
    return read_tool_turns(turns, OPENAI._replace(field=field), known).messages


def _name_as_openai(turn: Any, field: str) -> dict[str, Any]:
    if type(turn) is not dict:
        raise BadRecord(f"a message of '{field}' is {name_kind(turn)}, not an object")
    speaker, said = _find_names(turn)
    if (speaker, said) == ("role", "content"):
        return turn
    names = {speaker: "role", said: "content"}
    return {names.get(str(key), str(key)): value for key, value in turn.items()}


def _number_calls(answer: Message, before: list[Message]) -> None:
    """Give the calls of an answer that was read for itself other ids than those before it have."""
    taken = [call["id"] for message in before for call in message.get("tool_calls", ())]
    if not {call["id"] for call in answer.get("tool_calls", ())}.isdisjoint(taken):
        for at, call in enumerate(answer["tool_calls"], len(taken)):
            call["id"] = f"call_{at}"
