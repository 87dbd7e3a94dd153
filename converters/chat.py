r"""Plain chats, as OpenAI's messages, ShareGPT's conversations, or Alpaca's instructions.

    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello!"}],
     "metadata": {"topic": "greeting"}}
    {"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "Hello!"}]}
    {"instruction": "Translate.", "input": "hola", "output": "hi", "history": [["Again?", "Yes."]]}
    {"prompt": "hi", "completion": "Hello!"}

Out, for the first:

    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello!"}],
     "meta": {"topic": "greeting"}}

The user speaks first and the two take turns. A line feed separates an instruction from its input. A last turn of the
user teaches nothing and is dropped; `meta.dropped` counts it. Texts and numbers under `metadata` are kept in `meta`.
"""

from typing import Any

from converters._fields import take_text
from converters._turns import (
    OPENAI,
    ROLES,
    SHAREGPT,
    add_system,
    check_marks,
    declare_turns,
    drop_unanswered,
    find_turns,
    list_roles,
    read_turns,
    take_metadata,
)
from recipebook.data.fields import RECORD_HARMLESS, Fields, Shapes
from recipebook.frozen import Frozen
from recipebook.rows import BadRecord, Message, Row

WANTS = (
    "'messages' with 'role' and 'content', 'conversations', 'instruction' and 'output', or 'prompt' and 'completion'"
)

_PAIRS = (("instruction", "output"), ("prompt", "completion"))


class Options(Frozen):
    """What a recipe may set."""

    system: str | None = None
    """A system prompt for chats that have none; null: no system turn. Set it to the prompt of later use."""


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by its first turn, or by its instruction and answer."""
    for field, speaker, said in (OPENAI, SHAREGPT):
        turns = record.get(field)
        first = turns[0] if type(turns) is list and turns else None
        if type(first) is dict and type(first.get(speaker)) is str and said in first:
            return f"have '{field}' with '{speaker}' and '{said}'"
    for asked, answered in _PAIRS:
        if type(record.get(asked)) in (str, list) and type(record.get(answered)) in (str, list):
            return f"have '{asked}' and '{answered}'"
    return None


def _declare(**fields: Any) -> Fields:
    return Fields("record", {**fields, "system": None, "metadata": None}, RECORD_HARMLESS)


# Calls refuse the record.
_CALLS: dict[str, Any] = {role: {"tool_calls": None, "function_call": None} for role in ROLES.values()}
_TURNS = {each.field: _declare(**{each.field: declare_turns(each, ROLES, **_CALLS)}) for each in (OPENAI, SHAREGPT)}
_TEXTS = {pair: _declare(**dict.fromkeys((*pair, "input", "history"))) for pair in _PAIRS}
_LISTS = {pair: _declare(**dict.fromkeys(pair, declare_turns(OPENAI, ROLES, **_CALLS))) for pair in _PAIRS}


def _choose_fields(record: dict[str, Any]) -> Fields:
    for field, fields in _TURNS.items():
        if record.get(field) is not None:
            return fields
    pair = next(pair for pair in _PAIRS if record.get(pair[0]) is not None)
    return (_LISTS if type(record[pair[0]]) is list and type(record.get(pair[1])) is list else _TEXTS)[pair]


FIELDS = Shapes(_choose_fields, (*_TURNS.values(), *_TEXTS.values(), *_LISTS.values()))


def convert(record: dict[str, Any], options: Options) -> list[Row]:
    """The record's one chat."""
    turns = find_turns(record)
    messages = read_turns(*turns, ROLES) if turns else _read_pair(record)
    add_system(messages, record, options.system)
    dropped = drop_unanswered(messages, list_roles(messages))
    check_marks(messages)
    meta = take_metadata(record)
    if dropped:
        meta["dropped"] = dropped
    return [{"messages": messages, "meta": meta}]


def _read_pair(record: dict[str, Any]) -> list[Message]:
    asked, answered = next((pair for pair in _PAIRS if record.get(pair[0]) is not None), (None, None))
    if asked is None or answered is None:
        raise BadRecord("has none of 'messages', 'conversations', 'instruction' and 'prompt'")
    if type(record[asked]) is list and type(record.get(answered)) is list:
        before, after = (read_turns(record[field], OPENAI._replace(field=field), ROLES) for field in (asked, answered))
        return before + after
    question = take_text(record, asked)
    if record.get("input"):
        question += "\n" + take_text(record, "input")
    messages = _read_history(record)
    messages.append({"role": "user", "content": question})
    messages.append({"role": "assistant", "content": take_text(record, answered)})
    return messages


def _read_history(record: dict[str, Any]) -> list[Message]:
    history = [] if record.get("history") is None else record["history"]
    if type(history) is not list or any(type(pair) is not list or len(pair) != 2 for pair in history):
        raise BadRecord("'history' is not a list of questions and their answers")
    messages: list[Message] = []
    for pair in history:
        question, answer = (take_text({"history": said}, "history", " of an item") for said in pair)
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return messages
