r"""Calls of tools, in the forms that data has for them, as OpenAI's objects.

    {"name": "weather", "args": {"day": "now"}}
    → {"id": "call_0", "type": "function", "function": {"name": "weather", "arguments": "{\"day\": \"now\"}"}}

The arguments may be an object or its JSON, under one of the names in `ARGUMENTS`; none at all is a call without
arguments. Integers keep all their digits. Reasons for refusing a call name its fields, never their values.
"""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from converters._fields import take_text
from recipebook.data.field_values import WithoutNulls
from recipebook.data.fields import PART_HARMLESS, Fields, Inner, Shapes, WrittenJson
from recipebook.records import drop_nulls, find_repeated_key, load_json, name_kind
from recipebook.rows import BadRecord

ARGUMENTS = ("arguments", "args", "parameters", "input", "params", "kwargs")

# What JSONEncoder.encode makes anew for each value, which takes longer than most values do. Values read from JSON hold
# no circle, and looking for one takes half of the time.
_list_pieces = json.encoder.c_make_encoder(  # type: ignore[attr-defined]
    None, json.JSONEncoder().default, json.encoder.encode_basestring, None, ": ", ", ", False, False, True
)
_CALLS = frozenset(("tool_calls", "function_call"))
_SIMPLE = frozenset((str, int, float, bool))
_OTHER_ARGUMENTS = frozenset(ARGUMENTS[1:])
# What may stand in a call or in its function.
_OF_CALLS = frozenset(("name", *ARGUMENTS))


def _declare_calls(arguments: Mapping[str, Inner]) -> Shapes:
    function = Fields("call", {"name": None, **arguments}, PART_HARMLESS | {"type"})
    call = function.extend({"id": None})
    wrapped = call.extend({"function": function})
    return Shapes(lambda given: wrapped if "function" in given else call, (wrapped, call))


WRITTEN_CALL = _declare_calls(dict.fromkeys(ARGUMENTS))
"""What is read of a call in a text of JSON."""
CALL = _declare_calls({name: WithoutNulls("call", name) for name in ARGUMENTS})
"""What is read of a call that is an object."""
CALLS = WrittenJson(CALL, WRITTEN_CALL)
"""What is read of calls in either form."""


def read_written_call(turn: dict[str, Any], said: str, made: int) -> tuple[list[dict[str, Any]], bool]:
    """The calls of a turn whose text is their JSON, numbered from those that were made before it; and whether it is
    one that has a name and arguments, and nothing beside."""
    text = turn.get(said)
    if type(text) is not str or not text or "\r" in text:
        text = take_text(turn, said, " of a call")
    if call := _read_plain_call(text, made):
        return [call], True
    value = _parse_quickly(text, "a call")
    calls = read_call_list(value, "a call", made)
    for call in calls:
        # A float of many digits may stand for an integer of more than 64 bits.
        if "e+" in call["function"]["arguments"]:
            return read_call_list(parse(text, "a call"), "a call", made), False
    return calls, type(value) is dict and len(value) == 2 and "name" in value and "arguments" in value


def _read_plain_call(text: str, made: int) -> dict[str, Any] | None:
    """The call of a text that is the JSON of a name and an object of arguments, and nothing odd, as of nearly all
    calls; None for any other text."""
    try:
        value = orjson.loads(text)
        name, arguments = value["name"], value["arguments"]
        if len(value) > 2 or type(arguments) is not dict or not is_name(name) or "\\u00" in text:
            return None
        written = encode(arguments)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    # Six quotes stand around the two keys and the name; a key that is repeated has two more.
    if "e+" in written or text.count('"') != written.count('"') + 6:
        return None
    return {"id": f"call_{made}", "type": "function", "function": {"name": name, "arguments": written}}


def read_calls(turn: dict[str, Any], role: str, made: int) -> list[dict[str, Any]]:
    """The calls that a turn has beside its text, numbered from those that were made before it."""
    if _CALLS.isdisjoint(turn):
        return []
    listed: Any = turn.get("tool_calls")
    if turn.get("function_call"):
        if listed:
            raise BadRecord("a turn has both 'tool_calls' and 'function_call'")
        listed = [turn["function_call"]]
    written = type(listed) is str
    if written:
        listed = parse(listed, "'tool_calls'") if listed.strip() else None
    if not listed:
        return []
    if type(listed) is not list:
        raise BadRecord(f"'tool_calls' is {name_kind(listed)}, not a list")
    if role != "assistant":
        raise BadRecord(f"a turn of the {role} calls a tool")
    for call in listed:
        if type(call) is not dict:
            raise BadRecord(f"an item of 'tool_calls' is {name_kind(call)}, not an object")
    return [make_call(call, at, written) for at, call in enumerate(listed, made)]


def read_plain_calls(turn: dict[str, Any], said: str) -> list[dict[str, Any]] | None:
    """The calls of a turn that has nothing but its speaker, its text and calls in OpenAI's form, of which all is read;
    None for any other turn."""
    listed = turn.get("tool_calls")
    if len(turn) != 3 or said not in turn or type(listed) is not list:
        return None
    calls: list[dict[str, Any]] = []
    for call in listed:
        function = call.get("function") if type(call) is dict and len(call) == 3 and "type" in call else None
        if type(function) is not dict or len(function) != 2:
            return None
        named, name, arguments = call.get("id"), function.get("name"), function.get("arguments")
        if not is_name(named) or not is_name(name):
            return None
        if type(arguments) is dict and _SIMPLE.issuperset(map(type, arguments.values())):
            arguments = encode(arguments)
        elif not (type(arguments) is str and _is_object(arguments)):
            return None
        calls.append({"id": named, "type": "function", "function": {"name": name, "arguments": arguments}})
    return calls


def _parse_quickly(text: str, what: str) -> Any:
    """The value of a JSON text that reasons call `what`, in which long integers are floats."""
    try:
        value = orjson.loads(text)
        # Where no quote is written by its number, a key that is repeated has two more than its value.
        if "\\u00" not in text and text.count('"') == orjson.dumps(value).count(b'"'):
            return value
    except orjson.JSONDecodeError:
        raise BadRecord(f"{what} is not JSON") from None
    except orjson.JSONEncodeError:
        # Deeper than can be written.
        pass
    if "\\u0000" in text:
        return parse(text, what)
    if repeated := find_repeated_key(text, value):
        raise BadRecord(f"{what} {repeated}")
    return value


def _is_object(text: str) -> bool:
    """Whether the arguments of a call are the JSON of an object."""
    return text != "" and type(_parse_quickly(text, "'arguments' of a call")) is dict


def read_call_list(value: Any, what: str, made: int, written: bool = True) -> list[dict[str, Any]]:
    """The calls of one call or a list of them; reasons call them `what`. `written`: they were a text, not objects."""
    if type(value) is not list:
        return [make_call(value, made, written)]
    if not value:
        raise BadRecord(f"{what} is empty")
    return [make_call(call, at, written) for at, call in enumerate(value, made)]


def make_call(given: Any, at: int, written: bool) -> dict[str, Any]:
    """OpenAI's form of a call, with the number `at` for its id where it has none.

    A null in a call that was written as text was meant; one in an object is Arrow's, and no argument.
    """
    function: Any = given.get("function", given) if type(given) is dict else None
    if type(function) is str:
        function = {**given, "name": function}
    name = function.get("name") if type(function) is dict else None
    if type(function) is not dict or not is_name(name):
        raise BadRecord("a call has no 'name'")
    named = given.get("id")
    if named is not None and not is_name(named):
        raise BadRecord("the 'id' of a call is not a string that can be printed")
    arguments = function.get("arguments")
    if function is not given and not _OF_CALLS.isdisjoint(given):
        _refuse_second_name(given, name)
        arguments = None
    if arguments is None or not _OTHER_ARGUMENTS.isdisjoint(function):
        arguments = _find_arguments(function, given)
    return {
        "id": f"call_{at}" if named is None else named,
        "type": "function",
        "function": {"name": name, "arguments": format_arguments(arguments, written)},
    }


def _refuse_second_name(call: dict[str, Any], name: Any) -> None:
    """Refuse a call that has another name beside its function, as one of them would be lost."""
    if call.get("name") not in (None, name):
        raise BadRecord("a call has two names")


def _find_arguments(function: dict[str, Any], call: dict[str, Any]) -> Any:
    """The arguments under whichever name; None where a call has none."""
    given = [(name, holder[name]) for holder in (function, call) for name in ARGUMENTS if holder.get(name) is not None]
    found = [one for at, one in enumerate(given) if one not in given[:at]]
    if len(found) > 1:
        one, other = found[0][0], found[1][0]
        raise BadRecord(f"a call has both '{one}' and '{other}'" if one != other else f"a call has two '{one}'")
    if found:
        return found[0][1]
    for value in function.values():
        if type(value) in (dict, list) or (type(value) is str and value.startswith("{")):
            raise BadRecord(f"a call has no 'arguments', but {name_kind(value)} under another name")
    return None


def format_arguments(given: Any, written: bool) -> str:
    """The arguments as a string, unchanged if they are a string already."""
    # Of a text, only its kind is needed.
    value = _parse_quickly(given, "'arguments' of a call") if type(given) is str and given else given
    if type(value) is not dict:
        if value is None or value == "":
            return "{}"
        raise BadRecord(f"'arguments' of a call is {name_kind(value)}, not an object")
    if type(given) is str:
        return given
    return _encode_arguments(value, written)


def _encode_arguments(value: dict[str, Any], with_nulls: bool) -> str:
    try:
        encoded = encode(value)
        return encoded if with_nulls or "null" not in encoded else encode(drop_nulls(value))
    except RecursionError:
        raise BadRecord("'arguments' of a call are nested too deeply") from None


def format_answer(value: Any) -> str:
    """A tool's answer that is no text, as JSON."""
    try:
        return encode(value)
    except RecursionError:
        raise BadRecord("an answer of a tool is nested too deeply") from None


def encode(value: Any) -> str:
    """A value as JSON, written as `json.dumps` writes it without `ensure_ascii`."""
    return "".join(_list_pieces(value, 0))


def parse(text: str, what: str) -> Any:
    """The value of a JSON text that reasons call `what`."""
    try:
        value = load_json(text)
    except ValueError:
        raise BadRecord(f"{what} is not JSON") from None
    # An escaped NUL inside this string was not found when the record was read.
    if "\\u0000" in text:
        raise BadRecord(f"{what} holds a NUL character")
    if repeated := find_repeated_key(text, value):
        raise BadRecord(f"{what} {repeated}")
    return value


def is_name(value: Any) -> bool:
    """Whether a value can be the name of a tool or of a call."""
    return type(value) is str and value != "" and value.isprintable()
