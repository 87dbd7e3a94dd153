"""Gemini's dialogues: `contents` whose turns are made of `parts`, with calls of functions, as tool dialogues.

    {"systemInstruction": {"parts": [{"text": "Be kind."}]},
     "contents": [{"role": "user", "parts": [{"text": "Rain?"}]},
                  {"role": "model", "parts": [{"text": "I look.", "thought": true},
                                              {"functionCall": {"name": "weather", "args": {"day": "now"}}}]},
                  {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"rain": false}}}]},
                  {"role": "model", "parts": [{"text": "No."}]}],
     "tools": [{"functionDeclarations": [{"name": "weather", "parameters": {"type": "OBJECT"}}]}]}

Out:

    {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Rain?"},
                  {"role": "assistant", "content": "", "reasoning_content": "I look.", "tool_calls": [{"id": "call_0",
                   "type": "function", "function": {"name": "weather", "arguments": "{\\"day\\": \\"now\\"}"}}]},
                  {"role": "tool", "content": "{\\"rain\\": false}", "tool_call_id": "call_0", "name": "weather"},
                  {"role": "assistant", "content": "No."}],
     "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}],
     "meta": {"calls": 1, "tool": "weather"}}

Names may be written as `functionCall` or as `function_call`. The names of types in the tools become JSON Schema's, in
small letters. A turn's parts have to be in the order in which a row has them: thoughts, text, calls.
"""

from typing import Any, NamedTuple

from converters import tools
from converters._fields import refuse_part
from converters._metadata import METADATA
from recipebook.data.field_values import WithoutNulls
from recipebook.data.fields import PART_HARMLESS, RECORD_HARMLESS, Fields
from recipebook.records import name_kind
from recipebook.rows import BadRecord, Row

WANTS = "'contents' with 'parts'"
NOTES = tools.NOTES
Options = tools.Options

_SYSTEMS = ("systemInstruction", "system_instruction")
_CALLS, _ANSWERS = ("functionCall", "function_call"), ("functionResponse", "function_response")
_FUNCTIONS = ("functionDeclarations", "function_declarations")
_ROLES = {"user": "user", "model": "assistant", "function": "user"}
_ORDERS = {"assistant": ("thought", "text", "call"), "user": ("answer", "text"), "system": ("text",)}
_ARTICLES = {"thought": "a thought", "text": "a text", "call": "a call", "answer": "an answer of a function"}
_TYPES = frozenset(("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"))

_CALL = Fields("call", {"name": None, "args": WithoutNulls("call", "args"), "id": None}, PART_HARMLESS)
_ANSWER = Fields("answer", {"name": None, "response": None, "id": None}, PART_HARMLESS)
_PART = Fields(
    "part",
    {"text": None, "thought": None, **dict.fromkeys(_CALLS, _CALL), **dict.fromkeys(_ANSWERS, _ANSWER)},
    PART_HARMLESS | {"thoughtSignature", "thought_signature"},
)
_TURN = Fields("turn", {"role": None, "parts": _PART}, PART_HARMLESS)
_TOOL = Fields("tool", {name: WithoutNulls("tool", name) for name in _FUNCTIONS}, PART_HARMLESS)
FIELDS = Fields(
    "record", {"contents": _TURN, "tools": _TOOL, **dict.fromkeys(_SYSTEMS, _TURN), **METADATA}, RECORD_HARMLESS
)


class _GeminiPart(NamedTuple):
    """What kind of thing a part is, and what it holds."""

    kind: str
    value: Any


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by the parts of its first turn."""
    contents = record.get("contents")
    first = contents[0] if type(contents) is list and contents else None
    return f"have {WANTS}" if type(first) is dict and type(first.get("parts")) is list else None


def convert(record: dict[str, Any], options: tools.Options) -> list[Row]:
    """The record's one dialogue."""
    turns = [made for turn in _take_list(record, "contents") for made in _read_turn(turn)]
    dialogue: dict[str, Any] = {"messages": turns, "tools": _list_functions(record)}
    dialogue |= {field: record[field] for field in METADATA if field in record}
    system = _find(record, _SYSTEMS)
    if system is not None:
        dialogue["system"] = "".join(part.value for part in _read_parts(system, "system"))
    return tools.convert(dialogue, options)


def _read_turn(turn: Any) -> list[dict[str, Any]]:
    """The turns in OpenAI's form that a turn of parts stands for."""
    if type(turn) is not dict:
        raise BadRecord(f"a turn of 'contents' is {name_kind(turn)}, not an object")
    # A single question may come without a role.
    name = turn.get("role") or "user"
    role = _ROLES.get(name) if type(name) is str else None
    if role is None:
        raise BadRecord(f"'role' in a turn of 'contents' is none of {', '.join(_ROLES)}")
    parts = _read_parts(turn, role)
    turns: list[dict[str, Any]] = [
        {"role": "tool", "name": part.value.get("name"), "tool_call_id": part.value.get("id"),
         "content": "" if part.value.get("response") is None else part.value["response"]}
        for part in parts if part.kind == "answer"
    ]  # fmt: skip
    said: dict[str, Any] = {"role": role, "content": _join(parts, "text")}
    if thoughts := _join(parts, "thought"):
        said["reasoning_content"] = thoughts
    if calls := [part.value for part in parts if part.kind == "call"]:
        said["tool_calls"] = [
            {"id": call.get("id"), "name": call.get("name"), "args": call.get("args")} for call in calls
        ]
    return turns if turns and not said["content"] else [*turns, said]


def _read_parts(turn: Any, role: str) -> list[_GeminiPart]:
    """The parts of a turn, which have to stand in the order in which a row has them."""
    if type(turn) is not dict:
        raise BadRecord(f"the instruction of the system is {name_kind(turn)}, not an object with 'parts'")
    parts = [_read_part(part) for part in _take_list(turn, "parts")]
    kinds, order = [part.kind for part in parts], _ORDERS[role]
    for kind in kinds:
        if kind not in order:
            raise BadRecord(f"a turn of the {role} has a part that is {_ARTICLES[kind]}")
    if kinds != sorted(kinds, key=order.index):
        raise BadRecord(f"'parts' of a turn are in another order than {', '.join(order)}, which no row can hold")
    return parts


def _read_part(part: Any) -> _GeminiPart:
    if type(part) is dict:
        text, call, answer = part.get("text"), _find(part, _CALLS), _find(part, _ANSWERS)
        thought = part.get("thought")
        if type(text) is str and call is None and answer is None and (thought is None or type(thought) is bool):
            return _GeminiPart("thought" if thought else "text", text)
        # A call or an answer is no thought, so the mark may only say that it is none.
        if text is None and (thought is None or thought is False):
            if type(call) is dict and answer is None:
                return _GeminiPart("call", call)
            if type(answer) is dict and call is None:
                return _GeminiPart("answer", answer)
    raise refuse_part(part, "a turn of 'contents'")


def _join(parts: list[_GeminiPart], kind: str) -> str:
    return "".join(part.value for part in parts if part.kind == kind)


def _list_functions(record: dict[str, Any]) -> list[Any] | None:
    """The functions of all tools, as one list."""
    if record.get("tools") is None:
        return None
    listed: list[Any] = []
    for tool in _take_list(record, "tools"):
        functions = _find(tool, _FUNCTIONS) if type(tool) is dict else tool
        # A search or a code runner of Gemini's own has no functions, and is counted as unread.
        if functions is not None and type(functions) is not list:
            raise BadRecord(f"an item of 'tools' has functions that are {name_kind(functions)}, not a list")
        listed += [_name_types(function) for function in functions or ()]
    return listed


def _name_types(value: Any) -> Any:
    """The same schema, the names of its types as JSON Schema has them."""
    if type(value) is list:
        return [_name_types(item) for item in value]
    if type(value) is not dict:
        return value
    return {
        key: held.lower() if key == "type" and type(held) is str and held in _TYPES else _name_types(held)
        for key, held in value.items()
    }


def _take_list(holder: dict[str, Any], field: str) -> list[Any]:
    value = holder.get(field)
    if type(value) is not list:
        raise BadRecord(f"missing '{field}'" if value is None else f"'{field}' is {name_kind(value)}, not a list")
    return value


def _find(holder: dict[str, Any], fields: tuple[str, ...]) -> Any:
    """The value under whichever of the names."""
    found = [field for field in fields if holder.get(field) is not None]
    if len(found) > 1:
        raise BadRecord(f"has both '{found[0]}' and '{found[1]}'")
    return holder[found[0]] if found else None
