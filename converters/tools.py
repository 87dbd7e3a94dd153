r"""Tool dialogues: chats in which the assistant calls tools and reads their results.

    {"conversations": [{"from": "human", "value": "Is it raining?"},
                       {"from": "function_call", "value": "{\"name\": \"weather\", \"arguments\": {\"day\": \"now\"}}"},
                       {"from": "observation", "value": "no"}, {"from": "gpt", "value": "It is dry."}],
     "tools": "[{\"name\": \"weather\", \"parameters\": {…}}]"}

or OpenAI's messages with `tool_calls`, their arguments as an object or a string, and the role `tool`; its older
`functions` and `function_call`; Anthropic's blocks, of the types `text`, `thinking`, `tool_use` and `tool_result`, and
tools with an `input_schema`; a `query` with its `tools` and `answers`; or a question and its answer as the converter
chat reads them, with `tools` or calls. Out, for the first:

    {"messages": [{"role": "user", "content": "Is it raining?"},
                  {"role": "assistant", "content": "", "tool_calls": [{"id": "call_0", "type": "function",
                   "function": {"name": "weather", "arguments": "{\"day\": \"now\"}"}}]},
                  {"role": "tool", "content": "no", "tool_call_id": "call_0"},
                  {"role": "assistant", "content": "It is dry."}],
     "tools": [{"type": "function", "function": {"name": "weather", "parameters": {…}}}],
     "meta": {"calls": 1, "tool": "weather"}}

A call right after the assistant's words or another call belongs to the same turn. `meta.tool` is the first tool that
is called, or `none`. Unanswered turns at the end are dropped; `meta.dropped` counts them.

Calls may also stand in the text, as `<tool_call>{"name": …}</tool_call>` or `[weather(day="now")]`. They are read where
a tool answers or a list has their tools; tools that the system prompt lists become `tools`, and the prompt stays as it
is. All other text stays text; `meta.calls_in_text` counts turns with tags that were not read. A tool answers the calls
of the turn before it; `meta.unanswered` counts calls that none answered before the next turn.

In tools and arguments that are objects, and no strings, a null is no field, since Arrow gives every object the fields
of all others; the account counts it by its name. Nulls that are meant are kept in arguments that are strings.
"""

from typing import Any

from converters._blocks import CALLS as BLOCKS_OF_CALLS
from converters._blocks import PARTS, holds_blocks
from converters._calls import CALL, CALLS, WRITTEN_CALL, parse, read_call_list
from converters._extras import check_marks
from converters._fields import take_text
from converters._metadata import METADATA, take_metadata
from converters._order import drop_unanswered
from converters._pairs import PairFields, find_pair, read_sides, read_texts
from converters._tool_lists import NO_TOOLS, Tools
from converters._tool_lists import TOOLS as TOOLS
from converters._tool_lists import read_tools as read_tools
from converters._tool_turns import TOOL_ROLES, Dialogue
from converters._tool_turns import read_tool_turns as read_tool_turns
from converters._turns import (
    CHAT_NOTES,
    LISTS,
    OPENAI,
    SYSTEMS,
    Shape,
    add_system,
    choose_listed,
    declare_any_turns,
    declare_turns,
    find_role,
    find_turns,
    name_as_openai,
)
from converters._written_calls import OPENING, describe_tools, find_written_tools
from recipebook.data.fields import RECORD_HARMLESS, Fields, Shapes, Variants, WrittenJson, remember_odd
from recipebook.frozen import Frozen
from recipebook.rows import BadRecord, Row, join_meta

WANTS = (
    "'messages' or 'conversations' with 'tools' or calls of tools, 'prompt' and 'completion' with them, "
    "or 'query', 'tools' and 'answers'"
)
SPECIAL_CASE_OF = ("chat",)
NOTES = {
    **CHAT_NOTES,
    "calls_in_text": f"{OPENING} stays text, since what follows it is not read as calls",
    "unanswered": "no tool answered a call before the next turn",
}

_NONE: tuple[list[dict[str, Any]], set[str]] = ([], set())
_OTHER_LISTS = frozenset(("functions", "available_tools"))
_TOOL_LISTS = ("tools", "functions", "available_tools")


class Options(Frozen):
    """What a recipe may set."""

    system: str | None = None
    """A system prompt for dialogues that have none; null: no system turn. Set it to the prompt of later use."""


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by its list of tools, or by a turn that calls one."""
    listed = next((field for field in _TOOL_LISTS if type(record.get(field)) in (str, list, dict)), None)
    if listed and record.get("answers") is not None and type(record.get("query")) is str:
        return f"have 'query', '{listed}' and 'answers'"
    try:
        found, pair = find_turns(record), find_pair(record)
        sides = [found] if found else read_sides(record, pair) if pair else None
    except BadRecord:
        return None
    if sides is None:
        return f"have {_quote(pair)} and '{listed}'" if pair and listed else None
    if any(not turns or type(turns[0]) is not dict or shape.speaker not in turns[0] for turns, shape in sides):
        return None
    fields = _quote(tuple(shape.field for _, shape in sides))
    if listed:
        return f"have {fields} and '{listed}'"
    for turns, shape in sides:
        if holds := _find_calls(turns, shape):
            return f"have {fields} with {holds}"
    return None


def _find_calls(turns: list[Any], shape: Shape) -> str | None:
    """What the turns have that only this converter reads."""
    for turn in turns:
        if type(turn) is dict:
            speaks, text = find_role(turn.get(shape.speaker), TOOL_ROLES), turn.get(shape.said)
            calls = turn.get("tool_calls") or turn.get("function_call") or holds_blocks(text, BLOCKS_OF_CALLS)
            if calls or speaks in ("call", "tool"):
                return "calls of tools"
            if type(text) is str and ("<tools>" in text or OPENING in text):
                return "tools in their texts"
    return None


def _quote(fields: tuple[str, ...]) -> str:
    return ", ".join(f"'{field}'" for field in fields)


def declare_tool_turns(shape: Shape) -> Variants:
    """What is read of a turn that may call tools or be a tool's."""
    return declare_turns(
        shape,
        TOOL_ROLES,
        assistant={"tool_calls": CALLS, "function_call": CALL},
        call={shape.said: WrittenJson(WRITTEN_CALL)},
        tool={shape.said: None, "tool_call_id": None},
    )


def _declare(**fields: Any) -> Fields:
    read: dict[str, Any] = {**dict.fromkeys(SYSTEMS, PARTS), **dict.fromkeys(_TOOL_LISTS, TOOLS), **METADATA}
    return Fields("record", {**read, **fields}, RECORD_HARMLESS)


_LISTED = declare_any_turns(declare_tool_turns)
_TURNS = {field: _declare(**{field: _LISTED}) for field in LISTS}
_QUERY = _declare(query=None, answers=CALLS)
_PAIRS = PairFields(_declare().read, _LISTED)


def _choose_shape(record: dict[str, Any]) -> Fields:
    answered = None if record.get("answers") is not None else _PAIRS.choose(record)
    return choose_listed(record, _TURNS) or answered or _QUERY


FIELDS = Shapes(_choose_shape, (*_TURNS.values(), _QUERY, *_PAIRS.list_all()))


def convert(record: dict[str, Any], options: Options) -> list[Row]:
    """The record's one dialogue."""
    tools, names, is_clean = read_tools(record.get("tools")) if _OTHER_LISTS.isdisjoint(record) else _take_tools(record)
    turns = find_turns(record)
    written = _NONE if tools or not turns else _find_written_tools(record, *turns)
    pair = None if turns or record.get("answers") is not None else find_pair(record)
    listed = _list_pair(record, pair) if pair else turns
    dialogue = read_tool_turns(*listed, names or written[1]) if listed else _read_query(record)
    messages, called = dialogue.messages, dialogue.called
    add_system(messages, record, options.system)
    roles = tuple(dialogue.roles) if len(messages) == len(dialogue.roles) else ("system", *dialogue.roles)
    dropped = drop_unanswered(messages, roles)
    if dialogue.odd:
        check_marks(messages)
    elif turns and is_clean and len(record) == 1 + ("tools" in record) and dialogue.has_read(record):
        remember_odd(record, [])
    if tools and not names.issuperset(called):
        raise BadRecord("calls a tool that 'tools' does not list")
    if written[0] and written[1].issuperset(called) and (called or describe_tools(written[0])):
        tools = written[0]
    found: dict[str, Any] = {"calls": len(called), "tool": called[0] if called else "none"}
    if dropped:
        found["dropped"] = dropped
    if dialogue.unread_calls:
        found["calls_in_text"] = dialogue.unread_calls
    if called:
        answers = roles[: len(messages)].count("tool")
        if unanswered := len(called) - answers - len(messages[-1].get("tool_calls", ())):
            found["unanswered"] = unanswered
    meta = found if METADATA.keys().isdisjoint(record) else join_meta(take_metadata(record), found)
    if tools:
        return [{"messages": messages, "tools": tools, "meta": meta}]
    return [{"messages": messages, "meta": meta}]


def _list_pair(record: dict[str, Any], pair: tuple[str, str]) -> tuple[list[Any], Shape]:
    """The turns of a question and of its answer, as of one list."""
    sides = read_sides(record, pair)
    turns = [turn for side in sides for turn in name_as_openai(*side)] if sides else read_texts(record, pair)
    return turns, OPENAI._replace(field="' and '".join(pair))


def _take_tools(record: dict[str, Any]) -> Tools:
    """The tools under whichever name, such as OpenAI's older `functions`."""
    read = {field: read_tools(record.get(field), field) for field in _TOOL_LISTS}
    given = [field for field in _TOOL_LISTS if read[field][0]]
    if len(given) > 1:
        raise BadRecord(f"has both '{given[0]}' and '{given[1]}'")
    return read[given[0]] if given else NO_TOOLS


def _find_written_tools(
    record: dict[str, Any], turns: list[Any], shape: Shape
) -> tuple[list[dict[str, Any]], set[str]]:
    """The tools that a system prompt lists."""
    texts = [record.get(field) for field in SYSTEMS]
    for turn in turns[:1]:
        if type(turn) is dict and turn.get(shape.speaker) in ("system", "developer"):
            texts.append(turn.get(shape.said))
    return next((found for text in texts if type(text) is str and (found := find_written_tools(text))[0]), _NONE)


def _read_query(record: dict[str, Any]) -> Dialogue:
    """A question and the calls that answer it."""
    if record.get("query") is None:
        raise BadRecord("has none of 'messages', 'conversations', 'query', and 'prompt' with 'completion'")
    answers: Any = record.get("answers")
    written = isinstance(answers, str)
    if isinstance(answers, str):
        answers = parse(answers, "'answers'")
    if answers is None:
        raise BadRecord("missing 'answers'")
    calls = read_call_list(answers, "'answers'", 0, written)
    dialogue = Dialogue(Shape("", "", ""))
    dialogue.messages.append({"role": "user", "content": take_text(record, "query")})
    dialogue.messages.append({"role": "assistant", "content": "", "tool_calls": calls})
    dialogue.roles += ["user", "call"]
    dialogue.called += [call["function"]["name"] for call in calls]
    return dialogue
