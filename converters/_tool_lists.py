"""Lists of tools, in the forms that data has for them, as OpenAI's objects.

    [{"name": "weather", "parameters": {…}}] → [{"type": "function", "function": {"name": "weather", …}}], {"weather"}

A list may be a text of JSON, or one tool. Data repeats its lists, so each is checked once.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from converters._calls import is_name, parse
from recipebook.data.field_values import Unread, WithoutNulls
from recipebook.data.fields import PART_HARMLESS, Fields, Inner, Shapes, WrittenJson, remember_odd
from recipebook.records import drop_nulls, name_kind
from recipebook.rows import BadRecord

# Most data has a few lists of tools, each many times over.
_TOOL_LISTS = 16


def _declare_tool(whole: Inner) -> Fields:
    return Fields("tool", {"function": whole, "type": None}, PART_HARMLESS)


_WRITTEN_TOOL, _TOOL = _declare_tool(None), _declare_tool(WithoutNulls("tool", "function"))


def _choose_tool(tool: dict[str, Any]) -> Fields:
    # One that is not wrapped goes into the row as it is.
    return _TOOL if "function" in tool else Fields("tool", {key: WithoutNulls("tool", key) for key in tool})


class _ToolLists(WrittenJson):
    """What is read of a list of tools, its JSON, or a list of each tool's JSON."""

    own = (list,)

    def find(self, value: Any, found: list[Unread]) -> None:
        """Add what is unread in the tools to `found`."""
        super().find(value, found)
        if type(value) is list:
            for item in value:
                if type(item) is str:
                    super().find(item, found)


TOOLS = _ToolLists(
    Shapes(_choose_tool, (_TOOL,)),
    Shapes(lambda tool: _WRITTEN_TOOL if "function" in tool else None, (_WRITTEN_TOOL,)),
)
"""What is read of a list of tools."""


class Tools(NamedTuple):
    """The tools of a list, their names, and whether all of the list is read."""

    tools: list[dict[str, Any]]
    names: set[str]
    is_clean: bool


NO_TOOLS = Tools([], set(), is_clean=True)


def read_tools(listed: Any, field: str = "tools", written: bool = False) -> Tools:
    """The tools of a record, from a list, one tool, or the JSON of either; `written`: from a text."""
    if listed is None:
        return NO_TOOLS
    if type(listed) is str:
        # The cache looks up one text twice as fast as a text and a field.
        return _read_written_tools(listed) if field == "tools" else _read_written_tools(listed, field)
    try:
        text = orjson.dumps(listed)
    except orjson.JSONEncodeError:
        # Too deep, or with numbers too long, to be looked up.
        return Tools(*_check_tools(listed, field, written), is_clean=False)
    found = _read_listed_tools(text, field, written)
    if found.is_clean:
        remember_odd(listed, [])
    return found


@lru_cache(_TOOL_LISTS)
def _read_written_tools(text: str, field: str = "tools") -> Tools:
    listed, unread = parse(text, f"'{field}'") if text and not text.isspace() else None, list[Unread]()
    tools, names = _check_tools(listed, field, written=True)
    TOOLS.find(text, unread)
    return Tools(tools, names, is_clean=not unread)


@lru_cache(_TOOL_LISTS)
def _read_listed_tools(text: bytes, field: str, written: bool) -> Tools:
    """The tools of a list that is no text, known by what it would be as one."""
    listed, unread = orjson.loads(text), list[Unread]()
    tools, names = _check_tools(listed, field, written)
    TOOLS.find(listed, unread)
    return Tools(tools, names, is_clean=type(listed) is list and not unread)


def _check_tools(listed: Any, field: str, written: bool = False) -> tuple[list[dict[str, Any]], set[str]]:
    if listed is None:
        return [], set()
    if type(listed) is dict and ("name" in listed or "function" in listed):
        listed = [listed]
    if type(listed) is not list:
        raise BadRecord(f"'{field}' is {name_kind(listed)}, not a list")
    tools: list[dict[str, Any]] = []
    for item in listed:
        written = written or type(item) is str
        tool = parse(item, f"an item of '{field}'") if type(item) is str else item
        function = tool.get("function", tool) if type(tool) is dict else None
        if type(function) is not dict or not is_name(function.get("name")):
            raise BadRecord(f"an item of '{field}' has no 'name'")
        if function is tool and tool.get("type") == "function":
            function = {key: value for key, value in tool.items() if key != "type"}
        if function.get("input_schema") is not None and function.get("parameters") is None:
            # Anthropic's name for them.
            others = {key: value for key, value in function.items() if key not in ("input_schema", "parameters")}
            function = {**others, "parameters": function["input_schema"]}
        tools.append({"type": "function", "function": function if written else _drop_arrows_nulls(function)})
    return tools, {tool["function"]["name"] for tool in tools}


def _drop_arrows_nulls(function: dict[str, Any]) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = drop_nulls(function) if b"null" in orjson.dumps(function) else function
    except orjson.JSONEncodeError as error:
        long = "64-bit" in str(error)
        raise BadRecord(f"a tool {'holds a number of more than 64 bits' if long else 'is nested too deeply'}") from None
    except RecursionError:
        raise BadRecord("a tool is nested too deeply") from None
    return kept
