"""A question and its answer in two fields of a record, each a text or a list of turns, as the turns of a chat.

    {"question": "Rain?", "context": "It is June.", "thinking": "Dry.", "answer": "No."}
    → {"role": "user", "content": "Rain?\\nIt is June."},
      {"role": "assistant", "content": "No.", "reasoning_content": "Dry."}

What stands in `thinking`, or under another name in `REASONING`, beside two texts is what the assistant thought.
Turns may be the JSON of a list, as tables hold them, where the question's are.
"""

from collections.abc import Mapping
from typing import Any

from converters._extras import REASONING, take_reasoning
from converters._fields import take_text
from converters._turns import Shape, read_history, take_turns
from converters._written_turns import WrittenTurns, find_written_turns
from recipebook.data.field_values import TEXT
from recipebook.data.fields import RECORD_HARMLESS, Fields, Inner, WrittenJson
from recipebook.rows import Message

PAIRS = (
    ("instruction", "output"),
    ("instruction", "response"),
    ("prompt", "completion"),
    ("prompt", "response"),
    ("question", "answer"),
    ("question", "response"),
    ("query", "response"),
    ("query", "answer"),
    ("problem", "solution"),
    ("prompt", "answer"),
    ("prompt", "output"),
    ("instruction", "answer"),
    ("instruction", "completion"),
    ("question", "output"),
    ("query", "output"),
    ("problem", "answer"),
    ("problem", "response"),
    ("input", "output"),
    ("input", "response"),
    ("input", "answer"),
    ("input", "target"),
    ("inputs", "targets"),
    ("input_text", "output_text"),
    ("text_input", "output"),
)
"""The fields of a question and of its answer; of several pairs, a record is read by the first."""

_CONTEXTS = ("input", "context")
_REASONING = frozenset(REASONING)
# What data writes where it only says whether the assistant thinks.
_SWITCHES = ("on", "off")


def find_pair(record: Mapping[str, Any]) -> tuple[str, str] | None:
    """The fields of a record's question and answer."""
    for pair in PAIRS:
        if record.get(pair[0]) is not None and record.get(pair[1]) is not None:
            return pair
    return None


def read_sides(record: Mapping[str, Any], pair: tuple[str, str]) -> list[tuple[list[Any], Shape]] | None:
    """The turns of the question and of the answer, where one of them is a list of turns; None for two texts."""
    if not _has_turns(record, pair):
        return None
    sides: list[tuple[list[Any], Shape]] = []
    for field, role in zip(pair, ("user", "assistant"), strict=True):
        value = find_written_turns(record[field], field) or record[field]
        if type(value) is not list:
            value = [{"role": role, "content": take_text(dict(record), field)}]
        sides.append(take_turns(value, field))
    return sides


def read_texts(record: dict[str, Any], pair: tuple[str, str]) -> list[Message]:
    """The messages of a question and an answer that are texts, and of the history before them."""
    asked, answered = pair
    question = take_text(record, asked)
    for field in _CONTEXTS:
        if field != asked and record.get(field):
            question += "\n" + take_text(record, field)
    messages = read_history(record)
    messages.append({"role": "user", "content": question})
    messages.append({"role": "assistant", "content": take_text(record, answered)})
    if not _REASONING.isdisjoint(record) and _has_thought(record) and (thought := take_reasoning(record)):
        messages[-1]["reasoning_content"] = thought
    return messages


class PairFields:
    """What is read of records with a question and an answer, `beside` what every record of a converter has."""

    def __init__(self, beside: Mapping[str, Inner], turns: WrittenJson) -> None:
        thoughts, said = dict.fromkeys(REASONING, TEXT), WrittenTurns(turns.fields)
        self._lists: dict[tuple[str, str], Fields] = {}
        self._texts: dict[tuple[str, str], Fields] = {}
        self._thoughts: dict[tuple[str, str], Fields] = {}
        self._switches: dict[tuple[str, str], Fields] = {}
        for pair in PAIRS:
            texts = {**beside, **dict.fromkeys((*_CONTEXTS, "history")), **dict.fromkeys(pair, said)}
            self._lists[pair] = _declare({**beside, **dict.fromkeys(pair, turns)})
            self._texts[pair] = _declare(texts)
            self._thoughts[pair] = _declare({**texts, **thoughts}, by_value=True)
            self._switches[pair] = _declare(texts, by_value=True)

    def choose(self, record: Mapping[str, Any]) -> Fields | None:
        """What is declared of a record; None where it has no question and answer."""
        pair = find_pair(record)
        if pair is None:
            return None
        if _has_turns(record, pair):
            return self._lists[pair]
        if _REASONING.isdisjoint(record):
            return self._texts[pair]
        return (self._thoughts if _has_thought(record) else self._switches)[pair]

    def list_all(self) -> list[Fields]:
        """All that may be chosen, for the page that lists them."""
        return [*self._thoughts.values(), *self._lists.values()]


def _declare(read: Mapping[str, Inner], by_value: bool = False) -> Fields:
    return Fields("record", read, RECORD_HARMLESS, by_value)


def _has_turns(record: Mapping[str, Any], pair: tuple[str, str]) -> bool:
    asked, answered = pair
    given = record[asked]
    return list in (type(given), type(record[answered])) or find_written_turns(given, asked) is not None


def _has_thought(record: Mapping[str, Any]) -> bool:
    return not any(record.get(field) in _SWITCHES for field in REASONING)
