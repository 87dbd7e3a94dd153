r"""A record of a data file, or the reason why it cannot be read.

In: `{"input": "stop"}` at line 1 and `{"input": "come home", "output":` at line 2. Out:
`Record(1, 1, {"input": "stop"})` and `Record(2, 2, BadRecord("not JSON: unexpected end of data"))`.
Broken records are reported, never skipped.
"""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

import orjson

from recipebook.errors import UserError, on_one_line
from recipebook.rows import BadRecord
from recipebook.suggestions import shorten

LARGEST = 4 * 2**20

_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
# Of 19 digits in a row, every sixth character is a digit three times in a row.
_STRIDE, _SAMPLED = 6, b"000"
_SHORTEST, _LONG = b"-" + b"0" * 19, b"0" * 20

# What is written by hand or by Python, and why it is refused.
_MISTAKES = {
    "'": "single quotes, as Python writes them",
    "/": "a comment",
    **{word: f"{word} is no value of it" for word in ("NaN", "Infinity", "None", "True", "False")},
}

Value = dict[str, Any] | BadRecord


class Record(NamedTuple):
    """One record: its number and its line, both from 1 (line 0: a table's row, which has none), and its value."""

    number: int
    line: int
    value: Value


def place(name: str, record: Record) -> str:
    """A record's place as errors write it: `data.jsonl:7: record 6`, `data.parquet: row 6`."""
    return f"{name}:{record.line}: record {record.number}" if record.line else f"{name}: row {record.number}"


def parse_lines(texts: list[bytes], odd: bool) -> Iterator[Value]:
    """Read a record from each line. `odd`: some may be too large."""
    # What few texts have is looked for in all at once, which takes half the time of looking in each.
    block = b"".join(texts)
    if odd or not texts or holds_escaped(block, b"\\u0000"):
        return map(parse, texts)
    if _is_compact(texts[0]):
        return map(_parse_compact, texts)
    is_usual = not (holds_escaped(block, b"\\u0022") or holds_long_number(block))
    return map(_parse_usual if is_usual else parse, texts)


def _is_compact(text: bytes) -> bool:
    try:
        return text == orjson.dumps(orjson.loads(text), None, orjson.OPT_APPEND_NEWLINE)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return False


def _parse_compact(text: bytes) -> Value:
    """The same as `parse` for a line without an escaped NUL; most may be written as orjson writes them."""
    try:
        value = orjson.loads(text)
        # No key and no digit is missing, then.
        if type(value) is dict and text == orjson.dumps(value, None, orjson.OPT_APPEND_NEWLINE):
            return value
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        pass
    return parse(text)


def _parse_usual(text: bytes) -> Value:
    """The same as `parse` for a line that holds no long number, and no NUL or quote by its number."""
    try:
        value = orjson.loads(text)
        if type(value) is dict and text.count(b'"') == orjson.dumps(value).count(b'"'):
            return value
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        pass
    return parse(text)


def parse(text: bytes) -> Value:
    """Read one record from its JSON; a BadRecord has the reason."""
    if len(text) > LARGEST:
        return BadRecord(f"larger than {LARGEST // 2**20} MiB")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return BadRecord(_explain(text, error))
    if type(value) is not dict:
        return BadRecord(f"{name_kind(value)}, not an object")
    if repeated := find_repeated_key(text, value):
        return BadRecord(repeated)
    if holds_escaped(text, b"\\u0000") and _holds_nul(value):
        return BadRecord("holds a NUL character")
    return _parse_exactly(text) if holds_long_number(text) else value


def load_json(text: str) -> Any:
    """The value of a JSON text, all digits of its integers kept; raises ValueError for any other text."""
    value = orjson.loads(text)
    return load_exactly(text) if holds_long_number(text.encode()) else value


def load_exactly(text: str | bytes) -> Any:
    """The value of a JSON text with integers of any length, for which orjson gives floats."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def find_repeated_key(text: str | bytes, value: Any) -> str | None:
    """What of a JSON text is not in its value, since an object has two values under one key."""
    try:
        if _keeps_all_keys(text.encode() if isinstance(text, str) else text, orjson.dumps(value)):
            return None
    except orjson.JSONEncodeError:
        # Deeper than can be written.
        pass
    return _find_repeated(text)


def holds_escaped(text: bytes, escaped: bytes) -> bool:
    r"""Whether a text holds a character by its number, such as `\u0000`."""
    # Most texts hold no backslash at all, which is found out much faster; and bytes.rfind takes a third of the time of
    # bytes.find.
    return b"\\" in text and text.rfind(escaped) >= 0


def holds_long_number(text: bytes) -> bool:
    """Whether a text may hold an integer of more than 64 bits; a tenth as expensive as reading all of it."""
    if text[::_STRIDE].translate(_ZEROS).rfind(_SAMPLED) < 0:
        return False
    plain = text.translate(_ZEROS)
    return _LONG in plain or _SHORTEST in plain


def name_kind(value: object) -> str:
    """Name a JSON value's kind; reasons contain the kind and never the value itself."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
    return "an object"


def drop_nulls(value: Any) -> Any:
    """The same without null fields: Arrow gives every object of a column the fields of all others, as nulls."""
    if isinstance(value, dict):
        return {key: drop_nulls(inner) for key, inner in value.items() if inner is not None}
    return [drop_nulls(inner) for inner in value] if isinstance(value, list) else value


def require_some(records: Iterator[Record], name: str) -> Iterator[Record]:
    """The same records, or an error when there is none."""
    first = next(records, None)
    if first is None:
        raise UserError(f"{name}: holds no records")
    return chain([first], records)


def _keeps_all_keys(text: bytes, written: bytes) -> bool:
    """Whether a value that is written has every key of the text it was read from; False where that is not certain."""
    # Many programs write as orjson does; else a missing key's quotes are missing, since both write a quote inside a
    # string as `\"`, unless the text has it by its number.
    return text == written or (not holds_escaped(text, b"\\u0022") and text.count(b'"') == written.count(b'"'))


def _find_repeated(text: str | bytes) -> str | None:
    try:
        json.loads(text, object_pairs_hook=_refuse_repeated)
    except BadRecord as reason:
        return str(reason)
    except (ValueError, RecursionError):
        # What else is wrong with it, others say.
        return None
    return None


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found and json.dumps(found[key]) != json.dumps(value):
            raise BadRecord(f"has '{on_one_line(shorten(key))}' twice in one object")
        found[key] = value
    return found


def _parse_exactly(text: bytes) -> Value:
    try:
        value: dict[str, Any] = load_exactly(text)
    except ValueError:
        return BadRecord("holds a number of too many digits, or is nested too deeply")
    return value


def _explain(text: bytes, error: orjson.JSONDecodeError) -> str:
    if b"\0" in text:
        return "holds a NUL byte"
    try:
        text.decode()
    except UnicodeDecodeError:
        return "not UTF-8"
    begins = text.decode()[error.pos :]
    mistake = next((why for start, why in _MISTAKES.items() if begins.startswith(start)), None)
    return f"not JSON: {mistake or error.msg}"


def _holds_nul(value: object) -> bool:
    # An explicit stack: orjson reads deeper nesting than Python can recurse into.
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text if "\0" in text:
                return True
            case list() as items:
                waiting += items
            case dict() as fields:
                waiting += [*fields, *fields.values()]
    return False
