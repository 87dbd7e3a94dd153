"""Two answers with one number for which is better, as HelpSteer3 has them: pairs, the better answer chosen.

    {"context": [{"role": "user", "content": "hi"}], "response1": "hello", "response2": "no", "overall_preference": -2,
     "domain": "general", "language": "english"}

A number below 0 prefers the first answer, one above 0 the second. Out:

    {"messages": [{"role": "user", "content": "hi"}], "chosen": {"role": "assistant", "content": "hello"},
     "rejected": {"role": "assistant", "content": "no"},
     "meta": {"language": "english", "category": "general", "score": 2.0}}

`meta.score` is how much better the answer is, for the option `threshold`. A record whose number is 0 prefers neither
answer, and is left out.
"""

from typing import Any

from converters import preference
from converters._blocks import PARTS
from converters._fields import take_text
from converters._turns import declare_any_turns
from converters.tools import declare_tool_turns
from recipebook.data.field_values import TEXT
from recipebook.data.fields import RECORD_HARMLESS, Fields
from recipebook.records import name_kind
from recipebook.rows import BadRecord, LeftOut, Row

WANTS = "'context', 'response1', 'response2' and 'overall_preference'"
STRENGTHS = preference.STRENGTHS
NOTES = preference.NOTES
Options = preference.Options

_READ = ("response1", "response2", "overall_preference")
FIELDS = Fields(
    "record",
    {
        "context": declare_any_turns(declare_tool_turns),
        **dict.fromkeys(_READ, PARTS),
        "overall_preference": None,
        "domain": TEXT,
        "language": TEXT,
    },
    RECORD_HARMLESS,
)


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by its two answers and the number that compares them."""
    if type(record.get("context")) is list and all(record.get(field) is not None for field in _READ):
        return f"have {WANTS}"
    return None


def convert(record: dict[str, Any], options: preference.Options) -> list[Row]:
    """The record's one pair."""
    context: Any = record.get("context")
    number: Any = record.get("overall_preference")
    if type(context) is not list:
        raise BadRecord(f"'context' is {name_kind(context)}, not a list")
    if type(number) not in (int, float):
        raise BadRecord(f"'overall_preference' is {name_kind(number)}, not a number")
    better, worse = ("response1", "response2") if number < 0 else ("response2", "response1")
    answers = {"chosen": take_text(record, better), "rejected": take_text(record, worse)}
    if number == 0:
        raise LeftOut("prefers neither of its answers")
    pair = {"prompt": context, **answers, "preference_score": abs(number), "category": record.get("domain")}
    return preference.convert({**pair, "metadata": {"language": record.get("language")}}, options)
