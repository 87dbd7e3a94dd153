"""Two answers with one number for which is better, as HelpSteer3 has them: pairs, the better answer chosen.

    {"context": [{"role": "user", "content": "hi"}], "response1": "hello", "response2": "no", "overall_preference": -2,
     "domain": "general", "language": "english"}

A number below 0 prefers the first answer, one above 0 the second. Out:

    {"messages": [{"role": "user", "content": "hi"}], "chosen": {"role": "assistant", "content": "hello"},
     "rejected": {"role": "assistant", "content": "no"},
     "meta": {"language": "english", "category": "general", "score": 2.0}}

`meta.score` is how much better the answer is, for the option `threshold`. A record whose number is 0 prefers neither
answer, and is left out. HelpSteer2's preferences have the same in other fields:

    {"prompt": "hi", "response_1": "hello", "response_2": "no", "preference_strength": -2}
"""

from typing import Any, NamedTuple

from converters import preference
from converters._blocks import PARTS
from converters._fields import take_text
from converters._metadata import METADATA
from converters._numbers import take_number
from converters._tool_lists import TOOLS
from converters._turns import SYSTEMS, declare_any_turns
from converters._written_turns import WrittenTurns, find_written_turns
from converters.tools import declare_tool_turns
from recipebook.data.field_values import TEXT
from recipebook.data.fields import RECORD_HARMLESS, Fields, Inner, Shapes
from recipebook.records import name_kind
from recipebook.rows import BadRecord, LeftOut, Row, join_meta


class _PairKeys(NamedTuple):
    """The fields of the prompt, of the two answers, and of the number that compares them."""

    prompt: str
    first: str
    second: str
    number: str


_SHAPES = (
    _PairKeys("context", "response1", "response2", "overall_preference"),
    _PairKeys("prompt", "response_1", "response_2", "preference_strength"),
)
WANTS = (
    "'context', 'response1', 'response2' and 'overall_preference', or 'prompt', 'response_1', 'response_2' and "
    "'preference_strength'"
)
STRENGTHS = preference.STRENGTHS
NOTES = preference.NOTES
Options = preference.Options

_BESIDE = (*SYSTEMS, "tools")


def _declare(shape: _PairKeys) -> Fields:
    prompt = WrittenTurns(declare_any_turns(declare_tool_turns).fields)
    read: dict[str, Inner] = {shape.prompt: prompt, shape.first: PARTS, shape.second: PARTS, shape.number: None}
    beside: dict[str, Inner] = {**dict.fromkeys(SYSTEMS, PARTS), "tools": TOOLS, "domain": TEXT, "language": TEXT}
    return Fields("record", {**read, **beside, **METADATA}, RECORD_HARMLESS)


_FIELDS = {shape: _declare(shape) for shape in _SHAPES}
FIELDS = Shapes(lambda record: _FIELDS[_find_shape(record)], _FIELDS.values())


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by its two answers and the number that compares them."""
    for shape in _SHAPES:
        if all(record.get(field) is not None for field in shape):
            return f"have '{shape.prompt}', '{shape.first}', '{shape.second}' and '{shape.number}'"
    return None


def convert(record: dict[str, Any], options: preference.Options) -> list[Row]:
    """The record's one pair."""
    shape = _find_shape(record)
    prompt: Any = find_written_turns(record.get(shape.prompt), shape.prompt) or record.get(shape.prompt)
    if type(prompt) is not list and (shape is _SHAPES[0] or type(prompt) is not str):
        raise BadRecord(f"'{shape.prompt}' is {name_kind(prompt)}, not a list")
    number = take_number(record, shape.number, written=True)
    if number is None:
        raise BadRecord(f"'{shape.number}' is null, not a number")
    better, worse = (shape.first, shape.second) if number < 0 else (shape.second, shape.first)
    answers = {"chosen": take_text(record, better), "rejected": take_text(record, worse)}
    if number == 0:
        raise LeftOut("prefers neither of its answers")
    pair = {"prompt": prompt, **answers, "preference_score": abs(number), "category": record.get("domain")}
    pair |= {field: record[field] for field in (*_BESIDE, *METADATA) if field in record}
    rows = preference.convert(pair, options)
    if type(language := record.get("language")) is str:
        rows[0]["meta"] = join_meta(rows[0]["meta"], {"language": language})
    return rows


def _find_shape(record: dict[str, Any]) -> _PairKeys:
    first, other = _SHAPES
    return other if any(record.get(field) is not None for field in (other.first, other.number)) else first
