r"""Robot commands in plain English and the calls that carry them out.

In: `{"input": "turn left and stop", "output": "robot.turn(direction=\"left\", angle=90); robot.stop()",
"category": "complex"}`; or `output_list` with a string a call instead of `output`.
Out: a user turn and an assistant turn with one call a line, every call as written:

    {"messages": [{"role": "user", "content": "turn left and stop"},
                  {"role": "assistant", "content": "robot.turn(direction=\"left\", angle=90)\nrobot.stop()"}],
     "meta": {"category": "complex"}}

Every piece between line ends and semicolons must be one call, as Python reads it, perhaps with a comment.
"""

import ast
import re
import warnings
from collections.abc import Mapping
from typing import Any

from converters._fields import take_text
from recipebook.data.fields import RECORD_HARMLESS, Fields, Shapes
from recipebook.frozen import Frozen
from recipebook.records import name_kind
from recipebook.rows import BadRecord, Message, Row

WANTS = "'input' and calls such as robot.stop() in 'output' or 'output_list'"
PREFERRED_TO = ("chat",)
METRICS: dict[str, dict[str, Any]] = {"robot": {}}
END_OF_TEXT = "<|endoftext|>"

# A run of anything but separators: plain text, an escaped character, a quoted string, or a quote that never closes
# (an apostrophe). Possessive, so that no text, however mangled, takes more than one pass.
_PIECE = re.compile(
    r"""(?: [^"';\n\\]++ | \\.? | "(?:[^"\\]++|\\.)*+" | '(?:[^'\\]++|\\.)*+' | ["'] )++""", re.DOTALL | re.VERBOSE
)

_CALL = re.compile(r"\s*+[^\W\d]\w*+(?:\.\w++)++\(")
# What nearly all calls look like. A text in which nothing can separate calls, either, is one alone.
_PLAIN_NAME = r"[A-Za-z_][A-Za-z_0-9]*+(?:\.[A-Za-z_][A-Za-z_0-9]*+)*+"
_PLAIN_CALL = re.compile(rf"{_PLAIN_NAME}\([^()]*+\)")
_ONLY_CALL = re.compile(rf"{_PLAIN_NAME}\([^();\n]*+\)")
# Python's parser takes a kilobyte of memory for some characters.
MAX_CHARS = 100_000


def _is_list(record: Mapping[str, Any]) -> bool:
    """Whether a record has its calls in a list."""
    return "output_list" in record and record["output_list"] is not None and record.get("output") is None


_TEXT, _LIST = (
    Fields("record", dict.fromkeys(("input", output, "category")), RECORD_HARMLESS)
    for output in ("output", "output_list")
)
FIELDS = Shapes(lambda record: _LIST if _is_list(record) else _TEXT, (_TEXT, _LIST))


class Options(Frozen):
    """What a recipe may set."""

    system: str | None = None
    """A system prompt for every row; null: no system turn. Set it to the prompt that the model will be used with."""


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by its calls, since `input` and `output` alone may hold any text."""
    listed = record.get("output_list")
    for field, output in (
        ("output", record.get("output")),
        ("output_list", listed[0] if type(listed) is list and listed else None),
    ):
        if type(record.get("input")) is str and type(output) is str and _CALL.match(output):
            return f"have 'input' and calls such as robot.stop() in '{field}'"
    return None


def convert(record: dict[str, Any], options: Options) -> list[Row]:
    """The record's one row."""
    messages: list[Message] = [
        {"role": "user", "content": take_text(record, "input")},
        {"role": "assistant", "content": "\n".join(_take_calls(record))},
    ]
    category = "uncategorised" if record.get("category") is None else take_text(record, "category")
    if options.system is not None:
        messages.insert(0, {"role": "system", "content": options.system})
    return [{"messages": messages, "meta": {"category": category}}]


def _take_calls(record: dict[str, Any]) -> list[str]:
    if _is_list(record):
        field, calls = "output_list", _split_list(record["output_list"])
    else:
        field, text = "output", take_text(record, "output")
        if _ONLY_CALL.fullmatch(text):
            return [text]
        calls = split_calls(text)
    if not calls:
        raise BadRecord("holds no call")
    for call in calls:
        # Python reads the others, which takes ten times as long.
        if not _PLAIN_CALL.fullmatch(call) and not _is_call(call):
            raise BadRecord(f"'{field}' has text that is no call such as robot.stop()")
    return calls


def _split_list(listed: Any) -> list[str]:
    if type(listed) is not list:
        raise BadRecord(f"'output_list' is {name_kind(listed)}, not a list")
    return [call for item in listed for call in split_calls(_take_item(item))]


def _is_call(text: str) -> bool:
    """Whether Python reads the text as one call, or as a comment alone."""
    if len(text) > MAX_CHARS:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return not body or (len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Call))


def _take_item(item: Any) -> str:
    if type(item) is not str:
        raise BadRecord(f"an item of 'output_list' is {name_kind(item)}, not a string")
    return take_text({"output_list": item}, "output_list", " of an item")


def split_calls(text: str) -> list[str]:
    """The pieces of an output between line ends and semicolons, without those in quotes."""
    text = text.strip()
    if text.endswith(END_OF_TEXT):
        text = text.removesuffix(END_OF_TEXT).rstrip()
    if ";" not in text and "\n" not in text:
        return [text] if text else []
    pieces = _PIECE.findall(text) if "'" in text or "\\" in text else _split_plainly(text)
    return [call for piece in pieces if (call := piece.strip())]


def _split_plainly(text: str) -> list[str]:
    # Three times as fast as the pattern: with one kind of quote and no escapes, an odd count means an open string.
    pieces = text.replace("\n", ";").split(";")
    for piece in pieces:
        if piece.count('"') % 2:
            return _PIECE.findall(text)
    return pieces
