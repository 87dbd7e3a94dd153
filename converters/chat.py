r"""Plain chats: messages in the forms of OpenAI and ShareGPT, or a question and its answer.

    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello!"}],
     "metadata": {"topic": "greeting"}}
    {"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "Hello!"}]}
    {"instruction": "Translate.", "input": "hola", "output": "hi", "history": [["Again?", "Yes."]]}
    {"prompt": "hi", "completion": "Hello!"}

Out, for the first:

    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello!"}],
     "meta": {"topic": "greeting"}}

The turns may also stand in `conversation`, `dialogue`, `dialog`, `turns`, `trajectory` or `traj`, with `role`, `from`
or `speaker` and `content`, `value` or `text`, as a list or as its JSON. A question and its answer may also be called
`instruction` and `response` (Dolly, with `context`), `question` and `answer` or `response`, `query` and `response` or
`answer`, `prompt` and `response` or `answer`, `problem` and `solution`, `input` and `output` or `target`, `inputs` and
`targets` (Aya); `columns` reads them from fields of any other name. Texts in `conversations`, `conversation`,
`dialogue` or `dialog` are by the user and the assistant in turn (LIMA), and turns of `input` and `output` (Capybara),
`human` and `assistant`, or `question` and `answer` are two turns each, before which `system` may stand and of which
`output_with_loss: false` masks the answer (XTuner). Speakers may be in capitals, the user also `prompter` or
`customer`, and the assistant also `bot`, `chatbot`, `model`, `ai` or `agent`.

A line feed separates a question from its `input` or `context`. Turns are kept in their order. What follows the last
answer teaches nothing and is dropped; `meta.dropped` counts it. Texts and numbers under `metadata` are kept in `meta`.

A turn keeps its `name` and what the assistant thought (`reasoning_content`, `reasoning`, `thinking`, `thought` or
`tool_plan`, or a part of the type `thinking`), which may also stand beside a question and its answer. One that is
marked with `weight: 0`, `train: false` or the like has `"train": false`: it is read, and not learned.
"""

from typing import Any

from converters._blocks import PARTS
from converters._columns import Columns, check_columns, take_meta
from converters._extras import check_marks
from converters._fields import take_text
from converters._metadata import METADATA, take_metadata
from converters._order import drop_unanswered, list_roles
from converters._pairs import PAIRS, PairFields, find_pair, read_sides, read_texts
from converters._turns import (
    CHAT_NOTES,
    LISTS,
    ROLES,
    SYSTEMS,
    add_system,
    choose_listed,
    declare_any_turns,
    declare_turns,
    find_turns,
    read_turns,
    take_turns,
)
from recipebook.data.fields import RECORD_HARMLESS, Fields, Shapes, remember_whole
from recipebook.frozen import Frozen
from recipebook.rows import BadRecord, Message, Row, join_meta

WANTS = (
    "'messages' with 'role' and 'content', 'conversations', 'instruction' and 'output', 'prompt' and 'completion', "
    "'question' and 'answer', 'query' and 'response', or data.options.columns that names others"
)

NOTES = CHAT_NOTES

_TOOLS = ("tools", "functions", "available_tools")
_TOOL_FIELDS = frozenset(_TOOLS)


class Options(Frozen):
    """What a recipe may set."""

    system: str | None = None
    """A system prompt for chats that have none; null: no system turn. Set it to the prompt of later use."""
    columns: Columns | None = None
    """Which columns of a table, or fields, hold the chat: `{user: question, assistant: answer, system: role,
    meta: [topic]}`, or `{messages: chat}`. Set it where they have other names than those above; the columns under
    `meta` are kept for slices."""


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by its first turn, or by its question and answer."""
    try:
        found = find_turns(record)
    except BadRecord:
        return None
    if found:
        (turn, *_), (field, speaker, said) = found[0] or [None], found[1]
        if type(turn) is dict and type(turn.get(speaker)) is str and said in turn:
            if type(record[field]) is list and speaker not in record[field][0]:
                return f"have '{field}' with texts"
            return f"have '{field}' with '{speaker}' and '{said}'"
    for asked, answered in PAIRS:
        if _may_be_said(record.get(asked)) and _may_be_said(record.get(answered)):
            return f"have '{asked}' and '{answered}'"
    return None


def choose_fields(options: Options) -> Shapes:
    """What is read of a record, by the options."""
    columns = options.columns
    if columns is None:
        return FIELDS
    read: dict[str, Any] = dict.fromkeys(columns.list_names())
    if columns.messages is not None:
        read[columns.messages] = _LISTED
    named = _declare(**read)
    return Shapes(lambda _: named, [named])


def _declare(**fields: Any) -> Fields:
    return Fields("record", {**METADATA, **fields}, RECORD_HARMLESS)


# Calls and tools refuse the record.
_CALLS: dict[str, Any] = {role: {"tool_calls": None, "function_call": None} for role in ROLES.values()}
_LISTED = declare_any_turns(lambda shape: declare_turns(shape, ROLES, **_CALLS))
_BESIDE: dict[str, Any] = {**dict.fromkeys(SYSTEMS, PARTS), **dict.fromkeys(_TOOLS)}
_TURNS = {field: _declare(**_BESIDE, **{field: _LISTED}) for field in LISTS}
_PAIRS = PairFields({**METADATA, **_BESIDE}, _LISTED)


def _choose_shape(record: dict[str, Any]) -> Fields | None:
    return choose_listed(record, _TURNS) or _PAIRS.choose(record)


FIELDS = Shapes(_choose_shape, (*_TURNS.values(), *_PAIRS.list_all()))


def convert(record: dict[str, Any], options: Options) -> list[Row]:
    """The record's one chat."""
    columns, meta = options.columns, take_metadata(record)
    if columns is None:
        messages = _read_messages(record)
        add_system(messages, record, options.system)
    else:
        messages = _read_columns(record, columns)
        add_system(messages, _take_system(record, columns), options.system)
        meta = join_meta(meta, take_meta(record, columns))
    dropped = drop_unanswered(messages, list_roles(messages))
    check_marks(messages)
    if dropped:
        meta = join_meta(meta, {"dropped": dropped})
    return [{"messages": messages, "meta": meta}]


def _may_be_said(value: Any) -> bool:
    """Whether a value is a question or an answer, or would be if it were written as a text."""
    return type(value) in (str, int, float) or (type(value) is list and bool(value))


def _read_messages(record: dict[str, Any]) -> list[Message]:
    if not _TOOL_FIELDS.isdisjoint(record):
        _refuse_tools(record)
    turns = find_turns(record)
    if turns:
        messages = read_turns(turns[0], turns[1], ROLES)
        if len(record) == 1:
            remember_whole(record, record[turns[1].field])
        return messages
    if pair := find_pair(record):
        sides = read_sides(record, pair)
        if sides is None:
            return read_texts(record, pair)
        return [message for listed, shape in sides for message in read_turns(listed, shape, ROLES)]
    asked = next((pair for pair in PAIRS if record.get(pair[0]) is not None), None)
    if asked is None:
        raise BadRecord("has none of 'messages', 'conversations', 'instruction', 'prompt' and 'question'")
    raise BadRecord(f"missing '{asked[1]}'")


def _refuse_tools(record: dict[str, Any]) -> None:
    for field in _TOOLS:
        if record.get(field) not in (None, "", "[]", []):
            raise BadRecord(f"has '{field}', which converter tools is for")


def _read_columns(record: dict[str, Any], columns: Columns) -> list[Message]:
    check_columns(record, columns)
    if columns.user is None or columns.assistant is None:
        assert columns.messages is not None
        return read_turns(*take_turns(record[columns.messages], columns.messages), ROLES)
    answer: Message = {"role": "assistant", "content": take_text(record, columns.assistant)}
    if columns.reasoning is not None and record[columns.reasoning] not in (None, ""):
        answer["reasoning_content"] = take_text(record, columns.reasoning)
    return [{"role": "user", "content": take_text(record, columns.user)}, answer]


def _take_system(record: dict[str, Any], columns: Columns) -> dict[str, Any]:
    return {} if columns.system is None else {"system": record[columns.system]}
